"""Where a report's runs come from: run folders, ledgers, exports of W&B and its offline folders."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from diiqn_lightning.errors import InputError
from diiqn_lightning.report.curve import read_metrics
from diiqn_lightning.report.finished_run import GUIDANCE, NUMBERS, FinishedRun
from diiqn_lightning.report.ledger import curve_file, curve_rows, find_runs, is_ledger, ledger_row, read_ledger
from diiqn_lightning.report.wandb_export import is_export, read_export
from diiqn_lightning.report.wandb_file import find_wandb_files, read_wandb_files


class Collected(NamedTuple):
    """Runs to compare, and what was left out of them.

    Args:
        runs: finished ones.
        left_out: a sentence for each run that is not among them.
    """

    runs: list[FinishedRun]
    left_out: list[str]


def collect(sources: Sequence[Path]) -> Collected:
    """Finished runs from run folders (or folders of them), ledgers, W&B's exports and W&B's offline folders.

    A run that is named twice counts once, the longer one if they differ. Folders of W&B inside a run's folder are that
    run again and are not read.

    Raises:
        InputError: if there are none, or what is there cannot be read.
    """
    runs: list[FinishedRun] = []
    left_out: list[str] = []
    wandb_files: list[Path] = []
    for source in sources:
        if source.suffix == ".csv":
            runs += _from_table(source)
        elif source.suffix == ".wandb" or (source.is_dir() and not _holds_runs(source)):
            wandb_files += find_wandb_files(source)
        else:
            runs += [_from_row(ledger_row(folder), folder.metrics) for folder in find_runs([source])]
            left_out += unfinished(source)
    # All at once: the sessions of a run that was gone on with are in folders of their own.
    for run in read_wandb_files(wandb_files):
        runs += [run] if isinstance(run, FinishedRun) else []
        left_out += [run] if isinstance(run, str) else []
    never_evaluated = [run for run in runs if "eval_return" not in run.numbers]
    left_out += [f"{run.title}: it was never evaluated." for run in never_evaluated]
    runs = [run for run in runs if "eval_return" in run.numbers]
    if not runs:
        left = f"; left out: {' '.join(left_out)}" if left_out else ""
        raise InputError("runs", " ".join(map(str, sources)), f"give folders with finished runs in them{left}")
    longest = {_identity(run): run for run in sorted(runs, key=lambda run: run.frames)}
    left_out += [
        f"{run.title}, {run.frames:,} frames: another run of the same settings and seed is as long or longer."
        for run in runs
        if run.curve != longest[_identity(run)].curve
    ]
    return Collected(list(longest.values()), left_out)


def _identity(run: FinishedRun) -> tuple[str, int, str, str]:
    """An experiment's ledger may have a run under several names: it then counts once for each."""
    return run.key, run.seed, run.algorithm, run.environment


def unfinished(folder: Path) -> list[str]:
    """A sentence for each run below a folder that began and has no ``summary.json``."""
    begun = {path.parent for name in ("metrics.csv", "config.yaml") for path in folder.rglob(name)}
    finished = {path.parent for path in folder.rglob("summary.json")}
    # Checkpoints hold copies of a run's files.
    own = [path for path in begun - finished if not (finished | begun) & set(path.parents)]
    return [f"{_shown(path)}: it is not finished (no summary.json)." for path in sorted(own)]


def _holds_runs(folder: Path) -> bool:
    """Whether there are runs below a folder, finished or not."""
    return any(next(folder.rglob(name), None) for name in ("summary.json", "config.yaml", "metrics.csv"))


def _from_table(path: Path) -> list[FinishedRun]:
    if not path.is_file():
        raise InputError("runs", str(path), "give a folder with runs in it, a ledger, or an export of W&B")
    if is_export(path):
        return read_export(path)
    if not is_ledger(path):
        raise InputError("runs", str(path), "it is neither a ledger nor an export of W&B: see docs/report.md")
    return [_from_row(row, curve_file(path, row)) for row in read_ledger(path)]


def _from_row(row: dict[str, Any], metrics: Path) -> FinishedRun:
    curve_rows(metrics)  # refuses a file that was cut off
    try:
        columns = read_metrics(metrics)
        curve = columns.get("eval/return", ([], []))
        numbers = {name: float(row[name]) for name in NUMBERS if row.get(name) not in (None, "")}
        if any(map(math.isinf, (*curve[1], *numbers.values()))):
            raise ValueError("one is infinite")
        return FinishedRun(
            row["algorithm"],
            row["environment"],
            row["expert"] or "",
            int(row["seed"]),
            int(row["frames"]),
            numbers,
            curve,
            row["key"],
            {name: columns[name] for name in GUIDANCE if name in columns},
            row.get("command") or "",
            row.get("git_revision") or "",
            dict(each.rsplit(" ", 1) for each in (row.get("versions") or "").split(", ") if " " in each),
        )
    except (KeyError, TypeError, AttributeError, ValueError, OSError) as error:
        raise InputError("runs", str(metrics), f"its numbers cannot be read ({error})") from error


def _shown(path: Path) -> str:
    """A folder without the machine's part of its path."""
    path = path.resolve()
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else "/".join(path.parts[-3:])
