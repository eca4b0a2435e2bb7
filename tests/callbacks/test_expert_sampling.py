from types import SimpleNamespace

import pytest
import torch

from diiqn_lightning.callbacks.expert_sampling import BEGINNERS_LEAD, ExpertSampling, held_out_transitions
from diiqn_lightning.experts.table import InferredActions


@pytest.mark.parametrize(
    ("share", "episodes"), [(0.5, [0, 2]), (0.25, [0]), (0.01, [0])], ids=["half", "a quarter", "at least one"]
)
def test_whole_episodes_are_held_out(share, episodes):
    lengths = torch.tensor([2, 1, 3, 1])
    held_out = held_out_transitions(lengths, share)
    expected = torch.isin(torch.repeat_interleave(torch.arange(4), lengths), torch.tensor(episodes))
    assert torch.equal(held_out, expected)


def test_of_a_single_episode_nothing_is_held_out():
    assert not bool(held_out_transitions(torch.tensor([5]), 0.2).any())


def test_before_it_has_finished_ten_episodes_an_agent_counts_as_a_beginner():
    sampling = ExpertSampling()
    sampling._expert = SimpleNamespace(table=InferredActions(3))
    assert sampling._lead([9.0] * 10) == 0  # nothing is known of the expert
    sampling._expert.table.episode_returns = torch.tensor([4.0, 8.0])
    assert sampling._lead([9.0] * 9) == BEGINNERS_LEAD
    assert sampling._lead([9.0] * 10) == pytest.approx(-3 / 8**0.5)
