"""How figures look: colours that differ for colour-blind readers and in grey, and few lines."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

# The same numbers give the same file, byte for byte.
matplotlib.rcParams["svg.hashsalt"] = "diiqn-lightning"

# Okabe and Ito's colours.
BLUE, ORANGE, GREEN, YELLOW, PURPLE = "#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7"
SKY, GREY = "#56B4E9", "#666666"


def new_figure(size: tuple[float, float]) -> Any:
    """An empty figure, in inches."""
    return plt.figure(figsize=size, layout="constrained")


def legend(panel: Any, lines: Sequence[Any] | None = None) -> None:
    """A legend below the panel, where it hides no line: of some lines, or of all."""
    panel.legend(handles=lines, loc="upper center", bbox_to_anchor=(0.5, -0.17), fontsize=8, frameon=False)


def legend_of_all(figure: Any, panels: Sequence[Any]) -> bool:
    """One legend below the panels of a figure, in columns, if there are several and they have the same lines.

    Returns:
        Whether they have; otherwise nothing is drawn.
    """
    lines, labels = panels[0].get_legend_handles_labels()
    if len(panels) == 1 or any(panel.get_legend_handles_labels()[1] != labels for panel in panels):
        return False
    inches = 0.8 + 0.08 * max(map(len, labels))  # of one entry, its line and its letters
    columns = max(1, min(len(labels), 4, int(figure.get_figwidth() / inches)))
    figure.legend(lines, labels, loc="outside lower center", ncols=columns, fontsize=9, frameon=False, handlelength=3.5)
    return True


def figure_file(figure: Any, path: Path) -> None:
    """Write a figure without frames above and beside its axes, in one step."""
    figure_files(figure, [path])


def figure_files(figure: Any, paths: Sequence[Path]) -> None:
    """Write a figure in several formats, each in one step.

    Args:
        figure: without frames above and beside its axes afterwards; it is closed.
        paths: PNG or SVG files.
    """
    for axis in figure.axes:
        axis.spines[["top", "right"]].set_visible(False)
    for path in paths:
        aside = path.with_name(f".{path.name}.partial{path.suffix}")
        try:
            figure.savefig(aside, dpi=120, metadata={"Date": None} if path.suffix == ".svg" else None)
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
    plt.close(figure)
