"""Finished runs side by side: returns by algorithm, environment and expert, over seeds."""

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from diiqn_lightning.report.finished_run import FinishedRun
from diiqn_lightning.report.table import write_table


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
        same_label = keys[run.environment, run.label]
        label = run.label if len(same_label) == 1 else f"{run.label} [{run.key[: _telling(same_label)]}]"
        groups.setdefault((run.environment, label), []).append(run)
    return groups


def _telling(keys: set[str]) -> int:
    """How many first characters tell keys apart, 6 at least."""
    longest = max(map(len, keys))
    return next((n for n in range(6, longest) if len({key[:n] for key in keys}) == len(keys)), longest)


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
