"""Figures over games and seeds: interquartile means and others with bootstrap intervals, and frames to a return.

Agarwal et al., 2021, "Deep Reinforcement Learning at the Edge of the Statistical Precipice".
"""

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import DegenerateDataWarning, bootstrap, trim_mean

Scores = Mapping[str, Sequence[float]]
"""Scores of each seed, by game."""

RESAMPLES = 5_000
"""Bootstrap samples of an interval."""

LARGEST_BATCH = 8_000_000
"""Numbers that are drawn at once; more are drawn in turns, for the memory's sake."""


class Interval(NamedTuple):
    """An estimate and the 95 % interval around it; NaN where a game has a single seed, which tells no spread."""

    estimate: float
    low: float
    high: float


def normalised(score: float, random: float, reference: float) -> float:
    """(score − random) / (reference − random): 0 is a random agent, 1 the reference."""
    return (score - random) / (reference - random)


def is_above(score: float, random: float) -> bool:
    """Whether a score is above a random agent's by more than rounding, so that there is something to measure by."""
    return score - random > 1e-3 * max(abs(score), abs(random))


def iqm(scores: Scores, seed: int = 0) -> Interval:
    """Interquartile mean over all games and seeds, with a stratified-bootstrap interval.

    Each game's seeds are drawn again among themselves, so that every sample has as many runs of each game.

    Args:
        scores: of each seed, by game; games count alike, however many seeds they have.
        seed: of the resampling.
    """
    return interval_of(_games(scores), _interquartile_mean, seed)


def iqm_difference(scores: Scores, others: Scores, seed: int = 0) -> Interval:
    """Difference of two interquartile means; an interval above 0 says that the first is better.

    Args:
        scores, others: of each seed, by game; seeds need not be the same ones.
        seed: of the resampling.
    """
    count = len(scores)

    def difference(*games: Any, axis: int) -> Any:
        return _interquartile_mean(*games[:count], axis=axis) - _interquartile_mean(*games[count:], axis=axis)

    return interval_of(_games(scores) + _games(others), difference, seed)


def probability_of_improvement(scores: Scores, others: Scores, seed: int = 0) -> Interval:
    """Probability that a run of the first is better than one of the second in the same game, mean over games.

    In each game it is U / (N · M) of Mann and Whitney: the share of pairs of runs in which the first has the higher
    score, equal scores counting half. An interval above 0.5 says that the first is better.

    Args:
        scores, others: of each seed, by game; the same games.
        seed: of the resampling.
    """
    games = list(scores)

    def probability(*samples: Any, axis: int) -> Any:
        pairs = zip(samples[: len(games)], samples[len(games) :], strict=True)
        differences = (one[..., :, None] - other[..., None, :] for one, other in pairs)
        return np.mean([(np.sign(each).mean(axis=(-2, -1)) + 1) / 2 for each in differences], axis=0)

    return interval_of(_games(scores) + [np.asarray(others[game], float) for game in games], probability, seed)


def performance_profile(scores: Scores, thresholds: Sequence[float], seed: int = 0) -> list[Interval]:
    """Share of runs, over all games, whose score is above each threshold, with pointwise intervals.

    Args:
        scores: of each seed, by game; games count alike, however many seeds they have.
        thresholds: normalised scores.
        seed: of the resampling.
    """
    levels = np.asarray(thresholds, float)
    above = [(game[:, None] > levels).astype(float) for game in _games(scores)]

    def share(*games: Any, axis: int) -> Any:
        return np.mean([game.mean(axis=axis) for game in games], axis=0)

    return _estimates(above, share, seed)


def mean_and_band(curves: Sequence[Sequence[float]], seed: int = 0) -> list[Interval]:
    """Mean over seeds of learning curves, with a pointwise interval: whole curves are drawn again, not points.

    Args:
        curves: a row for each seed, all with the same frames.
        seed: of the resampling.
    """
    return _estimates([np.asarray(curves, float)], np.mean, seed)


def iqm_and_band(curves: Mapping[str, Sequence[Sequence[float]]], seed: int = 0) -> list[Interval]:
    """Interquartile mean over games and seeds at each frame, with a pointwise stratified-bootstrap interval.

    Args:
        curves: of normalised scores, a row for each seed, by game; all with the same frames.
        seed: of the resampling.
    """
    return _estimates([np.asarray(game, float) for game in curves.values()], _interquartile_mean, seed)


def difference_of_means(values: Sequence[float], references: Sequence[float], seed: int = 0) -> Interval:
    """Mean of some values less the mean of others; a single reference is taken for a number without spread.

    Args:
        values, references: of each seed.
        seed: of the resampling.
    """
    if len(references) == 1 and len(values) > 1:
        one = interval_of([np.asarray(values, float)], np.mean, seed)
        return Interval(*(limit - references[0] for limit in one))

    def difference(one: Any, other: Any, axis: int) -> Any:
        return one.mean(axis=axis) - other.mean(axis=axis)

    return interval_of([np.asarray(values, float), np.asarray(references, float)], difference, seed)


def ratio_above(values: Sequence[float], references: Sequence[float], seed: int = 0) -> Interval:
    """Percent by which the mean of some values is above the mean of others: 100 · (mean / mean − 1).

    Args:
        values, references: of each seed; references with a positive mean.
        seed: of the resampling.
    """

    def percent(one: Any, other: Any, axis: int) -> Any:
        return 100 * (one.mean(axis=axis) / other.mean(axis=axis) - 1)

    return interval_of([np.asarray(values, float), np.asarray(references, float)], percent, seed)


def frames_to(curve: tuple[Sequence[int], Sequence[float]], threshold: float) -> int | None:
    """Frames of the first evaluation that reaches a return; ``None`` if none does.

    Args:
        curve: frames and evaluated returns.
        threshold: the return.
    """
    return next((frames for frames, value in zip(*curve, strict=True) if value >= just_below(threshold)), None)


def just_below(threshold: float) -> float:
    """The least return that counts as reaching a threshold: ledgers keep five digits of a curve."""
    return threshold - 1e-4 * abs(threshold)


def _games(scores: Scores) -> list[Any]:
    return [np.asarray(game, float) for game in scores.values()]


def _interquartile_mean(*games: Any, axis: int) -> Any:
    """The middle half's mean; games count alike, however many seeds they have (as all have in Agarwal et al.)."""
    common = math.lcm(*(game.shape[axis] for game in games))
    alike = [np.repeat(game, common // game.shape[axis], axis=axis) for game in games]
    return trim_mean(np.concatenate(alike, axis=axis), 0.25, axis=axis)


def interval_of(samples: list[Any], statistic: Any, seed: int = 0) -> Interval:
    """Percentile-bootstrap interval of a statistic of samples ``[seeds, ...]``, each drawn again by itself.

    Args:
        samples: one for each stratum.
        statistic: of the samples, vectorized, with the keyword ``axis``.
        seed: of the resampling.
    """
    return _estimates(samples, statistic, seed)[0]


def _estimates(samples: list[Any], statistic: Any, seed: int) -> list[Interval]:
    """Percentile-bootstrap intervals of a statistic of samples ``[seeds, ...]``, each drawn again by itself."""
    estimates = np.atleast_1d(statistic(*samples, axis=0))
    if min(map(len, samples)) < 2:
        return [Interval(float(estimate), math.nan, math.nan) for estimate in estimates]
    # Seeds are repeated to a common number before an interquartile mean is taken.
    drawn = math.lcm(*map(len, samples)) * sum(sample.size // len(sample) for sample in samples)
    with warnings.catch_warnings():
        # Seeds that are all equal have an interval of no width, which is right.
        warnings.simplefilter("ignore", DegenerateDataWarning)
        interval = bootstrap(
            samples,
            statistic,
            n_resamples=RESAMPLES,
            batch=None if drawn * RESAMPLES < LARGEST_BATCH else max(1, LARGEST_BATCH // drawn),
            vectorized=True,
            paired=False,
            axis=0,
            method="percentile",
            rng=np.random.default_rng(seed),
        ).confidence_interval
    limits = zip(estimates, np.atleast_1d(interval.low), np.atleast_1d(interval.high), strict=True)
    return [Interval(float(estimate), float(low), float(high)) for estimate, low, high in limits]
