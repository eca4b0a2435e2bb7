"""Runs from a CSV export of Weights & Biases: the history of runs, and three columns that say whose it is."""

import csv
import math
from collections.abc import Mapping
from pathlib import Path

from diiqn_lightning.errors import InputError
from diiqn_lightning.report.finished_run import GUIDANCE, FinishedRun
from diiqn_lightning.report.names import environment_name

IDENTITY = ("algorithm", "environment", "seed")
NEEDED = (*IDENTITY, "frames", "eval/return")
LEVELS = ("random_return", "expert_return")
"""Columns that may say what a random agent and the expert have, in any row of a run."""


def is_export(path: Path) -> bool:
    """Whether a CSV file is an export and no ledger: its header has columns of a history.

    Raises:
        InputError: if it cannot be read as text.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            header = next(csv.reader(file), [])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError("runs", str(path), f"it cannot be read as CSV ({error})") from error
    return "key" not in header and any("/" in name or name.startswith("_") for name in header)


def read_export(path: Path) -> list[FinishedRun]:
    """The runs of an export.

    Rows with the same algorithm, environment, expert, seed and, where there is such a column, ``run`` are one run; of
    two rows at the same frames the later one counts. Needed are the columns ``algorithm``, ``environment`` (a name or
    a Gymnasium id), ``seed``, ``frames`` and ``eval/return``; ``expert``, ``expert_return``, ``random_return``,
    ``expert/weight`` and ``inference/accuracy`` are used where they are there, and all others are left alone.

    Raises:
        InputError: for a missing column, or a cell that is no finite number.
    """
    try:
        return _read(path)
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError("runs", str(path), f"it cannot be read as CSV ({error})") from error


def _read(path: Path) -> list[FinishedRun]:
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        missing = [name for name in NEEDED if name not in (reader.fieldnames or ())]
        if missing:
            raise InputError("runs", str(path), f"add the column {missing[0]} to the export (docs/report.md shows how)")
        histories: dict[tuple[str, str, str, str, int], list[dict[str, float]]] = {}
        for number, row in enumerate(reader, 2):
            algorithm, environment, expert, run = (
                row.get(name) or "" for name in ("algorithm", "environment", "expert", "run")
            )
            identity = (algorithm, environment_name(environment), expert, run, _seed(path, number, row))
            histories.setdefault(identity, []).append(_numbers(path, number, row))
    return [_run(*identity, history) for identity, history in histories.items()]


def curve_of(name: str, history: list[dict[str, float]]) -> tuple[list[int], list[float]]:
    """Frames and values of a metric in a history, by frames."""
    points = {int(row["frames"]): row[name] for row in history if name in row and "frames" in row}
    return sorted(points), [points[at] for at in sorted(points)]


def _numbers(path: Path, number: int, row: Mapping[str, str | None]) -> dict[str, float]:
    """The cells of a row that are used and not empty; pandas writes what is not there as ``nan`` or nothing."""
    numbers = {}
    for name in ("frames", "eval/return", "train/return", *GUIDANCE, *LEVELS):
        cell = row.get(name) or ""
        try:
            value = float(cell or "nan")
            if math.isinf(value):
                raise ValueError("it is infinite")
        except ValueError as error:
            remedy = f"line {number} has {cell!r} in column {name}, not a finite number"
            raise InputError("runs", str(path), remedy) from error
        if not math.isnan(value):
            numbers[name] = value
    return numbers


def _seed(path: Path, number: int, row: Mapping[str, str | None]) -> int:
    """A whole number, also where pandas wrote it with a point."""
    try:
        return int(float(row["seed"] or ""))
    except (ValueError, OverflowError) as error:
        remedy = f"line {number} has {row['seed']!r} in column seed, not a whole number"
        raise InputError("runs", str(path), remedy) from error


def _run(
    algorithm: str, environment: str, expert: str, _: str, seed: int, history: list[dict[str, float]]
) -> FinishedRun:
    curve = curve_of("eval/return", history)
    numbers = {name: row[name] for row in history for name in LEVELS if name in row}
    if curve[1]:
        numbers["eval_return"] = curve[1][-1]
    return FinishedRun(
        algorithm,
        environment,
        expert,
        seed,
        curve[0][-1] if curve[0] else 0,
        numbers,
        curve,
        # An export has no configuration: what it calls by one name is taken for the same thing.
        "-".join(("wandb", algorithm, environment, expert)),
        {name: points for name in GUIDANCE if (points := curve_of(name, history))[0]},
    )
