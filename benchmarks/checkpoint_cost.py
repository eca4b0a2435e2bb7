"""What checkpoints cost: their size, and how long training stands still for one, as runs have measured it themselves.

    python -m benchmarks.checkpoint_cost runs/confirm/*/*/21 --out results/checkpoints/cost.json

Each run's `metrics.csv` has the seconds of each of its checkpoints; sizes are those of the last one, on disk. Runs
whose replay is not full yet are left out.
"""

import argparse
import csv
import json
import statistics
import sys
from pathlib import Path

import yaml

from benchmarks.machine import machine_facts


def cost(folder):
    """Figures of one run, or nothing where there is no checkpoint of a full replay."""
    settings = yaml.safe_load((folder / "config.yaml").read_text())
    last = folder / "checkpoints" / "last"
    if not last.exists():
        return None
    frames = json.loads((last / "manifest.json").read_text())["frames"]
    capacity = settings["data"]["replay_capacity"]
    with (folder / "metrics.csv").open() as file:
        seconds = [float(row["checkpoint/seconds"]) for row in csv.DictReader(file) if row.get("checkpoint/seconds")]
    if frames < capacity or not seconds:
        return None
    return {
        "environment": settings["data"]["env"],
        "algorithm": settings["model"]["class_path"].rpartition(".")[2],
        "replay": capacity,
        "megabytes": round(sum(file.stat().st_size for file in last.iterdir()) / 1e6, 1),
        "checkpoints": len(seconds),
        "seconds_median": round(statistics.median(seconds), 3),
        "seconds_longest": round(max(seconds), 3),
    }


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("runs", nargs="+", type=Path, help="folders of runs")
    options.add_argument("--out", type=Path, required=True)
    arguments = options.parse_args()
    figures = [figure for folder in arguments.runs if (figure := cost(folder))]
    if not figures:
        sys.exit("no checkpoint of a full replay in these runs: give folders of runs that have trained for longer")
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps({"machine": machine_facts(1), "runs": figures}, indent=2) + "\n")
    rows = [list(figures[0]), *(list(figure.values()) for figure in figures)]
    lines = ["| " + " | ".join(str(entry) for entry in row) + " |" for row in rows]
    lines.insert(1, "|---" * len(rows[0]) + "|")
    arguments.out.with_suffix(".md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
