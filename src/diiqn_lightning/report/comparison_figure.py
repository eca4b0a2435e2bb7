"""Learning curves of several runs as one picture."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from diiqn_lightning.report.comparison import FinishedRun, grouped
from diiqn_lightning.report.panels import LINES, draw_seeds, panels_of_curves
from diiqn_lightning.report.style import GREY, figure_file


def draw_comparison(runs: Sequence[FinishedRun], path: Path) -> None:
    """Draw a panel for each environment: the mean over seeds, and each seed as a thin line.

    Args:
        runs: what to compare; their curves have to share their frames to be averaged.
        path: PNG file.
    """
    groups = grouped(runs)
    environments = list(dict.fromkeys(environment for environment, _ in groups))
    labels = list(dict.fromkeys(label for _, label in groups))
    figure, panels = panels_of_curves(environments)
    for environment, panel in zip(environments, panels, strict=True):
        for number, label in enumerate(labels):
            if group := groups.get((environment, label)):
                draw_seeds(panel, label, [run.curve for run in group], *LINES[number % len(LINES)])
        _draw_levels(panel, [run for (place, _), group in groups.items() if place == environment for run in group])
        panel.legend(frameon=False, fontsize=8)
    panels[0].set_ylabel("return of an episode, ε = 0.01")
    figure_file(figure, path)


def _draw_levels(panel: Any, runs: list[FinishedRun]) -> None:
    """Lines for the experts and for a random agent."""
    experts = {run.expert: run.numbers["expert_return"] for run in runs if "expert_return" in run.numbers}
    for (name, value), style in zip(experts.items(), ("--", "-.", (0, (1, 3))), strict=False):
        panel.axhline(value, color=GREY, linestyle=style, linewidth=1, label=f"expert {name} ({value:.1f})")
    random = [run.numbers["random_return"] for run in runs if "random_return" in run.numbers]
    if random:
        mean = sum(random) / len(random)
        panel.axhline(mean, color=GREY, linestyle=":", linewidth=1, label=f"random agent ({mean:.1f})")
