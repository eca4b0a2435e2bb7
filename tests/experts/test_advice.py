import torch

from diiqn_lightning.experts import ExpertStates
from diiqn_lightning.experts.advice import Advice, verdict

# One episode over the numbers 0, 1, 1, 2, 9: transitions start in 0, 1, 1, 2.
STATES = ExpertStates(torch.tensor([[0.0], [1.0], [1.0], [2.0], [9.0]]), torch.tensor([5]))


def advice(action, certainty=(1.0, 1.0, 1.0, 1.0), threshold=1.0):
    return Advice(STATES, torch.tensor(action), torch.tensor(certainty), "l2", 5, threshold)


def test_the_actions_of_all_states_that_equal_the_nearest_advise():
    there = advice([3, 1, 2, 0])
    assert there.at(torch.tensor([0.0])) == {3}
    assert there.at(torch.tensor([1.0])) == {1, 2}


def test_there_is_none_where_no_state_is_as_similar():
    # The bounding box of the first states is 2 wide: 0.1 away is a similarity of 0.95.
    assert advice([3, 1, 2, 0], threshold=0.96).at(torch.tensor([0.1])) == frozenset()
    assert advice([3, 1, 2, 0], threshold=0.94).at(torch.tensor([0.1])) == {3}


def test_there_is_none_where_no_action_is_known_or_sure():
    assert advice([-1, 1, 2, 0]).at(torch.tensor([0.0])) == frozenset()
    assert advice([3, 1, 2, 0], (0.49, 1.0, 0.2, 1.0)).at(torch.tensor([0.0])) == frozenset()
    assert advice([3, 1, 2, 0], (0.49, 1.0, 0.2, 1.0)).at(torch.tensor([1.0])) == {1}


def test_verdicts():
    assert verdict(frozenset({1, 2}), 2) == "follows"
    assert verdict(frozenset({1, 2}), 0) == "leaves"
    assert verdict(frozenset(), 0) == "no advice"
