"""Learning curves of several runs as one picture."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.ticker import FuncFormatter

from diiqn_lightning.report.comparison import FinishedRun, grouped
from diiqn_lightning.report.style import BLUE, GREEN, GREY, ORANGE, PURPLE, YELLOW, figure_file, new_figure

LINES = tuple(zip((BLUE, ORANGE, GREEN, PURPLE, YELLOW), ("-", "--", "-.", ":", (0, (5, 1, 1, 1))), strict=True))
"""Colour and dashes of each label: the dashes tell them apart without colour."""


def draw_comparison(runs: Sequence[FinishedRun], path: Path) -> None:
    """Draw a panel for each environment: the mean over seeds, and each seed as a thin line.

    Args:
        runs: what to compare; their curves have to share their frames to be averaged.
        path: PNG file.
    """
    groups = grouped(runs)
    environments = list(dict.fromkeys(environment for environment, _ in groups))
    labels = list(dict.fromkeys(label for _, label in groups))
    columns = min(3, len(environments))
    rows = math.ceil(len(environments) / columns)
    figure = new_figure((1 + 4.6 * columns, 0.4 + 3.6 * rows))
    panels = figure.subplots(rows, columns, squeeze=False).flatten()
    for panel in panels[len(environments) :]:
        panel.set_visible(False)
    for environment, panel in zip(environments, panels, strict=False):
        for number, label in enumerate(labels):
            if group := groups.get((environment, label)):
                _draw_group(panel, label, group, *LINES[number % len(LINES)])
        _draw_levels(panel, [run for (place, _), group in groups.items() if place == environment for run in group])
        panel.set_title(environment)
        panel.set_xlabel("environment frames")
        panel.xaxis.set_major_formatter(FuncFormatter(lambda frames, _: f"{frames / 1000:,.0f}k"))
        panel.legend(frameon=False, fontsize=8)
    panels[0].set_ylabel("return of an episode, ε = 0.01")
    figure_file(figure, path)


def _draw_group(panel: Any, label: str, group: list[FinishedRun], colour: str, dashes: object) -> None:
    for run in group:
        panel.plot(*run.curve, color=colour, alpha=0.35, linewidth=0.8)
    shared = set.intersection(*(set(run.curve[0]) for run in group))
    frames = sorted(shared)
    values = [dict(zip(*run.curve, strict=True)) for run in group]
    mean = [sum(value[frame] for value in values) / len(values) for frame in frames]
    seeds = f"{len(group)} seed{'s' if len(group) > 1 else ''}"
    panel.plot(frames, mean, color=colour, linestyle=dashes, linewidth=2, label=f"{label} ({seeds})")


def _draw_levels(panel: Any, runs: list[FinishedRun]) -> None:
    """Lines for the experts and for a random agent."""
    experts = {run.expert: run.numbers["expert_return"] for run in runs if "expert_return" in run.numbers}
    for (name, value), style in zip(experts.items(), ("--", "-.", (0, (1, 3))), strict=False):
        panel.axhline(value, color=GREY, linestyle=style, linewidth=1, label=f"expert {name} ({value:.1f})")
    random = [run.numbers["random_return"] for run in runs if "random_return" in run.numbers]
    if random:
        mean = sum(random) / len(random)
        panel.axhline(mean, color=GREY, linestyle=":", linewidth=1, label=f"random agent ({mean:.1f})")
