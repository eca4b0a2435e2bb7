"""What ``sweep`` and ``experiment`` do alike: make cells, run them, and say how it went."""

import shlex
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from diiqn_lightning.cli.resolving import Options, resolve
from diiqn_lightning.errors import InputError, writing
from diiqn_lightning.sweeps.cells import Cell
from diiqn_lightning.sweeps.live_table import LiveTable
from diiqn_lightning.sweeps.runner import STARTED, CellRun, CellRunner, State

SEED = "--seed_everything="
SHORT_KEY = 8
"""Characters of a run's key in its folder's name: a changed configuration gets a folder of its own."""


@dataclass(frozen=True)
class PlannedRun:
    """A run as the user described it.

    Args:
        name: unique.
        options: of ``fit``, one word each.
        place: of its repetitions; the key and the seed are added to it.
    """

    name: str
    options: Options
    place: Path


def make_cells(plans: Sequence[PlannedRun]) -> list[Cell]:
    """Check every run's options with the real parser, and make cells of them.

    Raises:
        InputError: for the first run that would be refused.
    """
    # The parser does not look at a seed's value, so repetitions are built once.
    seeds = [_split_seed(plan) for plan in plans]
    try:
        facts = resolve((plan.name, options) for plan, (options, _) in zip(plans, seeds, strict=True))
    except KeyboardInterrupt:
        print("stopped before any run was started", file=sys.stderr)
        sys.exit(130)
    cells = []
    for plan, (options, seed) in zip(plans, seeds, strict=True):
        own = facts[options] if seed is None else replace(facts[options], seed=seed)
        place = plan.place.with_name(f"{plan.place.name[:100]}-{own.key[:SHORT_KEY]}")
        cells.append(Cell(plan.name, plan.options, place / str(own.seed), own))
    return cells


def _split_seed(plan: PlannedRun) -> tuple[Options, int | None]:
    given = [word.removeprefix(SEED) for word in plan.options if word.startswith(SEED)]
    if given and not given[-1].isdigit():
        raise InputError("seed_everything", given[-1], "give a whole number of at least 0")
    return tuple(word for word in plan.options if not word.startswith(SEED)), int(given[-1]) if given else None


def print_commands(cells: Iterable[Cell]) -> None:
    """The command of each run that is not finished: what ``--dry_run`` is for."""
    for cell in cells:
        if not cell.finished():
            print(cell.shell())


def run_cells(
    cells: Sequence[Cell], workers: int, on_finished: Callable[[Cell], None], again: Sequence[str]
) -> tuple[list[CellRun], int]:
    """Run cells and say what became of those that are not finished.

    Args:
        cells: to run.
        workers: processes at a time.
        on_finished: called with each finished cell.
        again: the words of the command that goes on with the rest.

    Returns:
        The cells' runs, and the exit code: 0, 1 if a cell failed, or 130 if the user stopped it.
    """
    for cell in cells:
        with writing("--runs", cell.run_dir.parent):
            cell.run_dir.parent.mkdir(parents=True, exist_ok=True)
    with LiveTable() as table:
        runner = CellRunner(cells, workers, on_finished, table)
        runs = runner.run()
    failed = [run.cell for run in runs if run.state is State.FAILED]
    interrupted = [run.cell for run in runs if run.state is State.INTERRUPTED]
    for cell in failed:
        print(f"failed: {cell.name}: {_last_line(cell.log)} (all of it: {cell.log})", file=sys.stderr)
    command = shlex.join(["python", "-m", "diiqn_lightning", *again])
    if interrupted:
        print(f"{len(interrupted)} of {len(runs)} runs are not finished. Go on with: {command}", file=sys.stderr)
    elif failed:
        print(f"{len(failed)} of {len(runs)} runs failed. Try them again with: {command}", file=sys.stderr)
    if runner.stop_signal is not None:
        # As `fit` does: what a scheduler stops and requeues has ended well.
        return runs, 0 if runner.stop_signal == signal.SIGTERM else 130
    return runs, 1 if failed or interrupted else 0


def _last_line(log: Path) -> str:
    newest = log.read_text(errors="replace").rpartition(f"\n{STARTED}")[2].removeprefix(STARTED)
    lines = [line.strip() for line in newest.splitlines()[1:] if line.strip()]
    said = [line for line in lines if line.startswith("error:")]
    return (said or lines or ["it said nothing"])[-1]
