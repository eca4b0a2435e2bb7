import dataclasses

import pytest
import torch

from diiqn_lightning.errors import InputError
from diiqn_lightning.experts import ExpertDataset, ExpertStates


def states(ends, dtype=torch.float32):
    return ExpertStates(torch.arange(ends[-1] * 2).reshape(-1, 2).to(dtype), torch.tensor(ends))


def test_transitions_never_cross_an_episodes_end():
    expert = states([3, 5])  # states 0 1 2 | 3 4: transitions 0→1, 1→2, 3→4
    assert expert.num_transitions == 3
    assert expert.transition_starts.tolist() == [0, 1, 3]
    assert expert.next_observation(torch.arange(3))[:, 0].tolist() == [2, 4, 8]
    assert expert.episode_lengths.tolist() == [2, 1]
    assert expert.is_last.tolist() == [False, True, True]


def test_remaining_counts_to_the_episodes_end(corridor_expert):
    # Three episodes of three transitions.
    assert corridor_expert.states.remaining(torch.arange(9)).tolist() == [3, 2, 1] * 3


def test_states_before_stay_in_the_episode():
    states = ExpertStates(torch.tensor([1.0, 2, 3, 4, 5, 6]).unsqueeze(1), torch.tensor([4, 6]))
    before = states.preceding(torch.arange(4), 2).squeeze(-1)
    assert before.tolist() == [[0, 0], [0, 1], [1, 2], [0, 0]]


def test_training_can_reach_no_actions_and_no_rewards(corridor_expert):
    fields = {field.name for field in dataclasses.fields(corridor_expert.states)}
    assert fields == {"states", "episode_ends"}
    assert not any("action" in name or "reward" in name for name in dir(ExpertStates))


def test_the_hash_tells_contents_apart_and_nothing_else(corridor_expert):
    same = ExpertStates(corridor_expert.states.states.clone(), corridor_expert.states.episode_ends.clone())
    assert same.content_hash == corridor_expert.states.content_hash
    changed = corridor_expert.states.states.clone()
    changed[0, 0] += 1
    assert ExpertStates(changed, same.episode_ends).content_hash != same.content_hash
    assert states([3, 5]).content_hash != states([2, 5]).content_hash


@pytest.mark.parametrize(
    ("ends", "hint"),
    [([], "at least one episode"), ([1, 3], "two states"), ([3, 3], "two states"), ([2, 4], "number of states, 5")],
)
def test_refuses_episodes_that_cannot_be(ends, hint):
    with pytest.raises(InputError, match=hint):
        ExpertStates(torch.zeros(5, 2), torch.tensor(ends, dtype=torch.int64))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_refuses_what_is_not_a_number_and_says_where(value):
    broken = torch.zeros(5, 2)
    broken[3, 1] = value
    with pytest.raises(InputError, match="observation 3"):
        ExpertStates(broken, torch.tensor([5]))


def test_refuses_another_environments_observations(corridor_expert):
    corridor_expert.check_fits((9,), "float32", "Corridor-v0")
    with pytest.raises(InputError, match=r"CartPole-v1.*\(4,\)"):
        corridor_expert.check_fits((4,), "float32", "CartPole-v1")
    with pytest.raises(InputError, match="bool"):
        corridor_expert.check_fits((9,), "bool", "Corridor-v0")


@pytest.mark.parametrize(("asked", "episodes"), [(1, 1), (3, 1), (4, 2), (9, 3)])
def test_a_smaller_dataset_has_whole_episodes(corridor_expert, asked, episodes):
    part = corridor_expert.first(asked)
    assert len(part.states.episode_ends) == episodes
    assert part.states.num_transitions == len(part.labels.action) == 3 * episodes


@pytest.mark.parametrize("asked", [0, -1, 10])
def test_refuses_more_transitions_than_there_are(corridor_expert, asked):
    with pytest.raises(InputError, match="from 1 to 9"):
        corridor_expert.first(asked)


def test_a_dataset_without_labels_is_whole(corridor_expert):
    assert ExpertDataset(corridor_expert.states).first(3).labels is None
