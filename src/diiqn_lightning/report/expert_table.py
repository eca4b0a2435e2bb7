"""A table of datasets: what each is, how good its expert was, and what it costs."""

import csv
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from diiqn_lightning.errors import writing
from diiqn_lightning.experts.sources import load_any

COLUMNS = (
    "dataset",
    "environment",
    "policy",
    "trained_frames",
    "epsilon",
    "episodes",
    "transitions",
    "return_mean",
    "return_standard_deviation",
    "distinct_states",
    "kilobytes",
    "seconds_to_load",
    "content_hash",
    "command",
)


def expert_row(source: str) -> dict[str, Any]:
    """The row of one dataset; loading is timed, and the file was read once before.

    Args:
        source: a file, a folder, or ``minari:ID``.
    """
    load_any(source)
    started = time.perf_counter()
    dataset = load_any(source)
    seconds = time.perf_counter() - started
    states, path = dataset.states, Path(source)
    row = {name: dataset.card.get(name, "") for name in COLUMNS}
    return row | {
        "dataset": path.stem,
        "episodes": len(states.episode_ends),
        "transitions": states.num_transitions,
        "distinct_states": len(torch.unique(states.states.flatten(1), dim=0)),
        "kilobytes": round(path.stat().st_size / 1024, 1) if path.is_file() else "",
        "seconds_to_load": round(seconds, 3),
        "content_hash": states.content_hash,
    }


def write_expert_table(sources: Sequence[str], path: Path) -> str:
    """Write the rows as CSV.

    Returns:
        The most important columns, to be printed.

    Raises:
        InputError: for a dataset that cannot be read, or a place that cannot be written.
    """
    rows = [expert_row(source) for source in sources]
    for row in rows:
        for name in ("return_mean", "return_standard_deviation"):
            if row[name] != "":
                row[name] = round(row[name], 2)
    with writing("--table", path), path.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    lines = [f"{'':24}{'return':>10} {'±':>7} {'episodes':>9} {'transitions':>12} {'distinct':>9} {'KB':>7} {'s':>6}"]
    for row in rows:
        lines.append(
            f"{row['dataset']:24}{row['return_mean']:>10} {row['return_standard_deviation']:>7} {row['episodes']:>9} "
            f"{row['transitions']:>12} {row['distinct_states']:>9} {row['kilobytes']:>7} {row['seconds_to_load']:>6}"
        )
    return "\n".join([*lines, f"table: {path}"])
