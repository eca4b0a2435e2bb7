"""Shows cells while they run: a table on a terminal, a line for each change elsewhere."""

import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.table import Table

from diiqn_lightning.report.curve import read_metrics
from diiqn_lightning.report.finished_run import Curve
from diiqn_lightning.sweeps.cells import Cell
from diiqn_lightning.sweeps.runner import CellRun, State

COLUMNS = ("cell", "state", "frames", "frames/s", "left", "return")
REFRESH_SECONDS = 2.0
SHOWN_FIRST = (State.RUNNING, State.FAILED, State.INTERRUPTED, State.WAITING, State.FINISHED)


class LiveTable:
    """A context manager; calling it with the cells shows them.

    Args:
        console: where; by default the error stream.
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(file=sys.stderr)
        self._live = Live(console=self.console, auto_refresh=False) if self.console.is_terminal else None
        self._next = 0.0
        self._shown: dict[str, str] = {}
        self._rows: dict[str, tuple[str, ...]] = {}

    def __enter__(self) -> "LiveTable":
        """Open the table."""
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Leave it on the terminal."""
        if self._live is not None:
            self._live.stop()

    def __call__(self, runs: Sequence[CellRun]) -> None:
        """Show what has changed."""
        changed = [run for run in runs if self._shown.get(run.cell.name) != run.shown]
        self._shown = {run.cell.name: run.shown for run in runs}
        if self._live is None:
            for run in changed:
                if run.shown != State.WAITING:
                    print(f"{run.shown:11} {run.cell.name}  {_caption(runs)}", file=self.console.file, flush=True)
        elif changed or time.monotonic() >= self._next:
            self._next = time.monotonic() + REFRESH_SECONDS
            self._live.update(self._table(runs), refresh=True)

    def _table(self, runs: Sequence[CellRun]) -> Table:
        table = Table(*COLUMNS, caption=_caption(runs))
        table.columns[0].overflow = "fold"
        ordered = sorted(runs, key=lambda run: SHOWN_FIRST.index(run.state))
        room = max(4, self.console.height - 8)
        for run in ordered[:room]:
            table.add_row(*self._row(run))
        if len(ordered) > room:
            table.add_row(f"… and {len(ordered) - room} more", *[""] * 5)
        return table

    def _row(self, run: CellRun) -> tuple[str, ...]:
        # Of cells that do not run nothing changes: their files are read once.
        known = self._rows.get(run.cell.name)
        if known and known[1] == run.shown:
            return known
        row = (run.cell.name, run.shown, *progress(run.cell, running=run.state is State.RUNNING))
        if run.state is not State.RUNNING:
            self._rows[run.cell.name] = row
        return row


def progress(cell: Cell, running: bool) -> tuple[str, str, str, str]:
    """Frames of all frames, frames a second, time left and the last return, from a run's ``metrics.csv``.

    Args:
        cell: whose run.
        running: whether a time left means anything.
    """
    columns = _logged(cell)
    frames, speed = _frames_and_speed(columns)
    evaluated = columns.get("eval/return", columns.get("train/return"))
    left = ""
    if running and speed:
        left = f"{max(0, cell.facts.max_frames - frames) / speed / 60:.0f} min"
    return (
        f"{frames:,} / {cell.facts.max_frames:,}",
        f"{speed:,.0f}" if speed else "",
        left,
        f"{evaluated[1][-1]:.2f}" if evaluated else "",
    )


def _caption(runs: Sequence[CellRun]) -> str:
    counts = Counter(run.state for run in runs)
    counted = ", ".join(f"{counts[state]} {state}" for state in State if counts[state]) + f" of {len(runs)}"
    left = seconds_left(runs)
    return f"{counted}, about {_duration(left)} left" if left else counted


def seconds_left(runs: Sequence[CellRun]) -> float | None:
    """For all cells that wait or run, at the speed of those that run; ``None`` before that is known."""
    frames, together = 0, 0.0
    for run in runs:
        if run.state is State.RUNNING:
            done, speed = _frames_and_speed(_logged(run.cell))
            together += speed
        elif run.state is State.WAITING:
            done = run.cell.frames_done()
        else:
            continue
        frames += max(0, run.cell.facts.max_frames - done)
    return frames / together if together else None


def _logged(cell: Cell) -> Mapping[str, Curve]:
    return read_metrics(cell.folder.metrics) if cell.folder.metrics.exists() else {}


def _frames_and_speed(columns: Mapping[str, Curve]) -> tuple[int, float]:
    frames = max((frames[-1] for frames, _ in columns.values()), default=0)
    return frames, columns.get("train/frames_per_second", ([], [0.0]))[1][-1]


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds < 2 * 3600 else f"{seconds / 3600:.1f} hours"
