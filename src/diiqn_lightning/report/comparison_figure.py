"""Learning curves of several runs as one picture: returns, or what guided the agents."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

from diiqn_lightning.report.comparison import grouped
from diiqn_lightning.report.finished_run import FinishedRun
from diiqn_lightning.report.panels import draw_mean, panels_of_curves
from diiqn_lightning.report.style import GREY, figure_file, legend, legend_of_all

EXPERT_LINES = ("--", "-.", (0, (1, 3)), (0, (8, 2, 1, 2, 1, 2)))


def draw_comparison(runs: Sequence[FinishedRun], path: Path) -> None:
    """Write :func:`returns_figure`.

    Args:
        runs: what to compare; their curves have to share their frames to be averaged.
        path: PNG file.
    """
    figure_file(returns_figure(runs), path)


def returns_figure(runs: Sequence[FinishedRun]) -> Any:
    """A panel for each environment: means over seeds with bootstrap bands, the experts' and a random agent's lines."""
    groups = grouped(runs)
    environments = list(dict.fromkeys(environment for environment, _ in groups))
    labels = list(dict.fromkeys(label for _, label in groups))
    figure, panels = panels_of_curves(environments, height=_height(groups))
    for environment, panel in zip(environments, panels, strict=True):
        for number, label in enumerate(labels):
            if group := groups.get((environment, label)):
                draw_mean(panel, label, [run.curve for run in group], number)
    shared = legend_of_all(figure, panels)
    for environment, panel in zip(environments, panels, strict=True):
        levels = _draw_levels(panel, [run for (at, _), group in groups.items() if at == environment for run in group])
        legend(panel, levels if shared else None)
    panels[0].set_ylabel("return of an episode, ε = 0.01")
    return figure


def guidance_figure(runs: Sequence[FinishedRun], metric: str, title: str) -> Any | None:
    """A panel for each environment in which runs have a metric of the guidance; ``None`` where none has.

    Args:
        runs: what to compare.
        metric: one of ``GUIDANCE``, from 0 to 1.
        title: of the y-axis.
    """
    groups = {
        name: [run.guidance[metric] for run in group if metric in run.guidance] for name, group in grouped(runs).items()
    }
    groups = {name: curves for name, curves in groups.items() if curves}
    environments = list(dict.fromkeys(environment for environment, _ in groups))
    labels = list(dict.fromkeys(label for _, label in grouped(runs)))
    if not environments:
        return None
    figure, panels = panels_of_curves(environments, height=_height(groups))
    for environment, panel in zip(environments, panels, strict=True):
        for number, label in enumerate(labels):
            if curves := groups.get((environment, label)):
                draw_mean(panel, label, curves, number)
        panel.set_ylim(-0.02, 1.02)
    if not legend_of_all(figure, panels):
        for panel in panels:
            legend(panel)
    panels[0].set_ylabel(title)
    return figure


def _height(groups: Iterable[tuple[str, str]]) -> float:
    """Of a panel, in inches, with room for the longest legend below it, or for one of all panels."""
    return 3.8 + 0.17 * max(Counter(environment for environment, _ in groups).values())


def _draw_levels(panel: Any, runs: list[FinishedRun]) -> list[Any]:
    """Lines for the experts and for a random agent, which are returned."""
    lines = []
    experts = {run.expert: run.numbers["expert_return"] for run in runs if "expert_return" in run.numbers}
    for (name, value), style in zip(experts.items(), cycle(EXPERT_LINES), strict=False):
        lines.append(
            panel.axhline(value, color=GREY, linestyle=style, linewidth=1, label=f"expert {name} ({value:.1f})")
        )
    random = [run.numbers["random_return"] for run in runs if "random_return" in run.numbers]
    if random:
        mean = sum(random) / len(random)
        lines.append(panel.axhline(mean, color=GREY, linestyle=":", linewidth=1, label=f"random agent ({mean:.1f})"))
    return lines
