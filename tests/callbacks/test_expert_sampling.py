from types import SimpleNamespace

import pytest
import torch
from tensordict import TensorDict
from torch.testing import assert_close

from diiqn_lightning import keys
from diiqn_lightning.callbacks.expert_sampling import BEGINNERS_LEAD, ExpertSampling, held_out_transitions
from diiqn_lightning.experts import ExpertStates
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


def sampling_with(expert_returns, agent_returns):
    sampling = ExpertSampling()
    sampling._expert = SimpleNamespace(table=InferredActions(3))
    sampling._expert.table.episode_returns = torch.tensor(expert_returns)
    sampling._stream = SimpleNamespace(recent_returns=agent_returns)
    sampling._others_returns = torch.zeros(2, dtype=torch.float64)
    return sampling


def test_before_it_has_finished_ten_episodes_an_agent_counts_as_a_beginner():
    assert sampling_with([], [9.0] * 10)._lead() == 0  # nothing is known of the expert
    assert sampling_with([4.0, 8.0], [9.0] * 9)._lead() == BEGINNERS_LEAD
    assert sampling_with([4.0, 8.0], [9.0] * 10)._lead() == pytest.approx(-3 / 8**0.5)


def test_episodes_of_all_ranks_count_for_the_lead():
    sampling = sampling_with([4.0, 8.0], [9.0] * 6)
    sampling.merge_ranks(lambda own: torch.stack([torch.tensor([18.0, 6.0]), own]), rank=1)
    assert sampling._lead() == pytest.approx((6 - 72 / 12) / 8**0.5)


def test_n_steps_run_along_the_experts_trajectory_and_end_with_its_episode():
    # Cells 0 to 3 and 4 to 6: transitions 0 → 1 → 2 → 3 and 4 → 5 → 6, with rewards 1, 2, 4 and 8, 16; γ = ½.
    sampling = ExpertSampling(n_step=2)
    states = ExpertStates(torch.eye(7), torch.tensor([4, 7]))
    table = InferredActions(5)
    table.reward = torch.tensor([1.0, 2.0, 4.0, 8.0, 16.0])
    table.terminated = torch.tensor([False, False, True, False, False])
    sampling._expert, sampling._discount = SimpleNamespace(table=table, states=states), 0.5
    outcome = sampling._outcome(torch.tensor([0, 1, 2, 3, 4]), 2)
    assert_close(outcome["reward"], torch.tensor([1 + 1.0, 2 + 2.0, 4.0, 8 + 8.0, 16.0]))
    assert_close(outcome["discount"], torch.tensor([0.25, 0.25, 0.5, 0.25, 0.5]))
    assert outcome["terminated"].tolist() == [False, True, True, False, False]
    assert outcome["next_observation"].argmax(1).tolist() == [2, 3, 3, 6, 6]


def drawing(table):
    """What is drawn from two episodes of two transitions each, the second one held out, in a batch of 4,000."""
    sampling = ExpertSampling(held_out=0.5)
    states = ExpertStates(torch.eye(6), torch.tensor([3, 6]))
    table.action[:] = torch.arange(4)
    sampling._expert, sampling._discount = SimpleNamespace(table=table, states=states), 0.5
    sampling._held_out = torch.tensor([False, False, True, True])
    sampling._generator = torch.Generator().manual_seed(0)
    sampling._stream = SimpleNamespace(recent_returns=[])
    batch = TensorDict({}, [1, 4000])
    sampling.on_train_batch_start(None, None, batch, 0)
    return batch.get(keys.EXPERT)


def test_all_transitions_are_drawn_equally_often_but_for_what_the_table_says():
    table = InferredActions(4)
    assert_close(
        drawing(table)["index"].flatten().bincount(minlength=4) / 4000, torch.full((4,), 0.25), atol=0.03, rtol=0
    )
    # The first two are of one state, and the others of one each.
    table.drawn_up_to = torch.tensor([1 / 6, 1 / 3, 2 / 3, 1.0], dtype=torch.float64)
    share = drawing(table)["index"].flatten().bincount(minlength=4) / 4000
    assert_close(share, torch.tensor([1 / 6, 1 / 6, 1 / 3, 1 / 3]), atol=0.03, rtol=0)


def test_what_guides_in_the_place_of_another_has_its_outcome_and_is_held_out_as_the_other_was():
    table = InferredActions(4)
    table.guide = torch.tensor([2, 1, 2, 1])
    expert = drawing(table)
    assert set(expert["index"].unique().tolist()) == {1, 2}
    assert torch.equal(expert["action"], expert["index"])
    assert_close(expert["observation"], torch.eye(6)[expert["index"] + (expert["index"] > 1).long()])
    of_the_second = expert["index"] == 2
    assert 0.4 < float(expert["held_out"][of_the_second].float().mean()) < 0.6
