"""Inferring the expert's actions from the agent's own transitions (arXiv 2511.03616)."""

from typing import NamedTuple

import torch
from torch import Tensor


class Match(NamedTuple):
    """For each of ``N`` expert transitions, the closest agent transition seen.

    Args:
        error: err, its distance D, ``[N]`` float32; +inf where none was seen.
        action: a_e, the action it took, ``[N]`` int64; −1 where none was seen.
        reward: r_e, the reward it got, ``[N]`` float32 (design choice).
        terminated: whether it ended its episode, ``[N]`` bool (design choice).
        origin: which agent transition it was, ``[N]`` int64, ordered by (rank, frame).
    """

    error: Tensor
    action: Tensor
    reward: Tensor
    terminated: Tensor
    origin: Tensor

    @classmethod
    def unknown(cls, count: int, device: torch.device | str = "cpu") -> "Match":
        """Nothing was seen of ``count`` expert transitions."""
        return cls(
            torch.full((count,), torch.inf, device=device),
            torch.full((count,), -1, dtype=torch.int64, device=device),
            torch.zeros(count, device=device),
            torch.zeros(count, dtype=torch.bool, device=device),
            torch.full((count,), torch.iinfo(torch.int64).max, device=device),
        )


def origin_of(frame: int, count: int, rank: int) -> Tensor:
    """Numbers of ``count`` agent transitions that order them by (rank, frame), ``[count]`` int64.

    Args:
        frame: number of the first of them on its rank, below 2⁴⁰.
        count: how many.
        rank: the process they come from.
    """
    return torch.arange(frame, frame + count) + (rank << 40)


def closest_transition(
    expert: Tensor,
    distance: Tensor,
    action: Tensor,
    reward: Tensor,
    terminated: Tensor,
    origin: Tensor,
) -> tuple[Tensor, Match]:
    """The closest of the agent transitions that each expert transition was compared with; the first of equals.

    Of ``C`` comparisons, each of an agent transition (s_a, a_a, s'_a) with an expert transition (s_e, s'_e):

    Args:
        expert: number of the expert transition, ``[C]`` int64.
        distance: D = d(s_a, s_e) + d(s'_a, s'_e), ``[C]`` float32.
        action, reward, terminated: of the agent transition, ``[C]`` int64, float32 and bool.
        origin: which it was, ``[C]`` int64 (see :func:`origin_of`).

    Returns:
        Numbers of the ``M`` expert transitions that were compared at all, increasing, and their matches.
    """
    number, which, error = _closest(expert, distance)
    closest = (distance == error[which]).nonzero().squeeze(1)
    latest = torch.iinfo(torch.int64).max
    first = torch.full_like(number, latest).scatter_reduce_(0, which[closest], origin[closest], "amin")
    at = closest[origin[closest] == first[which[closest]]]
    chosen = torch.empty_like(number)
    chosen[which[at]] = at
    return number, Match(error, action[chosen], reward[chosen], terminated[chosen], first)


def _closest(expert: Tensor, distance: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The different expert transitions ``[M]``, which of them a comparison is of ``[C]``, their smallest distances."""
    number, which = torch.unique(expert, return_inverse=True)
    unknown = torch.full((len(number),), torch.inf, device=distance.device)
    return number, which, unknown.scatter_reduce_(0, which, distance, "amin")


def better_match(first: Match, second: Match) -> Match:
    """Elementwise minimum over (error, rank, frame) that carries the rest along.

    Commutative, associative and idempotent, so that tables of several ranks can be merged in any
    order (design choice: at equal error the lowest rank wins, and on one rank the first).
    """
    closer = second.error < first.error
    replace = closer | ((second.error == first.error) & (second.origin < first.origin))
    return Match(*(torch.where(replace, new, old) for old, new in zip(first, second, strict=True)))


def count_votes(
    expert: Tensor, distance: Tensor, action: Tensor, num_actions: int
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """How often each action was taken by the closest of the agent transitions (design choice).

    Stochastic environments lend an expert transition a wrong action even at distance 0: MinAtar executes
    another action than the commanded one in a tenth of the frames. Among equally close transitions the
    majority is right.

    Args:
        expert, distance, action: of ``C`` comparisons, see :func:`closest_transition`.
        num_actions: A.

    Returns:
        Numbers of the ``M`` expert transitions that were compared at all, increasing; the smallest distance of
        each, ``[M]``, and the votes at that distance, ``[M, A]`` float32.
    """
    number, which, error = _closest(expert, distance)
    closest = distance == error[which]
    votes = torch.zeros(len(number), num_actions, device=distance.device)
    votes.index_put_((which[closest], action[closest]), torch.ones(()), accumulate=True)
    return number, (error, votes)


def above_chance(probability: Tensor, num_actions: int) -> Tensor:
    """(A · p − 1) / (A − 1): 0 where all actions are as probable, 1 where one is certain (design choice).

    Args:
        probability: of the most probable action, ``[N]`` in [1/A, 1].
        num_actions: A; with a single action everything is certain.
    """
    if num_actions == 1:
        return torch.ones_like(probability)
    return ((num_actions * probability - 1) / (num_actions - 1)).clamp(0, 1)


def merge_votes(first: tuple[Tensor, Tensor], second: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Votes at the smaller distance; at equal distances the sum.

    Commutative and associative: votes of several ranks may be merged in any order. Not idempotent: a vote
    must be merged once.

    Args:
        first, second: distances ``[N]`` and votes ``[N, A]``.
    """
    (error, votes), (other_error, other_votes) = first, second
    kept = torch.where((error <= other_error).unsqueeze(1), votes, 0.0)
    added = torch.where((other_error <= error).unsqueeze(1), other_votes, 0.0)
    return torch.minimum(error, other_error), kept + added
