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


def closest_transition(distance: Tensor, action: Tensor, reward: Tensor, terminated: Tensor, origin: Tensor) -> Match:
    """The closest of ``F`` agent transitions for each of ``N`` expert transitions; the first of equals.

    Args:
        distance: D((s_a, a_a, s'_a), (s_e, s'_e)) = d(s_a, s_e) + d(s'_a, s'_e), ``[F, N]``.
        action: ``[F]`` int64.
        reward: ``[F]`` float32.
        terminated: ``[F]`` bool.
        origin: ``[F]`` int64, increasing (see :func:`origin_of`).
    """
    error = distance.amin(0)
    # argmax of a boolean gives the first True on every device; argmin may give any of equals.
    frame = (distance == error).int().argmax(0)
    return Match(error, action[frame], reward[frame], terminated[frame], origin[frame])


def better_match(first: Match, second: Match) -> Match:
    """Elementwise minimum over (error, rank, frame) that carries the rest along.

    Commutative, associative and idempotent, so that tables of several ranks can be merged in any
    order (design choice: at equal error the lowest rank wins, and on one rank the first).
    """
    closer = second.error < first.error
    replace = closer | ((second.error == first.error) & (second.origin < first.origin))
    return Match(*(torch.where(replace, new, old) for old, new in zip(first, second, strict=True)))


def count_votes(distance: Tensor, action: Tensor, num_actions: int) -> tuple[Tensor, Tensor]:
    """How often each action was taken by the closest of ``F`` agent transitions (design choice).

    Stochastic environments lend an expert transition a wrong action even at distance 0: MinAtar executes
    another action than the commanded one in a tenth of the frames. Among equally close transitions the
    majority is right.

    Args:
        distance: D, ``[F, N]``.
        action: ``[F]`` int64.
        num_actions: A.

    Returns:
        The smallest distance, ``[N]``, and the votes at that distance, ``[N, A]`` float32.
    """
    error = distance.amin(0)
    taken = torch.nn.functional.one_hot(action, num_actions).float()
    return error, (distance == error).float().T @ taken


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
