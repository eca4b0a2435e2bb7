"""Which expert transitions the agent's actions cannot make (HA-DIIQN, arXiv 2511.03616)."""

from torch import Tensor


def judge_infeasible(
    before: Tensor, error: Tensor, tries: Tensor, patience: float, infeasible_error: float, feasible_error: float
) -> Tensor:
    """Which of ``N`` expert transitions are infeasible: their error stays high however often the agent was near.

    With hysteresis (design choice): the error has to fall to ``feasible_error`` before a transition that was
    infeasible counts as feasible again, so that an error between the two changes nothing.

    Args:
        before: the judgement so far, ``[N]`` bool.
        error: distance of the closest agent transition, ``[N]`` float.
        tries: how often the agent was near s_e, ``[N]``.
        patience: tries from which a high error says something.
        infeasible_error: an error above it is high, in the units of the distance.
        feasible_error: an error up to it is low, at most ``infeasible_error``.

    Returns:
        ``[N]`` bool.
    """
    high, low = (error > infeasible_error) & (tries >= patience), error <= feasible_error
    return (before | high) & ~low


def tries_of_each_action(count: Tensor) -> Tensor:
    """A · min_a n(s_e, a): visits from which each action was tried as often as the rarest one (design choice).

    An agent that knows its way comes by a thousand times and always does the same: that says nothing of its
    other actions.

    Args:
        count: how often each action was taken near each s_e, ``[N, A]``.

    Returns:
        ``[N]``.
    """
    return count.shape[1] * count.amin(1)


def precision_and_recall(judged: Tensor, truth: Tensor) -> tuple[float | None, float | None]:
    """Share of those judged infeasible that are so, and share of the infeasible ones that were found.

    Args:
        judged, truth: ``[N]`` bool.

    Returns:
        Precision and recall; ``None`` where there is nothing to divide by.
    """
    right = float((judged & truth).sum())
    found, there = float(judged.sum()), float(truth.sum())
    return right / found if found else None, right / there if there else None
