"""The ledger of an experiment: its runs under the names that it gives them, all as long as it asks for."""

import csv
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from diiqn_lightning.errors import InputError
from diiqn_lightning.locks import locked_folder
from diiqn_lightning.report.ledger import (
    curve_file,
    curve_rows,
    ledger_row,
    place_for_curve,
    read_ledger,
    write_curve,
    write_rows,
)
from diiqn_lightning.report.run_folder import RunFolder

Row = dict[str, str]
LONGER = 1.01
"""A run ends with its environments' step, some frames after those that were asked for."""
EVALUATED = {
    "eval_return": "eval/return",
    "eval_standard_error": "eval/return_standard_error",
    "eval_return_greedy": "eval/return_greedy",
    "train_return": "train/return",
}
"""Columns of a ledger that a row of a curve has, too."""


class ReusableRuns:
    """Runs of ledgers that may serve again.

    Args:
        ledgers: CSV files; those that do not exist are left out.

    Raises:
        InputError: for a file that is no ledger.
    """

    def __init__(self, ledgers: Sequence[Path]) -> None:
        self.rows: list[tuple[Path, Row]] = []
        for ledger in ledgers:
            if ledger.exists():
                self.rows += [(ledger, row) for row in read_ledger(ledger)]

    def find(self, key: str, seed: int, frames: int) -> tuple[Row, list[Row]] | None:
        """A run of the same configuration and seed that was evaluated after so many frames.

        Returns:
            Its row and its curve up to there, or nothing.
        """
        for ledger, row in self.rows:
            if (row["key"], row["seed"]) == (key, str(seed)) and int(row["frames"]) >= frames:
                curve = curve_file(ledger, row)
                if curve.exists() and (shortened := shorten(row, curve_rows(curve), frames)):
                    return shortened
        return None

    def frames_per_second(self, algorithm: str, environment: str) -> list[float]:
        """What was measured of an algorithm in an environment."""
        wanted = (algorithm, environment)
        return [
            float(row["frames_per_second"])
            for _, row in self.rows
            if (row["algorithm"], row["environment"]) == wanted and row["frames_per_second"]
        ]


def shorten(row: Row, curve: list[Row], frames: int) -> tuple[Row, list[Row]] | None:
    """A run as it was after so many frames: schedules count frames, so that a longer run's beginning is a shorter run.

    Args:
        row: of a ledger.
        curve: its evaluated rows.
        frames: wanted.

    Returns:
        Row and curve, or nothing if the run was not evaluated there.
    """
    if int(row["frames"]) <= frames * LONGER:
        return row, curve
    kept = [point for point in curve if int(point["frames"]) <= frames * LONGER]
    if not kept or int(kept[-1]["frames"]) < frames:
        return None
    last = kept[-1]
    at_end = {column: last.get(name, "") for column, name in EVALUATED.items()}
    return {**row, **at_end, "frames": last["frames"], "seconds": ""}, kept


class ExperimentLedger:
    """Rows of an experiment's runs; those of other parts of it, which the file has already, stay.

    Args:
        path: of the file; curves go to ``curves/`` beside it.
        measures: further columns of the curves.
        environments, variants: of the whole experiment.
        keys: by environment, variant and seed, those of the runs of this call; rows with other ones are outdated.

    Raises:
        InputError: if the file has rows of other runs.
    """

    def __init__(
        self,
        path: Path,
        measures: Sequence[str],
        environments: Collection[str],
        variants: Collection[str],
        keys: Mapping[tuple[str, str, str], str],
    ) -> None:
        self.path, self.measures, self.keys = path, measures, keys
        self.environments, self.variants = environments, variants
        self.rows = self._read(refuse_strangers=True)

    def _read(self, refuse_strangers: bool) -> dict[tuple[str, str, str], Row]:
        rows: dict[tuple[str, str, str], Row] = {}
        for row in read_ledger(self.path) if self.path.exists() else []:
            stranger = row["environment"] not in self.environments or row["algorithm"] not in self.variants
            if stranger and refuse_strangers:
                which = f"{row['algorithm']} in {row['environment']}"
                remedy = f"name another file, or delete it: it has runs that are none of this experiment's ({which})"
                raise InputError("--ledger", str(self.path), remedy)
            name = row["environment"], row["algorithm"], row["seed"]
            if self.keys.get(name, row["key"]) == row["key"]:
                rows[name] = row
        return rows

    def refuse_shorter(self, environment: str, variant: str, seed: int, frames: int) -> None:
        """Refuse a run that would take the place of a longer one, whose frames might then be lost.

        Raises:
            InputError: that names both.
        """
        row = self.rows.get((environment, variant, str(seed)))
        if row is not None and int(row["frames"]) > frames * LONGER and _asked_for(row) != frames:
            remedy = (
                f"it has {variant} in {environment} with {int(row['frames']):,} frames, more than the {frames:,} that "
            )
            raise InputError("--ledger", str(self.path), remedy + "are asked for; give another --out for shorter runs")

    def add(self, environment: str, variant: str, row: Row, curve: list[Row]) -> None:
        """Add a run under the names of the experiment; what another session has added meanwhile stays.

        That may be runs of variants that this session knows nothing of, when the experiment's file has grown since.
        """
        named = {**row, "environment": environment, "algorithm": variant}
        (self.path.parent / "curves").mkdir(parents=True, exist_ok=True)
        with locked_folder(self.path.parent):
            self.rows = self._read(refuse_strangers=False) | {(environment, variant, row["seed"]): named}
            write_curve(place_for_curve(self.path, named, self.rows.values()), curve, self.measures)
            write_rows(self.path, self.rows.values())

    def add_run(self, environment: str, variant: str, folder: RunFolder, frames: int) -> None:
        """Add a finished run; one that was not evaluated after ``frames`` counts with all that it has."""
        row = {name: "" if value is None else str(value) for name, value in ledger_row(folder).items()}
        curve = _with_measures(folder.metrics)
        self.add(environment, variant, *(shorten(row, curve, frames) or (row, curve)))

    def last(self, row: Row, measure: str) -> float | None:
        """The last value of a column in a run's curve."""
        values = [point[measure] for point in curve_rows(curve_file(self.path, row)) if point.get(measure)]
        return float(values[-1]) if values else None


def _asked_for(row: Row) -> int | None:
    """The frames of a run's command: a short run with many environments ends more than a hundredth after them."""
    asked = re.search(r"--max_frames[= ](\d+)", row["command"])
    return int(asked[1]) if asked else None


def _with_measures(metrics: Path) -> list[Row]:
    """Evaluated rows, with the last value before them where a column is not logged with evaluations."""
    rows: list[Row] = []
    latest: Row = {}
    with metrics.open(newline="") as file:
        for row in csv.DictReader(file):
            latest |= {name: value for name, value in row.items() if value}
            if row.get("eval/return"):
                rows.append({name: latest.get(name, "") for name in row})
    return rows
