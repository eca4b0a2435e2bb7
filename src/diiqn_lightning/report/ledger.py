"""The ledger: every run that a figure uses, found again by what it was."""

import csv
import io
import shlex
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import yaml

from diiqn_lightning.errors import InputError
from diiqn_lightning.locks import locked_folder
from diiqn_lightning.report.run_folder import RunFolder
from diiqn_lightning.report.run_key import key_of_sessions, run_key

COLUMNS = (
    "key",
    "seed",
    "algorithm",
    "environment",
    "frames",
    "eval_return",
    "eval_standard_error",
    "eval_return_greedy",
    "train_return",
    "random_return",
    "expert",
    "expert_return",
    "expert_hash",
    "seconds",
    "frames_per_second",
    "git_revision",
    "command",
    "versions",
)
NOT_IN_OLDER_ONES = ("versions",)
"""Columns that ledgers of earlier versions do not have."""
WHOLE_NUMBERS = ("seed", "frames")

CURVE_COLUMNS = (
    "eval/return",
    "eval/return_standard_error",
    "eval/return_greedy",
    "train/return",
    "expert/weight",
    "inference/accuracy",
)


def find_runs(folders: Sequence[Path]) -> list[RunFolder]:
    """Finished runs below some folders.

    Raises:
        InputError: for a folder that does not exist.
    """
    for folder in folders:
        if not folder.is_dir():
            raise InputError("folder", str(folder), "give a folder with runs in it")
    paths = sorted({path.parent for folder in folders for path in folder.rglob("summary.json")})
    # A report has a summary.json of another kind, and no configuration.
    return [folder for folder in map(RunFolder, paths) if folder.config.exists()]


def ledger_row(folder: RunFolder) -> dict[str, Any]:
    """The row of one run.

    Raises:
        InputError: if its files are not those of a run.
    """
    try:
        return _row(folder)
    except InputError:
        raise
    except (LookupError, TypeError, AttributeError, OverflowError, OSError, ValueError, yaml.YAMLError) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())  # of YAML's it has several lines
        remedy = f"its summary.json and config.yaml are not those of a run ({reason})"
        raise InputError("runs", str(folder.path), remedy) from error


def _row(folder: RunFolder) -> dict[str, Any]:
    summary = folder.read_summary()
    config = yaml.safe_load(folder.config.read_text())
    expert = summary["expert"] or {}
    evaluated = folder.final_evaluation()
    return {
        "key": key_of_sessions(run_key(config, expert.get("hash")), folder.read_sessions()),
        "eval_return": evaluated["epsilon"]["mean"],
        "eval_standard_error": evaluated["epsilon"]["standard_error"],
        "eval_return_greedy": evaluated["greedy"]["mean"],
        "expert": expert.get("name"),
        "expert_return": expert.get("return"),
        "expert_hash": expert.get("hash"),
        **{name: summary[name] for name in COLUMNS if name in summary and name != "expert"},
        **{name: summary[name] for name in ("algorithm", "environment")},
        **{name: int(summary[name]) for name in WHOLE_NUMBERS},
        "command": without_places(summary["command"]),
        "versions": ", ".join(f"{name} {number}" for name, number in summary.get("versions", {}).items()),
    }


def without_places(command: str) -> str:
    """A command line without folders of this machine: a ledger is read on others."""
    return shlex.join(without_place(word) for word in shlex.split(command))


def without_place(word: str) -> str:
    """A word of a command without folders of this machine.

    Paths below the current folder become relative to it, of others the name is left.
    """
    option, equals, value = word.rpartition("=")
    if (path := Path(value)).is_absolute():
        value = str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else path.name
    return f"{option}{equals}{value}"


def write_ledger(path: Path, runs: Iterable[RunFolder]) -> int:
    """Add runs to a ledger, and their curves to ``curves/`` beside it.

    A run replaces its row of the same names if it has at least as many frames.

    Args:
        path: the CSV file; made if it is missing.
        runs: finished runs.

    Returns:
        Number of rows in the file.

    Raises:
        InputError: if the file is no ledger, or a run cannot be read; then nothing is written.
    """
    found = [(ledger_row(folder), curve_rows(folder.metrics)) for folder in runs]
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked_folder(path.parent):
        rows = {run_names(row): row for row in read_ledger(path)} if path.exists() else {}
        (path.parent / "curves").mkdir(exist_ok=True)
        for values, curve in found:
            row = {name: str(value) if value is not None else "" for name, value in values.items()}
            place = run_names(row)
            if place in rows and int(rows[place]["frames"]) > int(row["frames"]):
                continue
            rows[place] = row
            write_curve(place_for_curve(path, row, rows.values()), curve)
        write_rows(path, rows.values())
    return len(rows)


def run_names(row: dict[str, Any]) -> tuple[str, str, str, str]:
    """Key, seed, environment and algorithm: an experiment has a run under each name that it goes by there."""
    return row["key"], row["seed"], row["environment"], row["algorithm"]


def write_rows(path: Path, rows: Iterable[dict[str, str]]) -> None:
    """Write a ledger's file in one step, in the order of environments, algorithms, keys and seeds."""
    ordered = sorted(rows, key=lambda row: (row["environment"], row["algorithm"], row["key"], int(row["seed"])))
    with _in_one_step(path) as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(ordered)


@contextmanager
def _in_one_step(path: Path) -> Iterator[IO[str]]:
    aside = path.with_name(path.name + ".partial")
    try:
        with aside.open("w", newline="") as file:
            yield file
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def is_ledger(path: Path) -> bool:
    """Whether a CSV file has the columns of a ledger, or is empty, as one to come may be."""
    with path.open(newline="") as file:
        columns = csv.DictReader(file).fieldnames
    return columns is None or not _missing(columns)


def read_ledger(path: Path) -> list[dict[str, str]]:
    """Rows of a ledger; an empty file has none.

    Raises:
        InputError: for a file that is none, or was cut off.
    """
    try:
        with path.open(newline="") as file:
            text = file.read()
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        _check_columns(reader.fieldnames)
        rows = _whole_rows(reader, WHOLE_NUMBERS)
        if text and not text.endswith("\n"):
            raise ValueError("its last line is cut off")
    except (ValueError, csv.Error) as error:
        remedy = f"it cannot be read as a ledger ({error}); give a file that the verb ledger wrote"
        raise InputError("ledger", str(path), remedy) from error
    return rows


def _missing(columns: Sequence[str]) -> list[str]:
    return [name for name in COLUMNS if name not in (*NOT_IN_OLDER_ONES, *columns)]


def _check_columns(columns: Sequence[str] | None) -> None:
    if columns is None:
        return
    if missing := _missing(columns):
        raise ValueError(f"it has no column {missing[0]}")
    for name in columns:
        if name not in COLUMNS or columns.count(name) > 1:
            raise ValueError(f"the column {name!r} is none of a ledger's, or there twice")


def _whole_rows(reader: "csv.DictReader[str]", whole_numbers: Sequence[str]) -> list[dict[str, str]]:
    """All rows, if each has a cell for each column.

    Raises:
        ValueError: that names the line of one that has not, or has something else in place of a whole number.
    """
    rows = []
    for row in reader:
        if None in row:
            raise ValueError(f"line {reader.line_num} has a cell too many")
        if None in row.values():
            raise ValueError(f"line {reader.line_num} is cut off")
        for name in whole_numbers:
            try:
                int(row[name])
            except ValueError as error:
                complaint = f"line {reader.line_num} has {row[name]!r} in column {name}, not a whole number"
                raise ValueError(complaint) from error
        rows.append(row)
    return rows


def curve_file(ledger: Path, row: dict[str, Any]) -> Path:
    """Where a ledger keeps the curve of one of its rows."""
    cut = ledger.parent / "curves" / f"{row['key']}-{row['seed']}-{row['frames']}.csv"
    return cut if cut.exists() else cut.with_name(f"{row['key']}-{row['seed']}.csv")


def place_for_curve(ledger: Path, row: dict[str, Any], rows: Iterable[dict[str, Any]]) -> Path:
    """Where to write the curve of a row: a file of its own if the same run stands in other rows with other frames."""
    same = [other for other in rows if (other["key"], other["seed"]) == (row["key"], row["seed"])]
    place = curve_file(ledger, row)
    if all(other["frames"] == row["frames"] for other in same):
        return place
    return place.with_name(f"{row['key']}-{row['seed']}-{row['frames']}.csv")


def curve_rows(metrics: Path) -> list[dict[str, str]]:
    """The evaluated rows of a ``metrics.csv``, or of a curve that was made of one.

    Raises:
        InputError: if it cannot be read, or was cut off.
    """
    try:
        with metrics.open(newline="") as file:
            rows = _whole_rows(csv.DictReader(file), ["frames"])
        for row in rows:
            for cell in row.values():
                float(cell or 0)
    except (OSError, KeyError, ValueError, csv.Error) as error:
        raise InputError("runs", str(metrics), f"its numbers cannot be read ({error})") from error
    return [row for row in rows if row.get("eval/return")]


def write_curve(path: Path, rows: Sequence[dict[str, str]], more: Sequence[str] = ()) -> None:
    """Write the columns of a curve.

    Args:
        path: the CSV file.
        rows: evaluated rows.
        more: columns beside those that every curve has.
    """
    columns = ["frames", *(name for name in (*CURVE_COLUMNS, *more) if rows and name in rows[0])]
    with _in_one_step(path) as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _rounded(row[name]) for name in columns} for row in rows)


def _rounded(cell: str) -> str:
    return f"{float(cell):.5g}" if "." in cell else cell
