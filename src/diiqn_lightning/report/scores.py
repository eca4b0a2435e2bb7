"""Returns on one scale for all games: 0 is a random agent, 1 the baseline."""

import statistics
from collections.abc import Sequence

from diiqn_lightning.report.comparison import grouped
from diiqn_lightning.report.finished_run import FinishedRun
from diiqn_lightning.report.statistics import is_above, normalised

GameScores = dict[str, list[float]]
"""Normalised scores of each seed, by game."""


def normalised_scores(runs: Sequence[FinishedRun], baseline: str) -> dict[str, GameScores]:
    """Normalised final scores by label and game, in the games that a label and the baseline share.

    A game whose baseline is no better than a random agent has nothing to measure by and is left out.

    Args:
        runs: finished runs.
        baseline: label of the baseline.
    """
    groups, levels = grouped(runs), scale(runs, baseline)
    scores: dict[str, GameScores] = {}
    for (environment, label), group in groups.items():
        if environment in levels:
            values = [normalised(run.numbers["eval_return"], *levels[environment]) for run in group]
            scores.setdefault(label, {})[environment] = values
    return scores


def scale(runs: Sequence[FinishedRun], baseline: str) -> dict[str, tuple[float, float]]:
    """Returns of a random agent and of the baseline, by game; only games that can be measured by them."""
    levels = {}
    for (environment, label), group in grouped(runs).items():
        random = [
            run.numbers["random_return"]
            for run in runs
            if run.environment == environment and "random_return" in run.numbers
        ]
        if label == baseline and random:
            reference = statistics.fmean(run.numbers["eval_return"] for run in group)
            if is_above(reference, statistics.fmean(random)):
                levels[environment] = (statistics.fmean(random), reference)
    return levels


def normalised_curves(
    runs: Sequence[FinishedRun], baseline: str, label: str, games: Sequence[str]
) -> tuple[list[int], dict[str, list[list[float]]]]:
    """Curves of a label on the scale, by game, at the frames that all its runs in these games have.

    Args:
        runs: finished runs.
        baseline: label of the baseline.
        label: whose curves.
        games: in which.

    Returns:
        Frames, and for each game a row of scores for each seed.
    """
    groups, levels = grouped(runs), scale(runs, baseline)
    chosen = {game: groups[game, label] for game in games}
    frames = sorted(set.intersection(*(set(run.curve[0]) for group in chosen.values() for run in group)))
    return frames, {
        game: [[normalised(dict(zip(*run.curve, strict=True))[at], *levels[game]) for at in frames] for run in group]
        for game, group in chosen.items()
    }
