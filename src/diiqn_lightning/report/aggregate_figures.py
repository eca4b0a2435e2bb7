"""Figures over several games: IQM with intervals, IQM by frames, and performance profiles."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from diiqn_lightning.report.finished_run import FinishedRun
from diiqn_lightning.report.panels import LINES, MARKERS, draw_band, panels_of_curves, share_height
from diiqn_lightning.report.scores import GameScores, normalised_curves
from diiqn_lightning.report.shares import line_numbers, shares_among
from diiqn_lightning.report.statistics import (
    Interval,
    iqm,
    iqm_and_band,
    performance_profile,
    probability_of_improvement,
)
from diiqn_lightning.report.style import GREY, legend, new_figure

THRESHOLDS = 200
"""Normalised scores at which a profile is drawn."""


def intervals_figure(scores: Mapping[str, GameScores], baseline: str, order: Sequence[str]) -> Any:
    """IQM of each label, the highest above, and beside it the probability of improvement over the baseline.

    Args:
        scores: over the same games for each label.
        baseline: label of the baseline.
        order: of all labels of a report, so that a label has the same colour and marker in every figure.
    """
    numbers = line_numbers(order, baseline)
    figure = new_figure((9, 1.4 + 0.45 * len(scores)))
    left, right = figure.subplots(1, 2, sharey=True)
    means = {label: iqm(scores[label]) for label in scores}
    labels = sorted(scores, key=lambda label: -means[label].estimate)
    for row, label in enumerate(labels):
        _draw_interval(left, row, means[label], numbers[label])
        if label != baseline:
            better = probability_of_improvement(scores[label], scores[baseline])
            _draw_interval(right, row, better, numbers[label])
    left.set_yticks(range(len(labels)), labels)
    left.set_xlabel("IQM of normalised scores")
    right.set_xlabel(f"probability of improvement over {baseline}")
    right.set_xlim(-0.02, 1.02)
    for panel, level in ((left, 1.0), (right, 0.5)):
        panel.axvline(level, color=GREY, linestyle=":", linewidth=1)
    left.set_ylim(len(labels) - 0.5, -0.5)
    return figure


def profile_figure(scores: Mapping[str, GameScores], baseline: str, order: Sequence[str]) -> Any:
    """Share of runs above each normalised score, with bootstrap bands.

    Args:
        scores: over the same games for each label.
        baseline: label of the baseline.
        order: of all labels of a report.
    """
    highest = max(value for games in scores.values() for own in games.values() for value in own)
    thresholds = np.linspace(0, 1.05 * max(highest, 1.0), THRESHOLDS)
    profiles = {label: performance_profile(games, thresholds.tolist()) for label, games in scores.items()}
    numbers = line_numbers(order, baseline)
    figure, panels = _panels("performance profile", parts := shares_among(list(scores), order, baseline))
    for panel, part in zip(panels, parts, strict=True):
        for label in part:
            draw_band(panel, label, thresholds.tolist(), profiles[label], numbers[label])
        panel.xaxis.set_major_formatter("{x:g}")
        panel.set_xlabel("normalised score τ (0 random agent, 1 baseline)")
        legend(panel)
    panels[0].set_ylabel("share of runs with a score above τ")
    return figure


def efficiency_figure(
    runs: Sequence[FinishedRun], baseline: str, labels: Sequence[str], games: Sequence[str], order: Sequence[str]
) -> Any:
    """IQM of normalised scores over frames, with stratified-bootstrap bands.

    Args:
        runs: finished runs.
        baseline: label of the baseline.
        labels: to draw; each has runs in all games.
        games: over which.
        order: of all labels of a report.
    """
    title = f"{len(games)} game{'s' if len(games) > 1 else ''}"
    curves = {label: normalised_curves(runs, baseline, label, games) for label in labels}
    bands = {label: (frames, iqm_and_band(own)) for label, (frames, own) in curves.items() if frames}
    numbers = line_numbers(order, baseline)
    figure, panels = _panels(title, parts := shares_among(labels, order, baseline))
    for panel, part in zip(panels, parts, strict=True):
        for label in part:
            if label in bands:
                draw_band(panel, label, *bands[label], numbers[label])
        panel.axhline(1, color=GREY, linestyle=":", linewidth=1)
        legend(panel)
    share_height(panels)
    panels[0].set_ylabel("IQM of normalised scores")
    return figure


def _panels(title: str, parts: Sequence[Sequence[str]]) -> tuple[Any, list[Any]]:
    """One panel, or one for each part of the lines."""
    titles = (
        [title] if len(parts) == 1 else [f"{title}, {number} of {len(parts)}" for number in range(1, len(parts) + 1)]
    )
    width = 6 if len(parts) == 1 else 4.6
    return panels_of_curves(titles, width=width, height=3.6 + 0.17 * max(map(len, parts)))


def _draw_interval(panel: Any, row: int, interval: Interval, number: int) -> None:
    colour, dashes = LINES[number % len(LINES)]
    if not math.isnan(interval.low):
        limits = [interval.low, interval.high]
        panel.plot(limits, [row, row], color=colour, linestyle=dashes, linewidth=2.5)
        panel.plot(limits, [row, row], "|", color=colour, markersize=16, markeredgewidth=2)  # seen beside the marker
    panel.plot(
        interval.estimate, row, MARKERS[number % len(MARKERS)], color=colour, markerfacecolor="white", markersize=8
    )
