from types import SimpleNamespace

import pytest
import torch
from tensordict import TensorDict

from diiqn_lightning import keys
from diiqn_lightning.callbacks.learned_labels import LearnedLabels
from diiqn_lightning.experts import ExpertStates
from diiqn_lightning.experts.table import InferredActions
from diiqn_lightning.labeller import Labels
from diiqn_lightning.modules.labelling import LabellerSettings
from tests.data.test_stream import make_stream


class Labeller:
    """Labels everything action 1, and rewards it by how often it was asked."""

    def __init__(self, taught):
        self.taught, self.asked = torch.tensor(taught), 0

    head = SimpleNamespace(out_features=1)

    def outputs(self, observation, next_observation, history=None):
        return torch.zeros(len(observation), 1)

    def labels_of(self, outputs, sizes=None):
        self.asked += 1
        count = len(outputs)
        action = torch.full((count,), self.asked)
        return Labels(action, torch.ones(count), sizes.nearest(action.float()), torch.zeros(count, dtype=torch.bool))


def make_inference(transitions=3, **options):
    """Inference of an episode's transitions, and the module whose labeller it asks."""
    inference = LearnedLabels(**options)
    states = ExpertStates(torch.rand(transitions + 1, 3), torch.tensor([transitions + 1]))
    inference._expert = SimpleNamespace(states=states, table=InferredActions(transitions))
    inference._discount, inference._done_at, inference._episode_step = 0.99, 0, None
    settings = LabellerSettings()
    inference._module = SimpleNamespace(
        labeller=Labeller(1.0), labeller_settings=settings, device="cpu", num_actions=9,
        global_rank=0, trainer=SimpleNamespace(world_size=1),
    )  # fmt: skip
    return inference, inference._module


def labellings(inference, module, frames):
    """Of these numbers of environment frames those at which the labeller was asked."""
    at = []
    for now in frames:
        inference._stream, before = SimpleNamespace(frames=now), module.labeller.asked
        inference._module = module
        inference.on_train_batch_start(None, module, None, 0)
        at += [now] if module.labeller.asked > before else []
    return at


def test_labellings_are_so_many_frames_apart_at_least():
    assert labellings(*make_inference(relabel_every_n_frames=10), range(8, 60, 8)) == [16, 32, 48]


def test_rewards_are_rounded_to_those_of_the_agents_frames_also_in_a_resumed_run():
    (inference, module), (resumed, _) = (make_inference(relabel_every_n_frames=1) for _ in range(2))
    module.labeller_settings = LabellerSettings(largest_action_weight=None)
    inference.on_frames(TensorDict({"next": {"reward": torch.tensor([0.0, 0.25])}}, [2]))
    resumed.load_rank_state(inference.rank_state())
    for one in (inference, resumed):
        labellings(one, module, [10 + module.labeller.asked])
        assert one._expert.table.reward.tolist() == [0.25] * 3


def test_labellings_grow_further_apart_with_their_share_of_all_frames():
    # After 20, 40, 80, … half of all frames lie between two labellings.
    apart = make_inference(relabel_every_n_frames=10, relabel_share=0.5)
    assert labellings(*apart, range(10, 200, 10)) == [10, 20, 40, 80, 160]


@pytest.mark.parametrize(("taught", "action"), [(0.95, 2), (0.85, 1)])
def test_actions_stay_as_they_are_once_the_agent_teaches_too_little(taught, action):
    inference, module = make_inference(relabel_every_n_frames=10)
    labellings(inference, module, [10])
    module.labeller.taught = torch.tensor(taught)
    labellings(inference, module, [20])
    assert inference._expert.table.action.tolist() == [action] * 3
    assert inference._expert.table.reward.tolist() == [2.0] * 3


def test_what_was_never_labelled_is_labelled_by_a_labeller_that_has_learned_before():
    # As where a run goes on with fresh data after its exploration has ended.
    inference, module = make_inference(relabel_every_n_frames=10)
    module.labeller.taught = torch.tensor(0.5)
    labellings(inference, module, [10])
    assert inference._expert.table.action.tolist() == [1] * 3
    assert inference._expert.table.certainty.tolist() == [1.0] * 3
    labellings(inference, module, [20])
    assert inference._expert.table.action.tolist() == [1] * 3


def test_a_large_dataset_is_labelled_whole_once_and_then_in_turns_that_a_resumed_run_goes_on_with():
    def label(inference, frames):
        labellings(inference, module, [frames])
        return inference._expert.table.action.tolist()

    (first, module), (resumed, _) = (
        make_inference(transitions=5, relabel_every_n_frames=10, labelled_at_most=2) for _ in range(2)
    )
    assert label(first, 10) == [1, 1, 1, 1, 1]
    assert label(first, 20) == [2, 2, 1, 1, 1]
    assert label(first, 30) == [2, 2, 3, 3, 1]
    resumed.load_rank_state(first.rank_state())
    resumed._expert.table.load_state(first._expert.table.state())
    assert label(resumed, 40) == [4, 2, 3, 3, 4]


def test_what_came_before_the_agents_states_is_what_its_episodes_showed():
    # A state of the corridor has a mark of its episode and the steps since its start, which tell what came before.
    stream, inference = make_stream(frames_per_epoch=250), LearnedLabels()
    inference._stream = SimpleNamespace(stream=stream, num_envs=stream.num_envs)
    inference._module = SimpleNamespace(labeller_settings=LabellerSettings(history=2))
    inference._episode_step = None
    stream.observers = [inference]
    for _ in stream.begin_epoch():
        pass
    assert stream.episodes > 5
    state = stream.replay.column(keys.OBSERVATION)
    steps = (20 * state[:, -1]).round()
    assert torch.equal(stream.replay.column(keys.EPISODE_STEP), steps.long())
    before = stream.replay.preceding(torch.arange(len(state)), 2, stream.num_envs)
    for position, back in ((0, 2), (1, 1)):
        there = steps >= back
        torch.testing.assert_close(20 * before[there, position, -1], steps[there] - back)
        assert torch.equal(before[there, position, -2], state[there, -2])
        assert not before[~there, position].any()
