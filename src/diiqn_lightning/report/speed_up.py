"""How many percent fewer frames an algorithm needs than another one: what "x % faster" means here."""

import math
import statistics
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from diiqn_lightning.report.finished_run import FinishedRun
from diiqn_lightning.report.gains import mean_curve
from diiqn_lightning.report.statistics import Interval, frames_to, interval_of, is_above, just_below

NEVER = -1e9
"""Stands for minus infinity among resamples, with which no limits can be interpolated."""


class SpeedUp(NamedTuple):
    """Percent fewer frames.

    Args:
        percent: 100 · (1 − F / F_reference), with a 95 % interval; NaN where the algorithm never gets there.
        at_least: the reference never gets there, and counts as if it did with its last frame.
    """

    percent: Interval
    at_least: bool


def level_near_best(groups: Sequence[Sequence[FinishedRun]], share: float = 0.95) -> float | None:
    """The return that is a share of the way from a random agent's to the best mean final return of a group.

    Args:
        groups: repetitions of each algorithm in one environment.
        share: of the way.

    Returns:
        Nothing where a random agent's return is not known, or none is better.
    """
    best = max(statistics.fmean(run.numbers["eval_return"] for run in group) for group in groups)
    randoms = [run.numbers["random_return"] for group in groups for run in group if "random_return" in run.numbers]
    if not randoms or not is_above(best, random := statistics.fmean(randoms)):
        return None
    return random + share * (best - random)


def speed_up(group: Sequence[FinishedRun], reference: Sequence[FinishedRun], level: float) -> SpeedUp:
    """Percent fewer frames to a level: 100 · (1 − F / F_reference), F the first evaluation of the mean curve there.

    In the interval seeds of both are drawn again. A resample in which the reference never gets there counts as if it
    did with its last frame, so that nothing is overstated; one in which the algorithm itself does not counts as minus
    infinity.

    Args:
        group, reference: repetitions of two algorithms in one environment.
        level: the return to reach.
    """
    curves = [mean_curve(some) for some in (group, reference)]
    reached, reference_reached = (frames_to(curve, level) for curve in curves)
    if reached is None or not curves[1][0]:
        return SpeedUp(Interval(math.nan, math.nan, math.nan), False)

    def percent(one: Any, other: Any, axis: int) -> Any:
        first = _first(one.mean(axis=axis), curves[0][0], level, math.inf)
        last = _first(other.mean(axis=axis), curves[1][0], level, curves[1][0][-1])
        return np.maximum(100 * (1 - first / last), NEVER)

    width = max(len(frames) for frames, _ in curves)
    samples = [_table(some, frames, width) for some, (frames, _) in zip((group, reference), curves, strict=True)]
    estimate, low, high = interval_of(samples, percent)
    return SpeedUp(Interval(estimate, -math.inf if low < -1e6 else low, high), reference_reached is None)


def _table(runs: Sequence[FinishedRun], frames: Sequence[int], width: int) -> Any:
    """Returns ``[seeds, width]``; beyond the end of the curves no level is ever reached."""
    returns = np.full((len(runs), width), -np.inf)
    for row, run in zip(returns, runs, strict=True):
        by_frame = dict(zip(*run.curve, strict=True))
        row[: len(frames)] = [by_frame[at] for at in frames]
    return returns


def _first(means: Any, frames: Sequence[int], level: float, never: float) -> Any:
    """Frames of the first evaluation at a level, along the first axis."""
    there = means >= just_below(level)
    first = np.minimum(there.argmax(axis=0), len(frames) - 1)
    return np.where(there.any(axis=0), np.asarray(frames, float)[first], never)
