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
    # Transition 0 is of state 5; the bridge of transition 1 leads from state -2 through 5; 7 has nothing that guides.
    node, best = torch.tensor([[5, 0], [-2, 5], [7, 0]]), torch.tensor([[True, False], [True, True], [False, False]])
    transition, step = Guides.of(node, best).at(torch.tensor([[-2, 5], [7, -9]]))
    assert transition.tolist() == [[1, 1], [-1, -1]]
    assert step.tolist() == [[0, 1], [0, 0]]
    nothing = Guides.of(node, torch.zeros_like(best)).at(torch.tensor([6]))
    assert [part.tolist() for part in nothing] == [[-1], [0]]


def test_states_are_drawn_equally_often():
    up_to = drawn_up_to(torch.tensor([4, 9, 4, 7]))
    assert_close(up_to, torch.tensor([1 / 6, 1 / 2, 2 / 3, 1.0], dtype=torch.float64))
