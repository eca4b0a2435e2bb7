from types import SimpleNamespace

import pytest
import torch
from tensordict import TensorDict
from torch.testing import assert_close

from diiqn_lightning import keys
from diiqn_lightning.algorithm.guides import Guides
from diiqn_lightning.callbacks.expert_sampling import BEGINNERS_LEAD, ExpertSampling, held_out_transitions
from diiqn_lightning.errors import InputError
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


def test_a_single_episode_cannot_be_held_out():
    with pytest.raises(InputError, match="expert_sampling.held_out is '0.2 of 1 episode'.*model.carry_over null"):
        held_out_transitions(torch.tensor([5]), 0.2)


def test_a_mixture_holds_nothing_out():
    with pytest.raises(InputError, match="expert_sampling.held_out is 0.2.*combination add"):
        ExpertSampling(held_out=0.2).setup(None, SimpleNamespace(combination="mix"), "fit")


def test_the_agents_reward_has_no_step_more_behind_it():
    with pytest.raises(InputError, match="expert_sampling.augmented_backup"):
        ExpertSampling(expert_draw="neighbour", expert_reward="agent", augmented_backup=True)


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


def drawing(table, agent_node=0, **beside):
    """What is drawn from two episodes of two transitions each, the second one held out, in a batch of 4,000."""
    sampling = ExpertSampling(held_out=0.5)
    sampling.expert_reward = "agent" if beside else "matched"
    states = ExpertStates(torch.eye(6), torch.tensor([3, 6]))
    table.action[:] = torch.arange(4)
    sampling._expert, sampling._discount = SimpleNamespace(table=table, states=states), 0.5
    sampling._held_out = torch.tensor([False, False, True, True])
    sampling._generator = torch.Generator().manual_seed(0)
    sampling._stream = SimpleNamespace(recent_returns=[])
    batch = TensorDict({keys.NODE: torch.full((1, 4000), agent_node), **beside}, [1, 4000])
    sampling.on_train_batch_start(None, None, batch, 0)
    return batch.get(keys.EXPERT)


def test_whoever_writes_into_the_experts_reward_leaves_the_agents_alone():
    reward = torch.ones(1, 4000)
    expert = drawing(InferredActions(4), next=TensorDict({"reward": reward}, [1, 4000]))
    assert torch.equal(expert["reward"], reward)
    expert["reward"][0, :10] = 7.0  # as bridges do
    assert bool((reward == 1).all())


def share_of_each(expert):
    return expert["index"].flatten().bincount(minlength=4) / 4000


def test_transitions_are_drawn_equally_often_and_where_states_are_known_states():
    table = InferredActions(4)
    assert_close(share_of_each(drawing(table)), torch.full((4,), 0.25), atol=0.03, rtol=0)
    table.node = torch.tensor([8, 8, 9, 10])
    assert_close(share_of_each(drawing(table)), torch.tensor([1, 1, 2, 2]) / 6, atol=0.03, rtol=0)


def guided_table(at_agent=0.5):
    """Transition 2 guides in state 8, which the first and the third are of, and a step of 1's bridge in state 9."""
    table = InferredActions(4)
    table.at_agent = at_agent
    table.node = torch.tensor([8, 9, 8, 9])
    table.guides = Guides(torch.tensor([8, 9]), torch.tensor([2, 1]), torch.tensor([0, 3]))
    return table


def test_what_guides_in_the_place_of_another_has_its_outcome_and_is_held_out_as_the_other_was():
    expert = drawing(guided_table())
    assert_close(share_of_each(expert), torch.tensor([0, 0.5, 0.5, 0]), atol=0.03, rtol=0)
    assert torch.equal(expert["action"], expert["index"])
    assert_close(expert["observation"], torch.eye(6)[expert["index"] + (expert["index"] > 1).long()])
    assert 0.4 < float(expert["held_out"][expert["index"] == 2].float().mean()) < 0.6


def test_half_of_the_draws_are_where_the_agent_is():
    expert = drawing(guided_table(), agent_node=9)
    assert_close(share_of_each(expert), torch.tensor([0, 0.75, 0.25, 0]), atol=0.03, rtol=0)
    # Half of the draws are to guide where the agent is, the others there or further on.
    here = expert["last_step"] == 3
    assert 0.47 < float(here.float().mean()) < 0.53
    assert bool((expert["first_step"] == 3 * (expert["index"] == 1)).all())
    # Of three draws in state 9 one is of the dataset, and of those every second one is held out.
    assert 0.12 < float(expert["held_out"][expert["index"] == 1].float().mean()) < 0.21
    assert bool((drawing(guided_table(at_agent=1), agent_node=9)["index"] == 1).all())
