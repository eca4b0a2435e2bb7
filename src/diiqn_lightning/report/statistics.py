"""Figures over games and seeds: interquartile means with bootstrap intervals, and frames to a return.

Agarwal et al., 2021, "Deep Reinforcement Learning at the Edge of the Statistical Precipice".
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import bootstrap, trim_mean

Scores = Mapping[str, Sequence[float]]
"""Scores of each seed, by game."""

RESAMPLES = 5_000
"""Bootstrap samples of an interval."""


class Interval(NamedTuple):
    """An estimate and the 95 % interval around it; NaN where a game has a single seed, which tells no spread."""

    estimate: float
    low: float
    high: float


def normalised(score: float, random: float, reference: float) -> float:
    """(score − random) / (reference − random): 0 is a random agent, 1 the reference."""
    return (score - random) / (reference - random)


def iqm(scores: Scores, seed: int = 0) -> Interval:
    """Interquartile mean over all games and seeds, with a stratified-bootstrap interval.

    Each game's seeds are drawn again among themselves, so that every sample has as many runs of each game.

    Args:
        scores: of each seed, by game.
        seed: of the resampling.
    """
    return _estimate(_games(scores), _interquartile_mean, seed)


def iqm_difference(scores: Scores, others: Scores, seed: int = 0) -> Interval:
    """Difference of two interquartile means; an interval above 0 says that the first is better.

    Args:
        scores, others: of each seed, by game; seeds need not be the same ones.
        seed: of the resampling.
    """
    count = len(scores)

    def difference(*games: Any, axis: int) -> Any:
        return _interquartile_mean(*games[:count], axis=axis) - _interquartile_mean(*games[count:], axis=axis)

    return _estimate(_games(scores) + _games(others), difference, seed)


def frames_to(curve: tuple[Sequence[int], Sequence[float]], threshold: float) -> int | None:
    """Frames of the first evaluation that reaches a return; ``None`` if none does.

    Args:
        curve: frames and evaluated returns.
        threshold: the return.
    """
    return next((frames for frames, value in zip(*curve, strict=True) if value >= threshold), None)


def _games(scores: Scores) -> list[Any]:
    return [np.asarray(game, float) for game in scores.values()]


def _interquartile_mean(*games: Any, axis: int) -> Any:
    return trim_mean(np.concatenate(games, axis=axis), 0.25, axis=axis)


def _estimate(games: list[Any], statistic: Any, seed: int) -> Interval:
    estimate = float(statistic(*games, axis=0))
    if min(map(len, games)) < 2:
        return Interval(estimate, math.nan, math.nan)
    interval = bootstrap(
        games,
        statistic,
        n_resamples=RESAMPLES,
        vectorized=True,
        paired=False,
        axis=0,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Interval(estimate, float(interval.low), float(interval.high))
