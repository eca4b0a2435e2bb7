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
