import torch

from diiqn_lightning.algorithm.feasibility import judge_infeasible, precision_and_recall, tries_of_each_action


def judge(before, error, tries):
    arguments = (torch.tensor([before]), torch.tensor([error]), torch.tensor([tries]))
    return bool(judge_infeasible(*arguments, patience=10, infeasible_error=2.0, feasible_error=0.5))


def test_a_high_error_after_enough_tries_is_infeasible():
    assert judge(False, 2.1, 10)
    assert not judge(False, 2.1, 9)
    assert not judge(False, 2.0, 10)


def test_between_the_two_errors_nothing_changes():
    assert judge(True, 1.0, 10)
    assert not judge(False, 1.0, 10)


def test_a_low_error_makes_it_feasible_again():
    assert not judge(True, 0.5, 10)


def test_the_rarest_action_sets_the_tries():
    count = torch.tensor([[5.0, 3.0, 100.0], [4.0, 0.0, 9.0]])
    # 3 actions, at least 3 times each: 9; the other was never tried.
    assert tries_of_each_action(count).tolist() == [9, 0]


def test_precision_and_recall():
    judged, truth = torch.tensor([1, 1, 1, 0, 0]).bool(), torch.tensor([1, 1, 0, 1, 0]).bool()
    assert precision_and_recall(judged, truth) == (2 / 3, 2 / 3)
    nothing = torch.zeros(5, dtype=torch.bool)
    assert precision_and_recall(nothing, truth) == (None, 0.0)
    assert precision_and_recall(judged, nothing) == (0.0, None)
