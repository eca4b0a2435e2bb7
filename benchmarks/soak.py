"""A long run, and how its resident memory develops.

    python -m benchmarks.soak --hours 2 --out results/soak -- \\
        --config configs/diiqn.yaml --config configs/env/seaquest.yaml --expert strong --run_dir runs/soak

What stands behind `--` are the options of `fit`. When the time is over the run is ended by SIGTERM, as a cluster would
end it, and so leaves a checkpoint to go on from. Memory is that of the process and its children, read from /proc. To
see in a minute that all works: --hours 0.02 --settled 0.4 --every 3.
"""

import argparse
import csv
import json
import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.machine import machine_facts

WINDOW = 5
"""Samples in the means that are compared: the first ones after the run has settled, and the last ones."""


def resident(process):
    """Resident memory of a process and all below it, in MB; 0 for one that has ended."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20 + sum(resident(child) for child in children)


def growth(samples, after):
    """Growth from when the run has settled to its end, as a share; samples are (minute, MB)."""
    settled = [memory for minute, memory in samples if minute >= after]
    if len(settled) < 2 * WINDOW:
        sys.exit(f"only {len(settled)} samples after minute {after:g}: give more --hours")
    return statistics.fmean(settled[-WINDOW:]) / statistics.fmean(settled[:WINDOW]) - 1


def watch(process, seconds, every):
    """(minute, MB) every so many seconds, until the process or the time ends."""
    samples, started = [], time.monotonic()
    while process.poll() is None and (passed := time.monotonic() - started) < seconds:
        samples.append((round(passed / 60, 2), round(resident(process.pid), 2)))
        try:
            process.wait(timeout=min(every, max(0.1, seconds - passed)))
        except subprocess.TimeoutExpired:
            continue
    return samples


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--hours", type=float, default=2.0)
    options.add_argument("--settled", type=float, default=10.0, help="minutes after which memory should not grow")
    options.add_argument("--every", type=float, default=60.0, help="seconds from one look at the memory to the next")
    options.add_argument("--out", type=Path, required=True, help="a folder")
    options.add_argument("fit", nargs="+", help="options of fit, behind --")
    arguments = options.parse_args()
    command = [sys.executable, "-m", "diiqn_lightning", "fit", *arguments.fit]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        samples = watch(process, 3600 * arguments.hours, arguments.every)
        early = process.poll() is not None
        process.send_signal(signal.SIGTERM)
        status = process.wait()
    if status != 0:
        sys.exit(f"the run failed with status {status}")
    arguments.out.mkdir(parents=True, exist_ok=True)
    with (arguments.out / "memory.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([("minutes", "resident_mb"), *samples])
    figures = {
        "fit": arguments.fit,
        "minutes": samples[-1][0],
        "ended_by_itself": early,
        "exit_status": status,
        "settled_after_minutes": arguments.settled,
        "resident_mb": {"settled": settled_memory(samples, arguments.settled), "at_the_end": samples[-1][1]},
        "growth_after_settling": round(growth(samples, arguments.settled), 5),
        "machine": machine_facts(1),
    }
    (arguments.out / "soak.json").write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


def settled_memory(samples, after):
    """The first sample after the run has settled, in MB."""
    return next((memory for minute, memory in samples if minute >= after), None)


if __name__ == "__main__":
    main()
