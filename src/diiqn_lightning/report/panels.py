"""Learning curves in panels side by side: what the figures of several runs share."""

import math
from collections.abc import Sequence
from statistics import fmean
from typing import Any

from matplotlib.ticker import FuncFormatter

from diiqn_lightning.report.finished_run import Curve
from diiqn_lightning.report.statistics import Interval, mean_and_band
from diiqn_lightning.report.style import BLUE, GREEN, ORANGE, PURPLE, SKY, YELLOW, new_figure

COLOURS = (BLUE, ORANGE, GREEN, PURPLE, YELLOW, SKY)
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1)), (0, (9, 3)))
LINES = tuple((COLOURS[i % 6], DASHES[(i + i // 6) % 6]) for i in range(36))
"""Colour and dashes of each label, 36 pairs: among the first six the dashes alone tell them apart."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X")
"""Marker of each label: in grey, and where dashes are hard to tell, the markers still are."""


def panels_of_curves(
    titles: Sequence[str], width: float = 4.6, height: float = 3.6, columns: int = 3
) -> tuple[Any, list[Any]]:
    """A figure with a panel for each title over environment frames.

    Args:
        titles: of the panels, at least one.
        width: of a panel, inches.
        height: of a panel, inches.
        columns: panels in a row, at most.
    """
    columns = min(columns, len(titles))
    rows = math.ceil(len(titles) / columns)
    figure = new_figure((1 + width * columns, 0.4 + height * rows))
    panels = list(figure.subplots(rows, columns, squeeze=False).flatten())
    for panel in panels[len(titles) :]:
        panel.set_visible(False)
    for panel, title in zip(panels, titles, strict=False):
        panel.set_title(title)
        panel.set_xlabel("environment frames")
        panel.xaxis.set_major_formatter(FuncFormatter(lambda frames, _: f"{frames / 1000:,.0f}k"))
    return figure, panels[: len(titles)]


def share_height(panels: Sequence[Any]) -> None:
    """The same return at the same height in all of some panels."""
    limits = [panel.get_ylim() for panel in panels]
    for panel in panels:
        panel.set_ylim(min(low for low, _ in limits), max(high for _, high in limits))


def draw_seeds(panel: Any, label: str, seeds: Sequence[Curve], colour: str, dashes: object) -> None:
    """The mean over seeds at the frames that all of them have, and each seed as a thin line."""
    for frames, returns in seeds:
        panel.plot(frames, returns, color=colour, alpha=0.35, linewidth=0.8)
    shared = sorted(set.intersection(*(set(frames) for frames, _ in seeds)))
    by_frame = [dict(zip(*seed, strict=True)) for seed in seeds]
    mean = [fmean(seed[frame] for seed in by_frame) for frame in shared]
    counted = f"{len(seeds)} seed{'s' if len(seeds) > 1 else ''}"
    panel.plot(shared, mean, color=colour, linestyle=dashes, linewidth=2, label=f"{label} ({counted})")


def draw_band(panel: Any, label: str, frames: Sequence[float], intervals: Sequence[Interval], number: int) -> None:
    """A line with dashes and markers of its own, and the band of its intervals where there are any.

    Args:
        panel: to draw in.
        label: of the line.
        frames: or whatever lies along the x-axis.
        intervals: one for each of them.
        number: of the label; says which colour, dashes and markers.
    """
    colour, dashes = LINES[number % len(LINES)]
    marker = MARKERS[number % len(MARKERS)]
    means = [interval.estimate for interval in intervals]
    every = max(1, len(means) // 10)
    panel.plot(
        frames, means, color=colour, linestyle=dashes, linewidth=1.8, marker=marker, markersize=5, markevery=every,
        markerfacecolor="white", markeredgewidth=1.2, label=label,
    )  # fmt: skip
    if intervals and not math.isnan(intervals[0].low):
        low, high = ([limits[i] for limits in intervals] for i in (1, 2))
        panel.fill_between(frames, low, high, color=colour, alpha=0.18, linewidth=0)


def draw_mean(panel: Any, label: str, seeds: Sequence[Curve], number: int) -> None:
    """The mean over seeds at the frames that all of them have, with its band."""
    shared = sorted(set.intersection(*(set(frames) for frames, _ in seeds)))
    if not shared:
        return
    by_frame = [dict(zip(*seed, strict=True)) for seed in seeds]
    counted = f"{len(seeds)} seed{'s' if len(seeds) > 1 else ''}"
    band = mean_and_band([[seed[at] for at in shared] for seed in by_frame])
    draw_band(panel, f"{label} ({counted})", shared, band, number)
