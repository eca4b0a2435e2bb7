"""The ledger: every run that a figure uses, found again by what it was."""

import csv
import hashlib
import json
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml

from diiqn_lightning.errors import InputError
from diiqn_lightning.locks import locked_folder
from diiqn_lightning.report.run_folder import RunFolder

IRRELEVANT = (
    "seed_everything",
    "run_dir",
    "wandb",
    "max_frames",
    "ckpt_path",
    "checkpoint",
    "video",
    "metrics",
    "expert",
)
"""Parts of a configuration that say who, where and how long, but not what was run; the expert enters by its content."""

ADDED_LATER = ("expert_distance", "fresh_data")
"""Without such a block or option, a run is the one that it was before there was one, and keeps its key."""

OPTIONS_ADDED_LATER = {
    "backend": ("exact",),
    "labelled_at_most": (50_000,),
    "settled_transitions": (None,),
    "relabel_share": (0.0,),
    "after": (0,),
    "decoupled": (False,),
    "overlap": (False,),
    "acting": ("policy",),
    "value_network": ("shared",),
    "averaging": (None,),
    "outgrown": (None,),
}
"""Options without which a run was what it is with these values: it keeps its key."""

IRRELEVANT_OF_DATA = ("workers", "worker_timeout")
"""Options of ``data`` that change where environments run, and no frame of them."""

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

CURVE_COLUMNS = (
    "eval/return",
    "eval/return_standard_error",
    "eval/return_greedy",
    "train/return",
    "expert/weight",
    "inference/accuracy",
)


def run_key(config: dict[str, Any], expert_hash: str | None) -> str:
    """Hash of what was run: the same for all seeds and lengths of one configuration.

    Args:
        config: the resolved configuration.
        expert_hash: content hash of the expert's dataset.
    """
    relevant = {name: value for name, value in config.items() if name not in IRRELEVANT}
    for name in ADDED_LATER:
        if relevant.get(name) in (None, False):  # an empty block is a block with its defaults
            relevant.pop(name, None)
    if isinstance(data := relevant.get("data"), dict):
        relevant["data"] = {name: value for name, value in data.items() if name not in IRRELEVANT_OF_DATA}
    if isinstance(trainer := relevant.get("trainer"), dict) and trainer.get("devices") == 1:
        relevant["trainer"] = trainer | {"devices": "auto"}  # what it was called when one device was no default
    text = json.dumps([_without_later_options(relevant), expert_hash], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def key_of_sessions(key: str, sessions: Sequence[dict[str, Any]]) -> str:
    """The key of a run that was gone on with in several sessions: its configuration's, if it was the only one.

    Options may change from one session to the next, and a run may begin from another one's checkpoint. That is a run of
    its own, which none of a single configuration may stand for. What was begun and left without a checkpoint before the
    run that there is now is no part of it.

    Args:
        key: of the last session's configuration, which the folder holds.
        sessions: what ``sessions.json`` holds.
    """
    begun_at = max((at for at, session in enumerate(sessions) if session.get("checkpoint") is None), default=0)
    others = sorted({session["key"] for session in sessions[begun_at:] if "key" in session} - {key})
    begun_from = sessions[begun_at].get("checkpoint") if sessions else None
    if not others and begun_from is None:
        return key
    return hashlib.sha256(json.dumps([key, others, begun_from]).encode()).hexdigest()[:16]


def _without_later_options(part: Any) -> Any:
    if not isinstance(part, dict):
        return part
    return {
        name: _without_later_options(value)
        for name, value in part.items()
        if name not in OPTIONS_ADDED_LATER or value not in OPTIONS_ADDED_LATER[name]
    }


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
    """The row of one run."""
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
        InputError: if the file is no ledger.
    """
    (path.parent / "curves").mkdir(parents=True, exist_ok=True)
    with locked_folder(path.parent):
        rows = {run_names(row): row for row in read_ledger(path)} if path.exists() else {}
        for folder in runs:
            row = {name: str(value) if value is not None else "" for name, value in ledger_row(folder).items()}
            place = run_names(row)
            if place in rows and int(rows[place]["frames"]) > int(row["frames"]):
                continue
            rows[place] = row
            write_curve(place_for_curve(path, row, rows.values()), curve_rows(folder.metrics))
        write_rows(path, rows.values())
    return len(rows)


def run_names(row: dict[str, Any]) -> tuple[str, str, str, str]:
    """Key, seed, environment and algorithm: an experiment has a run under each name that it goes by there."""
    return row["key"], row["seed"], row["environment"], row["algorithm"]


def write_rows(path: Path, rows: Iterable[dict[str, str]]) -> None:
    """Write a ledger's file in one step, in the order of environments, algorithms, keys and seeds."""
    ordered = sorted(rows, key=lambda row: (row["environment"], row["algorithm"], row["key"], int(row["seed"])))
    aside = path.with_name(path.name + ".partial")
    with aside.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(ordered)
    aside.replace(path)


def read_ledger(path: Path) -> list[dict[str, str]]:
    """Rows of a ledger.

    Raises:
        InputError: for a file that is none.
    """
    try:
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError("ledger", str(path), f"give a file that the verb ledger wrote ({error})") from error
    if any(set(COLUMNS) - {*NOT_IN_OLDER_ONES} - set(row) for row in rows):
        raise InputError("ledger", str(path), "give a file that the verb ledger wrote")
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
    """The evaluated rows of a ``metrics.csv``, or of a curve that was made of one."""
    with metrics.open(newline="") as file:
        return [row for row in csv.DictReader(file) if row.get("eval/return")]


def write_curve(path: Path, rows: Sequence[dict[str, str]], more: Sequence[str] = ()) -> None:
    """Write the columns of a curve.

    Args:
        path: the CSV file.
        rows: evaluated rows.
        more: columns beside those that every curve has.
    """
    columns = ["frames", *(name for name in (*CURVE_COLUMNS, *more) if rows and name in rows[0])]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _rounded(row[name]) for name in columns} for row in rows)


def _rounded(cell: str) -> str:
    return f"{float(cell):.5g}" if "." in cell else cell
