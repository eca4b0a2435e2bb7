"""What algorithms gain over a baseline: return, normalised scores, and frames."""

import math
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from diiqn_lightning.report.comparison import grouped
from diiqn_lightning.report.finished_run import FinishedRun
from diiqn_lightning.report.scores import normalised_scores
from diiqn_lightning.report.statistics import (
    Interval,
    frames_to,
    iqm,
    iqm_difference,
    is_above,
    normalised,
    probability_of_improvement,
)
from diiqn_lightning.report.table import write_table

COLUMNS = (
    "environment",
    "algorithm",
    "seeds",
    "return_mean",
    "gain_percent",
    "normalised_mean",
    "over_expert_percent",
    "frames_to_expert",
    "frames_to_baseline",
    "share_of_baseline_frames",
)


def gain_rows(runs: Sequence[FinishedRun], baseline: str) -> list[dict[str, Any]]:
    """A row for each environment and algorithm that the baseline was run on too, the baseline's own included.

    Frames are those of the mean curve over seeds: of its first evaluation at the expert's return, and at the
    baseline's mean final return. The share divides the latter by those that the baseline itself needs, which is there
    with its last frame at the latest: more episodes after the run may put its return above the curve's. Cells are
    empty where they mean nothing: percent of a return that is not positive, a baseline no better than a random agent.

    Args:
        runs: finished runs.
        baseline: label of the baseline.
    """
    groups = grouped(runs)
    rows = []
    for (environment, label), group in groups.items():
        reference = groups.get((environment, baseline))
        if reference is None:
            continue
        level, random = _mean(reference, "eval_return"), random_return(runs, environment)
        mean, expert = _mean(group, "eval_return"), _mean(group, "expert_return")
        reference_reached = frames_to_own_end(reference)
        reached = reference_reached if group is reference else frames_to(mean_curve(group), level)
        if not (math.isnan(random) or is_above(level, random)):
            reached = None  # whoever acts at random is there at once
        rows.append(
            {
                "environment": environment,
                "algorithm": label,
                "seeds": len(group),
                "return_mean": round(mean, 2),
                "gain_percent": _percent_above(mean, level),
                "normalised_mean": round(normalised(mean, random, level), 3) if is_above(level, random) else "",
                "over_expert_percent": _percent_above(mean, expert),
                "frames_to_expert": frames_to(mean_curve(group), expert) or "",
                "frames_to_baseline": reached or "",
                "share_of_baseline_frames": round(reached / reference_reached, 3)
                if reached and reference_reached
                else "",
            }
        )
    return rows


def interquartile_means(runs: Sequence[FinishedRun], baseline: str) -> dict[str, dict[str, Any]]:
    """IQM of normalised scores over the games that an algorithm and the baseline share, with intervals.

    Args:
        runs: finished runs.
        baseline: label of the baseline.

    Returns:
        By label: ``{"iqm": [estimate, low, high], "difference": …, "probability_of_improvement": …, "games": …,
        "seeds": …, "baseline_seeds": …}``: the difference to the baseline's IQM, the probability that a run is better
        than one of the baseline, and the fewest seeds that a game has; limits are ``None`` where that is one.
    """
    scores = normalised_scores(runs, baseline)
    means = {}
    for label, games in scores.items():
        same_games = {game: scores[baseline][game] for game in games}
        means[label] = {
            "iqm": _rounded(iqm(games)),
            "difference": _rounded(iqm_difference(games, same_games)),
            "probability_of_improvement": _rounded(probability_of_improvement(games, same_games)),
            "games": sorted(games),
            "seeds": min(map(len, games.values())),
            "baseline_seeds": min(map(len, same_games.values())),
        }
    return means


def mean_curve(group: Sequence[FinishedRun]) -> tuple[list[int], list[float]]:
    """Mean evaluated return over seeds, at the frames that all of them have."""
    frames = sorted(set.intersection(*(set(run.curve[0]) for run in group)))
    values = [dict(zip(*run.curve, strict=True)) for run in group]
    return frames, [statistics.fmean(value[at] for value in values) for at in frames]


def frames_to_own_end(group: Sequence[FinishedRun]) -> int | None:
    """Frames to an algorithm's own mean final return: its last at the latest; ``None`` without a curve."""
    curve = mean_curve(group)
    return frames_to(curve, _mean(group, "eval_return")) or next(reversed(curve[0]), None)


def write_gains(rows: Sequence[dict[str, Any]], path: Path) -> str:
    """Write the rows as CSV; gives them as a Markdown table."""
    return write_table(COLUMNS, rows, path)


def _mean(group: Sequence[FinishedRun], name: str) -> float:
    values = [run.numbers[name] for run in group if name in run.numbers]
    return statistics.fmean(values) if values else math.nan


def _percent_above(value: float, reference: float) -> float | str:
    return round(100 * (value / reference - 1), 1) if reference > 0 else ""


def random_return(runs: Sequence[FinishedRun], environment: str) -> float:
    """R, the mean return of a random agent there; NaN where no run says."""
    return _mean([run for run in runs if run.environment == environment], "random_return")


def _rounded(interval: Interval) -> list[float | None]:
    return [None if math.isnan(value) else round(value, 3) for value in interval]
