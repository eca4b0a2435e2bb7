"""Finished runs side by side: returns by algorithm, environment and expert, over seeds."""

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diiqn_lightning.errors import InputError
from diiqn_lightning.report.curve import read_metrics
from diiqn_lightning.report.ledger import curve_file, find_runs, ledger_row, read_ledger
from diiqn_lightning.report.table import write_table

NUMBERS = ("eval_return", "train_return", "random_return", "expert_return", "seconds", "frames_per_second")


@dataclass(frozen=True)
class FinishedRun:
    """What a comparison uses of a run.

    Args:
        algorithm, environment, expert: names; no expert is an empty string.
        seed, frames: whole numbers.
        numbers: the ledger's columns of that name, where known.
        curve: evaluated return (ε = 0.01) by frames: frames, values.
        key: of the ledger: runs of the same key and other seeds are repetitions.
    """

    algorithm: str
    environment: str
    expert: str
    seed: int
    frames: int
    numbers: dict[str, float]
    curve: tuple[list[int], list[float]]
    key: str = ""

    @property
    def label(self) -> str:
        """Algorithm and the expert's skill."""
        skill = self.expert.removeprefix(f"{self.environment}-")
        return f"{self.algorithm}, {skill} expert" if self.expert else self.algorithm


def collect(sources: Sequence[Path]) -> list[FinishedRun]:
    """Finished runs from run folders (or folders of them) and from ledgers.

    Raises:
        InputError: if there are none.
    """
    runs: list[FinishedRun] = []
    for source in sources:
        if source.suffix == ".csv":
            if not source.is_file():
                raise InputError("runs", str(source), "give a folder with runs in it, or a ledger")
            runs += [_from_row(row, curve_file(source, row)) for row in read_ledger(source)]
        else:
            runs += [_from_row(ledger_row(folder), folder.metrics) for folder in find_runs([source])]
    if not runs:
        raise InputError("runs", " ".join(map(str, sources)), "give folders with finished runs in them")
    # A run that is named twice, in a folder and in a ledger, counts once; the longer one if they differ.
    # An experiment's ledger may have it under several names, and then it counts once for each.
    by_length = sorted(runs, key=lambda run: run.frames)
    longest = {(run.key, run.seed, run.algorithm, run.environment): run for run in by_length}
    return list(longest.values())


def _from_row(row: dict[str, Any], metrics: Path) -> FinishedRun:
    try:
        curve = read_metrics(metrics).get("eval/return", ([], []))
        numbers = {name: float(row[name]) for name in NUMBERS if row.get(name) not in (None, "")}
        return FinishedRun(
            row["algorithm"],
            row["environment"],
            row["expert"] or "",
            int(row["seed"]),
            int(row["frames"]),
            numbers,
            curve,
            row["key"],
        )
    except (KeyError, ValueError, OSError) as error:
        raise InputError("runs", str(metrics), f"its numbers cannot be read ({error})") from error


def grouped(runs: Iterable[FinishedRun]) -> dict[tuple[str, str], list[FinishedRun]]:
    """Repetitions by environment and label, in the order of their names; seeds in order.

    Where runs of one label have other settings, the first characters of their keys tell them apart.
    """
    runs = sorted(runs, key=lambda run: (run.environment, run.label, run.key, run.seed))
    keys: dict[tuple[str, str], set[str]] = {}
    for run in runs:
        keys.setdefault((run.environment, run.label), set()).add(run.key)
    groups: dict[tuple[str, str], list[FinishedRun]] = {}
    for run in runs:
        alone = len(keys[run.environment, run.label]) == 1
        label = run.label if alone else f"{run.label} [{run.key[:6]}]"
        groups.setdefault((run.environment, label), []).append(run)
    return groups


SUMMARY_COLUMNS = (
    "environment",
    "algorithm",
    "frames",
    "seeds",
    "return_mean",
    "return_standard_deviation",
    "returns",
    "expert_return",
    "random_return",
    "minutes",
    "frames_per_second",
)


def summary_rows(runs: Iterable[FinishedRun]) -> list[dict[str, Any]]:
    """A row for each environment and algorithm: final evaluations over seeds, all of them listed."""
    rows = []
    for (environment, label), group in grouped(runs).items():
        returns = [run.numbers["eval_return"] for run in group]
        rows.append(
            {
                "environment": environment,
                "algorithm": label,
                "frames": min(run.frames for run in group),
                "seeds": len(group),
                "return_mean": round(statistics.fmean(returns), 2),
                "return_standard_deviation": round(statistics.stdev(returns), 2) if len(group) > 1 else "",
                "returns": " ".join(f"{value:.1f}" for value in returns),
                "expert_return": _mean(group, "expert_return", 2),
                "random_return": _mean(group, "random_return", 2),
                "minutes": _mean(group, "seconds", 1, 60),
                "frames_per_second": _mean(group, "frames_per_second", 0),
            }
        )
    return rows


def _mean(group: Sequence[FinishedRun], name: str, digits: int, unit: float = 1) -> float | str:
    values = [run.numbers[name] for run in group if name in run.numbers]
    return round(statistics.fmean(values) / unit, digits) if values else ""


def write_summary_table(runs: Sequence[FinishedRun], path: Path) -> str:
    """Write the rows as CSV; gives them as a Markdown table."""
    return write_table(SUMMARY_COLUMNS, summary_rows(runs), path)


def summary(runs: Sequence[FinishedRun]) -> dict[str, Any]:
    """Mean final evaluations by game and algorithm, beside the expert's and a random agent's return.

    Args:
        runs: finished runs.

    Returns:
        ``{"games": {game: {algorithm: mean, "expert": …, "random": …}}, "frames": …, "seeds": …}``, with the
        frames of the shortest run and the seeds of all. Where a game has several experts or settings of an
        algorithm, their labels take the place of the algorithm and there is one entry for each expert.
    """
    groups = grouped(runs)
    games: dict[str, dict[str, float]] = {}
    variants = Counter((environment, group[0].algorithm) for (environment, _), group in groups.items())
    for (environment, label), group in groups.items():
        name = group[0].algorithm if variants[environment, group[0].algorithm] == 1 else label
        games.setdefault(environment, {})[name] = statistics.fmean(run.numbers["eval_return"] for run in group)
    for environment, game in games.items():
        here = [run for run in runs if run.environment == environment]
        experts = {run.expert: run.numbers["expert_return"] for run in here if "expert_return" in run.numbers}
        game |= {"expert" if len(experts) == 1 else f"expert {name}": value for name, value in experts.items()}
        random = [run.numbers["random_return"] for run in here if "random_return" in run.numbers]
        if random:
            game["random"] = statistics.fmean(random)
    return {
        "games": {name: {key: round(value, 3) for key, value in game.items()} for name, game in games.items()},
        "frames": min(run.frames for run in runs),
        "seeds": sorted({run.seed for run in runs}),
    }
