import torch
from torch.testing import assert_close

from diiqn_lightning.algorithm.guides import Guides
from diiqn_lightning.algorithm.inference import Match
from diiqn_lightning.experts import InferredActions


def match(error, action):
    count = len(error)
    return Match(
        torch.tensor(error),
        torch.tensor(action),
        torch.ones(count),
        torch.zeros(count, dtype=torch.bool),
        torch.arange(count),
    )


def test_closer_transitions_replace_and_certainty_follows():
    table = InferredActions(3)
    assert not table.known.any()
    table.update_match(match([4.0, 2.0, torch.inf], [0, 1, -1]), error_max=8)
    table.update_match(match([6.0, 0.0, torch.inf], [2, 2, -1]), error_max=8)
    assert table.action.tolist() == [0, 2, -1]
    assert_close(table.certainty, torch.tensor([0.5, 1.0, 0.0]))
    assert table.known.tolist() == [True, True, False]


def test_some_transitions_are_updated_and_the_rest_stay():
    table = InferredActions(3)
    table.update_match(match([4.0, 2.0, 6.0], [0, 1, 1]), error_max=8)
    table.update_match(match([1.0, 5.0], [2, 2]), error_max=8, at=torch.tensor([2, 1]))
    assert table.action.tolist() == [0, 1, 2]
    assert_close(table.certainty, torch.tensor([0.5, 0.75, 0.875]))


def test_a_majority_replaces_the_action_but_not_the_closest_transitions():
    table = InferredActions(2)
    table.update_match(match([0.0, 4.0], [1, 0]), error_max=8)
    table.vote(torch.tensor([2]), torch.tensor([0.5]), at=torch.tensor([1]))
    assert table.action.tolist() == [1, 2]
    assert table.match.action.tolist() == [1, 0]
    assert_close(table.certainty, torch.tensor([1.0, 0.25]))


def test_a_labellers_word_replaces_everything():
    table = InferredActions(2)
    table.relabel(torch.tensor([1, 0]), torch.tensor([0.9, 0.6]), torch.tensor([1.0, 0.0]), torch.tensor([True, False]))
    assert table.action.tolist() == [1, 0]
    assert table.known.all()


def test_state_comes_back():
    table, other = InferredActions(2), InferredActions(2)
    table.update_match(match([1.0, 3.0], [1, 0]), error_max=4)
    table.visits += 5
    table.guides = Guides(torch.tensor([5]), torch.tensor([1]), torch.tensor([3]))
    other.load_state(table.state())
    other.update_match(match([2.0, 2.0], [0, 1]), error_max=4)
    assert other.action.tolist() == [1, 1]
    assert other.visits.tolist() == [5, 5]
    assert [part.tolist() for part in other.guides.at(torch.tensor([5, 6]))] == [[1, -1], [3, 0]]


def test_returns_of_changed_episodes_alone_equal_those_of_all():
    lengths = torch.tensor([3, 1, 4, 2])
    rewards = torch.randn(2, 10, generator=torch.Generator().manual_seed(0))
    parts, whole = InferredActions(10), InferredActions(10)
    parts.reward[:], whole.reward[:] = rewards[0], rewards[0]
    parts.sum_returns(lengths, 0.9, torch.tensor([0]))  # the first time nothing is known of the others
    changed = torch.tensor([9, 4, 6])  # of the last and of the last but one
    for table in (parts, whole):
        table.reward[changed] = rewards[1, changed]
    parts.sum_returns(lengths, 0.9, changed)
    whole.sum_returns(lengths, 0.9)
    assert_close(parts.returns, whole.returns, rtol=0, atol=0)
    assert_close(parts.episode_returns, whole.episode_returns, rtol=0, atol=0)
