"""Writes ``metrics.csv``: one row for each frame count, whole at every moment."""

import csv
import os
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from lightning.fabric.loggers.logger import rank_zero_experiment
from lightning.pytorch.loggers.logger import Logger
from lightning_utilities.core.rank_zero import rank_zero_only

from diiqn_lightning.callbacks.held_metrics import HeldMetrics


class MetricsCSV(Logger):
    """Rows of metrics in ``<run_dir>/metrics.csv``, the first column being ``frames``.

    Lightning's own CSV logger deletes the file of a run that is resumed and appends in place; this
    one keeps the rows up to the resumed frame, and replaces the file in one step, so that a run that
    is killed leaves a whole file.

    Args:
        run_dir: the run's folder.
    """

    FILE = "metrics.csv"

    def __init__(self, run_dir: str | os.PathLike[str]) -> None:
        super().__init__()
        self._run_dir = Path(run_dir)
        self.rows: list[dict[str, Any]] = []
        self._held = HeldMetrics()
        self._complained = False

    @property
    def name(self) -> str:
        """Empty: the run's folder needs no subfolder."""
        return ""

    @property
    def version(self) -> str:
        """Empty: a folder holds one run."""
        return ""

    @property
    def log_dir(self) -> str:
        """The run's folder."""
        return str(self._run_dir)

    @property
    def save_dir(self) -> str:
        """The run's folder."""
        return str(self._run_dir)

    @property
    @rank_zero_experiment
    def experiment(self) -> "MetricsCSV":
        """Itself."""
        return self

    def keep_until(self, frames: int) -> None:
        """Take over the rows of the file up to ``frames``, when a run is resumed there."""
        path = self._run_dir / self.FILE
        if path.exists():
            with path.open(newline="") as file:
                rows = [{k: v for k, v in row.items() if v != ""} for row in csv.DictReader(file)]
            self.rows = [row for row in rows if int(row["frames"]) <= frames]

    def _say_once(self, failure: OSError) -> None:
        """A run is worth more than a row: the rows are kept, and written with the next ones."""
        if not self._complained:
            self._complained = True
            print(
                f"warning: {self._run_dir / self.FILE} could not be written ({failure.strerror}); the run goes on and "
                "tries again with each row.",
                file=sys.stderr,
                flush=True,
            )

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        """Nothing: the run's folder holds ``config.yaml``."""

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Add metrics to the row of their frame and write the file."""
        if (row := self._held.row(metrics)) is None:
            return
        frames = int(row["frames"])
        if not self.rows or int(self.rows[-1]["frames"]) != frames:
            self.rows.append({"frames": frames})
        self.rows[-1].update(row)
        try:
            self._write()
        except OSError as failure:
            self._say_once(failure)

    def _write(self) -> None:
        columns = sorted({column for row in self.rows for column in row} - {"frames"})
        aside = self._run_dir / f"{self.FILE}.partial"
        with aside.open("w", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=["frames", *columns])
            writer.writeheader()
            writer.writerows(self.rows)
        aside.replace(self._run_dir / self.FILE)
