"""Draws the pictures of docs/concepts.md: ``python docs/pictures/draw.py`` from the repository's root."""

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import torch
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from diiqn_lightning.algorithm.confidence import return_confidence
from diiqn_lightning.report.style import BLUE, GREEN, GREY, ORANGE, YELLOW

FOLDER = Path(__file__).parent
plt.rcParams.update({"font.size": 11, "svg.hashsalt": "diiqn", "svg.fonttype": "path"})


def canvas(width: float, height: float) -> tuple[Any, Any]:
    """An empty picture in inches, one unit an inch."""
    figure = plt.figure(figsize=(width, height), facecolor="white")
    axis = figure.add_axes((0, 0, 1, 1))
    axis.set(xlim=(0, width), ylim=(0, height))
    axis.axis("off")
    return figure, axis


def box(axis: Any, x: float, y: float, width: float, text: str, colour: str = GREY, height: float = 0.6) -> None:
    """A rounded box around its middle."""
    corner = (x - width / 2, y - height / 2)
    style = "round,pad=0,rounding_size=0.12"
    axis.add_patch(FancyBboxPatch(corner, width, height, style, facecolor=colour + "22", edgecolor=colour, lw=1.4))
    axis.text(x, y, text, ha="center", va="center")


def arrow(
    axis: Any, start: tuple[float, float], end: tuple[float, float], colour: str = GREY, bend: float = 0.0, **more: Any
) -> None:
    """From one point to another."""
    style = {"arrowstyle": "-|>", "mutation_scale": 13, "lw": 1.5, "color": colour, **more}
    axis.add_patch(FancyArrowPatch(start, end, connectionstyle=f"arc3,rad={bend}", shrinkA=0, shrinkB=0, **style))


def save(figure: Any, name: str) -> None:
    """As SVG, the same bytes each time."""
    figure.savefig(FOLDER / f"{name}.svg", metadata={"Date": None})
    plt.close(figure)


def data_flow() -> None:
    """Where a frame goes."""
    figure, axis = canvas(9, 3.7)
    box(axis, 1.1, 2.9, 1.6, "environments", BLUE)
    box(axis, 3.4, 2.9, 1.6, "stream", BLUE)
    box(axis, 5.7, 2.9, 1.6, "replay", BLUE)
    box(axis, 7.9, 2.9, 1.6, "batch", BLUE)
    box(axis, 3.4, 1.6, 1.9, "action inference", ORANGE)
    box(axis, 1.1, 1.6, 1.6, "expert's states", ORANGE)
    box(axis, 3.4, 0.5, 1.9, "expert's table:\na, r, end, ζ, c", ORANGE, 0.75)
    box(axis, 5.9, 0.5, 1.7, "expert_sampling", ORANGE)
    box(axis, 7.9, 1.6, 1.8, "L = L_a + λ Φ L_e", GREEN)
    for start, end in (((1.9, 2.9), (2.6, 2.9)), ((4.2, 2.9), (4.9, 2.9)), ((6.5, 2.9), (7.1, 2.9))):
        arrow(axis, start, end, BLUE)
    arrow(axis, (3.4, 2.6), (3.4, 1.9), BLUE)
    axis.text(3.5, 2.22, "frames: s, a, r, s'", color=BLUE, va="center")
    arrow(axis, (1.9, 1.6), (2.45, 1.6), ORANGE)
    arrow(axis, (3.4, 1.3), (3.4, 0.88), ORANGE)
    arrow(axis, (4.35, 0.5), (5.05, 0.5), ORANGE)
    arrow(axis, (6.75, 0.5), (7.45, 1.3), ORANGE, 0.3)
    axis.text(7.42, 0.55, '("expert", …) keys', color=ORANGE, va="center")
    arrow(axis, (7.9, 2.6), (7.9, 1.9), BLUE)
    arrow(axis, (7.0, 1.75), (5.9, 2.6), GREEN, -0.25, linestyle="--")
    axis.text(6.35, 1.8, "priorities", color=GREEN, ha="right")
    arrow(axis, (7.0, 1.45), (4.35, 0.7), GREEN, 0.12, linestyle="--")
    axis.text(5.15, 1.28, "visits c", color=GREEN, ha="right")
    save(figure, "data_flow")


def inference() -> None:
    """Whose action an expert's transition gets."""
    figure, axis = canvas(9, 2.9)
    axis.text(0.2, 2.62, "the expert: states alone", color=ORANGE, weight="bold")
    axis.text(5.0, 2.62, "the agent: what it has tried", color=BLUE, weight="bold")
    for x, name in ((0.7, "s_e"), (2.5, "s'_e")):
        box(axis, x, 1.9, 0.8, name, ORANGE)
    arrow(axis, (1.1, 1.9), (2.1, 1.9), ORANGE, linestyle="--")
    axis.text(1.6, 2.05, "?", color=ORANGE, ha="center", weight="bold")
    for y, action, near in ((2.05, "left", 0.2), (1.2, "right", 1.0), (0.35, "stay", 0.2)):
        shade = BLUE if near == 1 else GREY
        box(axis, 5.6, y, 0.8, "s", shade)
        box(axis, 7.6, y, 0.8, "s'", shade)
        arrow(axis, (6.0, y), (7.2, y), shade)
        axis.text(6.6, y + 0.1, action, color=shade, ha="center")
    arrow(axis, (5.15, 1.2), (2.95, 1.75), BLUE, 0.1)
    axis.text(3.2, 0.35, "closest in s and in s':\na_e = right, ζ falls with the distance", color=BLUE, ha="center")
    axis.text(8.15, 1.2, "← nearest", color=BLUE, va="center")
    save(figure, "inference")


def confidence() -> None:
    """Φ of returns, by the function that the package uses."""
    figure, axis = plt.subplots(figsize=(6.4, 3.2), layout="constrained", facecolor="white")
    lead = torch.linspace(-3, 3, 200)
    for beta, colour in ((0.5, YELLOW), (2.0, BLUE), (8.0, GREEN)):
        phi = return_confidence(lead, torch.zeros(()), beta)
        axis.plot(lead, phi, color=colour, lw=2)
        x, drop = {0.5: (2.2, -12), 2.0: (0.9, -12), 8.0: (0.3, -2)}[beta]
        at = (x, float(return_confidence(torch.tensor(x), torch.zeros(()), beta)))
        axis.annotate(f"β = {beta:g}", at, (8, drop), textcoords="offset points", color=colour)
    axis.axvline(0, color=GREY, lw=0.8)
    axis.text(-2.9, 0.9, "the agent expects more of itself:\non its own", va="top", color=GREY)
    axis.text(2.95, 0.32, "the expert earned more:\nimitate", ha="right", va="top", color=GREY)
    axis.set(xlabel="G_e − max Q(s_e, a): the expert's lead at a state", ylabel="Φ", ylim=(-0.02, 1.02), xlim=(-3, 3))
    axis.spines[["top", "right"]].set_visible(False)
    save(figure, "confidence")


def bridge() -> None:
    """A step of the expert's that the agent cannot make, and the way around."""
    figure, axis = canvas(6.4, 3.0)
    for column in range(4):
        for row in range(3):
            corner = (1.0 + column * 0.9, 0.15 + row * 0.9)
            axis.add_patch(plt.Rectangle(corner, 0.9, 0.9, facecolor="white", edgecolor="#cccccc"))
    places = {"a": (1.45, 0.6), "b": (2.35, 1.5), "c": (3.25, 2.4), "d": (4.15, 2.4), "e": (2.35, 0.6)}
    for start, end in (("a", "b"), ("b", "c")):
        arrow(axis, places[start], places[end], ORANGE, linestyle=":", lw=2.2)
    arrow(axis, places["c"], places["d"], ORANGE, lw=2.2)
    arrow(axis, places["a"], places["e"], BLUE, lw=2.2)
    arrow(axis, places["e"], places["b"], BLUE, lw=2.2)
    for place in places.values():
        axis.plot(*place, "o", color="black", ms=5)
    axis.text(4.75, 2.4, "the expert's", color=ORANGE, va="center")
    axis.text(4.75, 2.1, "(dotted: infeasible)", color=ORANGE, va="center", size=10)
    axis.text(4.75, 0.6, "the bridge, of the\nagent's own steps", color=BLUE, va="center")
    axis.text(1.1, 0.28, "s_e", size=10)
    save(figure, "bridge")


if __name__ == "__main__":
    data_flow()
    inference()
    confidence()
    bridge()
