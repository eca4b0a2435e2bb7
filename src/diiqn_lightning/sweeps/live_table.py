"""Shows cells while they run: a table on a terminal, a line for each change elsewhere."""

import sys
import time
from collections import Counter
from collections.abc import Sequence
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.table import Table

from diiqn_lightning.report.curve import read_metrics
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
                    print(f"{run.shown:11} {run.cell.name}  {_counts(runs)}", file=self.console.file, flush=True)
        elif changed or time.monotonic() >= self._next:
            self._next = time.monotonic() + REFRESH_SECONDS
            self._live.update(self._table(runs), refresh=True)

    def _table(self, runs: Sequence[CellRun]) -> Table:
        table = Table(*COLUMNS, caption=_counts(runs))
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
    path = cell.folder.metrics
    columns = read_metrics(path) if path.exists() else {}
    frames = max((frames[-1] for frames, _ in columns.values()), default=0)
    speed = columns.get("train/frames_per_second", ([], [0.0]))[1][-1]
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


def _counts(runs: Sequence[CellRun]) -> str:
    counts = Counter(run.state for run in runs)
    return ", ".join(f"{counts[state]} {state}" for state in State if counts[state]) + f" of {len(runs)}"
