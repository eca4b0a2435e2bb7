"""The picture of a dataset."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from diiqn_lightning.experts import ExpertDataset
from diiqn_lightning.report.inspection import Inspection
from diiqn_lightning.report.style import BLUE, GREY, ORANGE, figure_file, new_figure

FRAMES = 24


def draw_inspection(name: str, dataset: ExpertDataset, inspection: Inspection, path: Path) -> None:
    """Draw episode lengths, returns, activity, neighbours, coverage and a contact sheet.

    Args:
        name: of the dataset.
        dataset: what was inspected.
        inspection: the facts.
        path: PNG, SVG or PDF file.
    """
    figure = new_figure((12, 7.5))
    grid = figure.add_gridspec(3, 4, height_ratios=[1, 1, 1.1])
    _histogram(figure.add_subplot(grid[0, 0]), inspection.episode_lengths, "frames of an episode")
    axis = figure.add_subplot(grid[0, 1])
    if inspection.returns is not None:
        _histogram(axis, inspection.returns, "return of an episode")
    else:
        _note(axis, "returns unknown")
    axis = figure.add_subplot(grid[0, 2])
    if len(inspection.nearest):
        _histogram(axis, inspection.nearest, f"{inspection.distance} to nearest other episode")
    else:
        _note(axis, "one episode: no other to compare")
    axis = figure.add_subplot(grid[0, 3])
    if inspection.coverage:
        axis.plot(list(inspection.coverage), list(inspection.coverage.values()), "o-", color=BLUE)
        axis.axvline(inspection.suggested_threshold, color=ORANGE, linestyle="--", label="suggested τ")
        axis.set_xlabel("τ")
        axis.set_title("random agent's states\nwith a neighbour", fontsize=9)
        axis.set_ylim(-0.02, 1.02)
        axis.legend(frameon=False, fontsize=8)
    else:
        _note(axis, "coverage: add --against ENV")
    axis = figure.add_subplot(grid[1, :])
    activity = inspection.activity.numpy()
    axis.bar(np.arange(len(activity)), activity, color=BLUE)
    what = "channel" if len(dataset.states.observation_shape) == 3 else "feature"
    axis.set_xlabel(what)
    axis.set_title(f"share of entries that are not zero, by {what}", fontsize=9)
    axis = figure.add_subplot(grid[2, :])
    axis.imshow(
        contact_sheet(dataset.states.states), aspect="equal" if what == "channel" else "auto", interpolation="nearest"
    )
    axis.set_axis_off()
    axis.set_title("states, evenly spaced through the dataset", fontsize=9)
    figure.suptitle(
        f"{name}: {dataset.states.num_transitions:,} transitions, {inspection.distinct_share:.0%} distinct states",
        parse_math=False,  # a file's name may hold dollars
    )
    figure_file(figure, path)


def contact_sheet(states: torch.Tensor, count: int = FRAMES) -> np.ndarray[Any, Any]:
    """Some states side by side: images as colours of their channels, vectors as columns of grey."""
    chosen = states[np.linspace(0, len(states) - 1, min(count, len(states))).astype(int)]
    if chosen.dim() != 4:
        values = chosen.flatten(1).float()
        span = (values.amax(0) - values.amin(0)).clamp(min=1e-9)
        return np.repeat(((values - values.amin(0)) / span).T.numpy()[:, :, None], 3, axis=2)
    pictures = [as_picture(state) for state in chosen]
    half = (len(pictures) + 1) // 2
    edge = np.ones((pictures[0].shape[0], 1, 3))
    blank = np.ones_like(pictures[0])
    rows = [pictures[:half], pictures[half:] + [blank] * (2 * half - len(pictures))]
    sheets = [np.concatenate([part for picture in row for part in (picture, edge)], axis=1) for row in rows]
    return np.concatenate([sheets[0], np.ones((1, sheets[0].shape[1], 3)), sheets[1]], axis=0)


def as_picture(state: torch.Tensor) -> np.ndarray[Any, Any]:
    """One image ``[H, W, C]`` as RGB in [0, 1]: three channels as they are, others each in a colour of its own."""
    values = state.float() / (255 if state.dtype == torch.uint8 else 1)
    if state.shape[-1] == 3:
        return values.numpy()
    import matplotlib

    colours = torch.tensor(matplotlib.colormaps["turbo"](np.linspace(0.05, 0.95, state.shape[-1]))[:, :3]).float()
    return (values.unsqueeze(-1) * colours).amax(2).clamp(0, 1).numpy()


def _histogram(axis: Any, values: torch.Tensor, label: str) -> None:
    axis.hist(values.numpy(), bins=30, color=BLUE)
    axis.axvline(float(values.double().mean()), color=ORANGE, linestyle="--", label="mean")
    axis.set_xlabel(label, fontsize=9)
    axis.legend(frameon=False, fontsize=8)


def _note(axis: Any, text: str) -> None:
    axis.text(0.5, 0.5, text, ha="center", va="center", color=GREY, fontsize=9, wrap=True)
    axis.set_axis_off()
