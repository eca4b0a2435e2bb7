"""The figure of a maze: where the expert went, what the agent cannot do there, and how it gets around."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from diiqn_lightning.callbacks.bridge_snapshots import Snapshot
from diiqn_lightning.report.style import BLUE, GREY, ORANGE, figure_file, new_figure


def draw_bridges(
    path: Path, background: np.ndarray[Any, Any], episode: np.ndarray[Any, Any], snapshots: Sequence[Snapshot]
) -> None:
    """Draw a panel for each snapshot, the earliest first.

    Args:
        path: PNG file.
        background: the map, ``[H, W, 3]`` bytes.
        episode: places (x, y) of an episode of the expert's in pixels of the map, ``[T, 2]``.
        snapshots: at least one.
    """
    figure = new_figure((3.6 * len(snapshots), 4.2))
    axes = figure.subplots(1, len(snapshots), squeeze=False)[0]
    for axis, snapshot in zip(axes, snapshots, strict=True):
        axis.imshow(background, interpolation="nearest")
        axis.plot(*episode.T, color=GREY, linewidth=1.5, label="an episode of the expert")
        for number, (here, there) in enumerate(snapshot.infeasible.numpy()):
            label = "infeasible for the agent" if number == 0 else None
            axis.plot(*np.stack([here, there]).T, color=ORANGE, linewidth=1.2, linestyle=":", label=label)
        for number, way in enumerate(snapshot.bridges.numpy()):
            label = "bridge of the agent's own steps" if number == 0 else None
            axis.plot(*way.T, color=BLUE, linewidth=1.2, alpha=0.7, label=label)
        axis.set_title(
            f"{snapshot.frames:,} frames: {len(snapshot.infeasible)} infeasible, {len(snapshot.bridges)} bridges",
            fontsize=9,
        )
        axis.set_axis_off()
    handles, labels = axes[-1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    figure_file(figure, path)
