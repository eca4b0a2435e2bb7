"""The learning curve of one run as a picture."""

import csv
from pathlib import Path
from typing import Any

from matplotlib.ticker import FuncFormatter

from diiqn_lightning.report.run_folder import RunFolder
from diiqn_lightning.report.style import BLUE, GREEN, GREY, ORANGE, PURPLE, figure_file, new_figure


def read_metrics(path: Path) -> dict[str, tuple[list[int], list[float]]]:
    """Columns of a ``metrics.csv`` as (frames, values), without the empty cells."""
    columns: dict[str, tuple[list[int], list[float]]] = {}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            frames = int(row["frames"])
            for name, cell in row.items():
                if name != "frames" and cell not in ("", None):
                    frame_list, values = columns.setdefault(name, ([], []))
                    frame_list.append(frames)
                    values.append(float(cell))
    return columns


def draw_curve(folder: RunFolder, summary: dict[str, Any], lines: dict[str, float]) -> None:
    """Draw ``curve.png``: returns by frames and, where there is an expert, what guided the agent.

    Args:
        folder: the run's.
        summary: of the run.
        lines: returns to compare with, by label (the expert's, a random agent's).
    """
    columns = read_metrics(folder.metrics)
    guided = "expert/weight" in columns
    figure = new_figure((8, 4.5 + 2.5 * guided))
    axes = figure.subplots(1 + guided, 1, sharex=True, squeeze=False, height_ratios=[2, 1][: 1 + guided])
    returns = axes[0, 0]
    for name, label, colour, style in (
        ("eval/return", f"evaluation, ε = {summary['eval']['epsilon']['epsilon']:g}", BLUE, "o-"),
        ("train/return", "training, last 100 episodes", ORANGE, "-"),
    ):
        if name in columns:
            frames, values = columns[name]
            returns.plot(frames, values, style, color=colour, label=label, markersize=4, linewidth=1.6)
    error = columns.get("eval/return_standard_error")
    if error and "eval/return" in columns:
        frames, values = columns["eval/return"]
        low = [v - 1.96 * e for v, e in zip(values, error[1], strict=False)]
        high = [v + 1.96 * e for v, e in zip(values, error[1], strict=False)]
        returns.fill_between(frames[: len(low)], low, high, color=BLUE, alpha=0.15, linewidth=0)
    for style, (label, value) in zip(("--", ":", "-."), lines.items(), strict=False):
        returns.axhline(value, color=GREY, linestyle=style, label=f"{label} ({value:.1f})", linewidth=1.2)
    returns.set_ylabel("return of an episode")
    returns.set_title(f"{summary['algorithm']} on {summary['environment']}, seed {summary['seed']}")
    returns.legend(frameon=False, fontsize=9)
    if guided:
        guidance = axes[1, 0]
        for name, label, colour, style in (
            ("expert/weight", "confidence Φ", BLUE, "-"),
            ("inference/accuracy", "inferred actions that are right", GREEN, "--"),
            ("expert/agreement", "agent agrees with the expert", ORANGE, ":"),
            ("expert/carry_over", "… and in held-out episodes, relative to that", PURPLE, "-."),
        ):
            if name in columns:
                guidance.plot(*columns[name], style, color=colour, label=label, linewidth=1.6)
        guidance.set_ylim(0, 1.05)
        guidance.legend(frameon=False, fontsize=9, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    axes[-1, 0].set_xlabel("environment frames")
    axes[-1, 0].xaxis.set_major_formatter(FuncFormatter(lambda frames, _: f"{frames:,.0f}"))
    figure_file(figure, folder.curve)
