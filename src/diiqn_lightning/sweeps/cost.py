"""What an experiment will cost, said before it starts."""

import statistics
from collections.abc import Callable, Sequence

from diiqn_lightning.sweeps.cells import Cell

ASSUMED_FRAMES_PER_SECOND = 500.0
"""Where nothing was measured (design choice: what one core does with the default on MinAtar, give or take a half)."""


def cost(cells: Sequence[Cell], measured: Callable[[str, str], Sequence[float]], workers: int) -> list[str]:
    """Frames and hours that cells still need, in sentences.

    Args:
        cells: that are to be run or go on.
        measured: frames a second of finished runs, by algorithm and environment.
        workers: cells at a time.
    """
    if not cells:
        return ["nothing is left to run"]
    frames, seconds = 0, 0.0
    known: set[tuple[str, str]] = set()
    guessed: set[tuple[str, str]] = set()
    for cell in cells:
        left = max(0, cell.facts.max_frames - cell.frames_done())
        place = (cell.facts.algorithm, cell.facts.environment)
        speeds = measured(*place)
        (known if speeds else guessed).add(place)
        frames += left
        seconds += left / (statistics.median(speeds) if speeds else ASSUMED_FRAMES_PER_SECOND)
    at_once = min(workers, len(cells))
    hours = seconds / 3600 / at_once
    about = f"about {hours:.1f}" if hours >= 0.1 else "less than 0.1"
    lines = [f"{frames:,} frames, {about} hours with {at_once} at a time"]
    if known:
        lines.append(f"  by measured frames/s (median in the ledgers): {_listed(known)}")
    if guessed:
        lines.append(f"  at {ASSUMED_FRAMES_PER_SECOND:g} frames/s, assumed and not measured: {_listed(guessed)}")
    return lines


def _listed(places: set[tuple[str, str]]) -> str:
    algorithms: dict[str, list[str]] = {}
    for algorithm, environment in sorted(places):
        algorithms.setdefault(algorithm, []).append(environment)
    return "; ".join(f"{algorithm} in {', '.join(found)}" for algorithm, found in algorithms.items())
