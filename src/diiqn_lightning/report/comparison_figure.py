"""Learning curves of several runs as one picture: returns, or what guided the agents."""

from collections import Counter
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple

from diiqn_lightning.report.comparison import grouped
from diiqn_lightning.report.finished_run import FinishedRun
from diiqn_lightning.report.panels import draw_mean, panels_of_curves, share_height
from diiqn_lightning.report.shares import line_numbers, shares_among
from diiqn_lightning.report.style import GREY, figure_file, legend, legend_of_all

FAR = 3.0
"""Times the height of the curves, beyond which a level is not drawn (design choice)."""

EXPERT_LINES = ("--", "-.", (0, (1, 3)), (0, (8, 2, 1, 2, 1, 2)))


class PanelPlan(NamedTuple):
    """What one panel shows.

    Args:
        title: of the panel.
        environment: whose runs.
        labels: whose lines.
    """

    title: str
    environment: str
    labels: list[str]


def draw_comparison(runs: Sequence[FinishedRun], path: Path) -> None:
    """Write :func:`returns_figure`.

    Args:
        runs: what to compare; their curves have to share their frames to be averaged.
        path: PNG file.
    """
    figure_file(returns_figure(runs), path)


def returns_figure(runs: Sequence[FinishedRun], baseline: str = "dqn") -> Any:
    """Panels for each environment: means over seeds with bootstrap bands, the experts' and a random agent's lines."""
    groups = grouped(runs)
    plans = plan_panels(list(groups), baseline)
    numbers = line_numbers(list(dict.fromkeys(label for _, label in groups)), baseline)
    figure, panels = _panels(plans)
    for plan, panel in zip(plans, panels, strict=True):
        for label in plan.labels:
            if group := groups.get((plan.environment, label)):
                draw_mean(panel, label, [run.curve for run in group], numbers[label])
    for environment in {plan.environment for plan in plans}:
        share_height([panel for plan, panel in zip(plans, panels, strict=True) if plan.environment == environment])
    shared = legend_of_all(figure, panels)
    for plan, panel in zip(plans, panels, strict=True):
        here = [run for (at, _), group in groups.items() if at == plan.environment for run in group]
        levels = _draw_levels(panel, here)
        legend(panel, levels if shared else None)
    panels[0].set_ylabel("return of an evaluation episode")
    return figure


def guidance_figure(runs: Sequence[FinishedRun], metric: str, title: str, baseline: str = "dqn") -> Any | None:
    """Panels for each environment in which runs have a metric of the guidance; ``None`` where none has.

    Args:
        runs: what to compare.
        metric: one of ``GUIDANCE``, from 0 to 1.
        title: of the y-axis.
        baseline: label that each panel has, if it has the metric.
    """
    groups = {
        name: [run.guidance[metric] for run in group if metric in run.guidance] for name, group in grouped(runs).items()
    }
    groups = {name: curves for name, curves in groups.items() if curves}
    if not groups:
        return None
    numbers = line_numbers(list(dict.fromkeys(label for _, label in grouped(runs))), baseline)  # those of the returns
    plans = [
        plan
        for plan in plan_panels(list(grouped(runs)), baseline)
        if any((plan.environment, label) in groups for label in plan.labels)
    ]
    figure, panels = _panels(plans)
    for plan, panel in zip(plans, panels, strict=True):
        for label in plan.labels:
            if curves := groups.get((plan.environment, label)):
                draw_mean(panel, label, curves, numbers[label])
        panel.set_ylim(-0.02, 1.02)
    if not legend_of_all(figure, panels):
        for panel in panels:
            legend(panel)
    panels[0].set_ylabel(title)
    return figure


def plan_panels(groups: Sequence[tuple[str, str]], baseline: str) -> list[PanelPlan]:
    """One panel for each environment, or as many as its lines need; the baseline and DIIQN are in each of them.

    Args:
        groups: environments and labels.
        baseline: label to compare with.
    """
    labels = list(dict.fromkeys(label for _, label in groups))
    plans = []
    for environment in dict.fromkeys(environment for environment, _ in groups):
        here = shares_among([label for place, label in groups if place == environment], labels, baseline)
        for number, share in enumerate(here, start=1):
            title = environment if len(here) == 1 else f"{environment}, {number} of {len(here)}"
            plans.append(PanelPlan(title, environment, share))
    return plans


def _panels(plans: Sequence[PanelPlan]) -> tuple[Any, list[Any]]:
    """With room for the longest legend below a panel, or for one of all; those of an environment side by side."""
    height = 3.8 + 0.17 * max(len(plan.labels) for plan in plans)
    most = max(Counter(plan.environment for plan in plans).values())
    return panels_of_curves([plan.title for plan in plans], height=height, columns=2 if most == 2 else 3)


def _draw_levels(panel: Any, runs: list[FinishedRun]) -> list[Any]:
    """Lines for the experts and for a random agent, which are returned.

    An expert far above all curves would press them together: its return is then in the legend alone.
    """
    lines = []
    low, high = panel.get_ylim()
    experts = {run.expert: run.numbers["expert_return"] for run in runs if "expert_return" in run.numbers}
    for (name, value), style in zip(experts.items(), cycle(EXPERT_LINES), strict=False):
        is_far = value > FAR * high > 0
        label = f"expert {name} ({value:.1f}{', above the picture' if is_far else ''})"
        lines.append(panel.axhline(value, color=GREY, linestyle=style, linewidth=1, label=label))
        if not is_far:
            low, high = _with(value, low, high)
    random = [run.numbers["random_return"] for run in runs if "random_return" in run.numbers]
    if random:
        mean = sum(random) / len(random)
        lines.append(panel.axhline(mean, color=GREY, linestyle=":", linewidth=1, label=f"random agent ({mean:.1f})"))
        low, high = _with(mean, low, high)
    panel.set_ylim(low, high)
    return lines


def _with(level: float, low: float, high: float) -> tuple[float, float]:
    """Limits that have a level in them, a little away from the edge."""
    room = 0.04 * (max(high, level) - min(low, level))
    return min(low, level - room), max(high, level + room)
