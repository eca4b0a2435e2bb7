from types import SimpleNamespace

import pytest
import torch

from diiqn_lightning.callbacks.learned_labels import LearnedLabels
from diiqn_lightning.experts import ExpertStates
from diiqn_lightning.experts.table import InferredActions
from diiqn_lightning.labeller import Labels
from diiqn_lightning.modules.labelling import LabellerSettings


class Labeller:
    """Labels everything action 1, and rewards it by how often it was asked."""

    def __init__(self, taught):
        self.taught, self.asked = torch.tensor(taught), 0

    def label(self, observation, next_observation, history=None):
        self.asked += 1
        count = len(observation)
        action = torch.full((count,), self.asked)
        return Labels(action, torch.ones(count), action.float(), torch.zeros(count, dtype=torch.bool))


@pytest.mark.parametrize(("taught", "action"), [(0.95, 2), (0.85, 1)])
def test_actions_stay_as_they_are_once_the_agent_teaches_too_little(taught, action):
    states = ExpertStates(torch.rand(4, 3), torch.tensor([4]))
    inference = LearnedLabels(relabel_every_n_updates=10)
    inference._expert = SimpleNamespace(states=states, table=InferredActions(3))
    inference._discount, inference._done_at = 0.99, 0
    settings = LabellerSettings()
    labeller = Labeller(1.0)
    module = SimpleNamespace(labeller=labeller, labeller_settings=settings, updates=10, device="cpu", num_actions=4)
    inference._module = module
    inference.on_train_batch_start(None, module, None, 0)
    module.labeller.taught, module.updates = torch.tensor(taught), 20
    inference.on_train_batch_start(None, module, None, 0)
    assert inference._expert.table.action.tolist() == [action] * 3
    assert inference._expert.table.reward.tolist() == [2.0] * 3
