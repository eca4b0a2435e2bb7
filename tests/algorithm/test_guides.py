import torch
from torch.testing import assert_close

from diiqn_lightning.algorithm.guides import Guides, best_in_state, drawn_up_to
from diiqn_lightning.algorithm.returns import discounted_returns


def test_of_the_ways_from_a_state_the_best_stay():
    node = torch.tensor([7, 7, 7, -3, -3, 5])
    earned = torch.tensor([1.0, 2.0, 2.0 - 1e-6, -4.0, -3.0, 9.0])
    candidate = torch.tensor([True, True, True, True, False, False])
    # Of equal ones both stay; where the better one is no candidate, the other is the best; where there is none, none.
    assert best_in_state(node, earned, candidate).tolist() == [False, True, True, True, False, False]


def test_who_follows_the_best_never_walks_in_circles():
    """A loop of the expert's: 0, 1, 2, 1, 3 and the end. Both of its steps from 1 guide, or the one that leaves."""
    node = torch.tensor([0, 1, 2, 1, 3])
    earned = discounted_returns(torch.full((5,), -1.0), torch.tensor([5]), 0.9)
    assert best_in_state(node, earned, torch.ones(5, dtype=torch.bool)).tolist() == [True, False, True, True, True]


def test_each_state_has_one_guide():
    guides = Guides.of(torch.tensor([5, -2, 5]), torch.tensor([30, 20, 10]))
    found = guides.at(torch.tensor([[-2, 5], [6, -9]]), torch.tensor([[1, 2], [3, 4]]))
    assert found.tolist() == [[20, 30], [3, 4]]
    nothing = torch.zeros(0, dtype=torch.int64)
    assert Guides.of(nothing, nothing).at(torch.tensor([6]), torch.tensor([3])).tolist() == [3]


def test_states_are_drawn_equally_often():
    up_to = drawn_up_to(torch.tensor([4, 9, 4, 7]))
    assert_close(up_to, torch.tensor([1 / 6, 1 / 2, 2 / 3, 1.0], dtype=torch.float64))
