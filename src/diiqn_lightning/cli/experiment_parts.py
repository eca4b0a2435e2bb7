"""Steps of ``experiment``: experts that it records, runs that are no two, measures side by side."""

import shlex
import statistics
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from diiqn_lightning.errors import InputError, writing
from diiqn_lightning.report.table import write_table
from diiqn_lightning.sweeps.cells import Cell
from diiqn_lightning.sweeps.experiment_file import Experiment, ExperimentRun
from diiqn_lightning.sweeps.experiment_ledger import ExperimentLedger


def record_experts(experiment: Experiment, runs: Sequence[ExperimentRun], folder: Path) -> None:
    """Record the datasets that some of the runs learn from and that are not there yet; says first what it all costs.

    Raises:
        InputError: if one cannot be recorded, which ``record`` has said why, or was recorded in another way.
    """
    asked_for = {
        name: words
        for name, words in experiment.experts.items()
        if any(_learns_from(run, _recorded(folder, name)) for run in runs)
    }
    for name, words in asked_for.items():
        _refuse_another_recording(experiment, name, words, _recorded(folder, name))
    missing = {name: words for name, words in asked_for.items() if not _recorded(folder, name).exists()}
    if missing:
        frames = sum(run.max_frames for run in runs)
        print(f"records first {', '.join(missing)}; then come at most {frames:,} frames of runs", flush=True)
    for name, words in missing.items():
        path = _recorded(folder, name)
        with writing("--runs", folder):
            folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run([sys.executable, "-m", "diiqn_lightning", *_recording(words, path)])
        if done.returncode != 0:
            raise InputError(f"experts.{name} in {experiment.path}", list(words), "mend what `record` says above")


def _recording(words: Sequence[str], path: Path) -> list[str]:
    return ["record", *words, f"--out={path}"]


def _refuse_another_recording(experiment: Experiment, name: str, words: Sequence[str], path: Path) -> None:
    """The file's arguments may have changed since; a dataset moved with its folder is still the same."""
    if not path.exists():
        return
    from diiqn_lightning.experts import files

    recorded = shlex.split(files.load(path).card.get("command") or "")
    now = ["python", "-m", "diiqn_lightning", *_recording(words, path)]
    if recorded and recorded[:-1] != now[:-1]:
        remedy = f"{path} was recorded with other arguments; delete it, or give the dataset another name"
        raise InputError(f"experts.{name} in {experiment.path}", list(words), remedy)


def not_recorded(experiment: Experiment, runs: Iterable[ExperimentRun], folder: Path) -> list[ExperimentRun]:
    """Runs that learn from datasets which the experiment has still to record."""
    missing = [path for name in experiment.experts if not (path := _recorded(folder, name)).exists()]
    return [run for run in runs if any(_learns_from(run, path) for path in missing)]


def _learns_from(run: ExperimentRun, path: Path) -> bool:
    return any(word.endswith(str(path)) for word in run.options)


def _recorded(folder: Path, name: str) -> Path:
    # Only here: it brings torch, and most of a gigabyte, into a process that waits for cells for days.
    from diiqn_lightning.experts.files import SUFFIX

    return folder / f"{name}{SUFFIX}"


def refuse_twins(cells: Sequence[Cell], places: Mapping[str, ExperimentRun]) -> None:
    """Refuse two variants that are the same run: the comparison would show a difference of names.

    Raises:
        InputError: that names both.
    """
    seen: dict[tuple[str, str, int], str] = {}
    for cell in cells:
        run = places[cell.name]
        first = seen.setdefault((run.environment, cell.facts.key, cell.facts.seed), run.variant)
        if first != run.variant:
            raise InputError(
                f"variants.{run.variant}",
                list(run.options),
                f"leave it out, or give it an option that changes something: it is the same run as {first}",
            )


def once_each(cells: Iterable[Cell]) -> dict[str, list[Cell]]:
    """Cells that are one and the same run, such as DQN's beside experts of several skills, which it does not see.

    Returns:
        By the name of the one that is run, itself first, and the others with it: the one that has come furthest.
    """
    same: dict[tuple[str, int, int], list[Cell]] = {}
    for cell in cells:
        same.setdefault((cell.facts.key, cell.facts.seed, cell.facts.max_frames), []).append(cell)
    groups = [sorted(group, key=lambda cell: (not cell.finished(), -cell.frames_done())) for group in same.values()]
    return {group[0].name: group for group in groups}


def write_measures(ledger: ExperimentLedger, measures: Sequence[str], path: Path) -> str:
    """Write means over seeds of the last values of some columns, and of how many where not all have one.

    Returns:
        The same as a Markdown table.
    """
    groups: dict[tuple[str, str], list[dict[str, str]]] = {}
    for (environment, variant, _), row in ledger.rows.items():
        groups.setdefault((environment, variant), []).append(row)
    table = []
    missing: set[str] = set()
    for (environment, variant), rows in groups.items():
        line: dict[str, Any] = {"environment": environment, "variant": variant, "seeds": len(rows)}
        for measure in measures:
            values = [value for row in rows if (value := ledger.last(row, measure)) is not None]
            line[measure] = f"{statistics.fmean(values):.4g}" if values else ""
            line[f"seeds with {measure}"] = len(values)
            if 0 < len(values) < len(rows):
                missing.add(measure)
        table.append(line)
    counts = [f"seeds with {measure}" for measure in measures if measure in missing]
    columns = ("environment", "variant", "seeds", *measures, *counts)
    return write_table(columns, [{name: line[name] for name in columns} for line in table], path)
