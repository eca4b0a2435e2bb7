"""How figures look: colours that differ for colour-blind readers and in grey, and few lines."""

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

# Okabe and Ito's colours.
BLUE, ORANGE, GREEN, YELLOW, PURPLE, GREY = "#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#666666"


def new_figure(size: tuple[float, float]) -> Any:
    """An empty figure, in inches."""
    return plt.figure(figsize=size, layout="constrained")


def figure_file(figure: Any, path: Path) -> None:
    """Write a figure without frames above and beside its axes, in one step."""
    for axis in figure.axes:
        axis.spines[["top", "right"]].set_visible(False)
    aside = path.with_name(f".{path.name}.partial.png")
    figure.savefig(aside, dpi=120)
    plt.close(figure)
    aside.replace(path)
