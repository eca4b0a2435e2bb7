"""Two processes on two cores against one process on one core, in turns: frames/s of DIIQN at the same replay ratio.

    python -m benchmarks.ranks --rounds 3 --out results/ranks/speed.json
    python -m benchmarks.ranks --rounds 3 --preset trainer/fast --frames_per_update 32 --out results/ranks/fast.json

With two processes an update is due every 8 frames of both together and learns from 32 transitions of each: 8 sampled
transitions a frame, as with one process that updates every 4 frames, and likewise with a preset's. Two runs at a time
that know nothing of each other say what the machine's two cores can give together: two processes that share what they
learn cannot be faster.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.command_line import layers
from benchmarks.machine import machine_facts


def start(ranks, settings, folder):
    """A run of so many processes; every process collects so many frames."""
    frames, frames_per_update = settings.frames, settings.frames_per_update * ranks
    several = [
        f"--trainer.devices={ranks}",
        "--trainer.accelerator=cpu",
        f"--data.frames_per_update={frames_per_update}",
    ]
    command = [
        sys.executable, "-m", "diiqn_lightning", "fit", *layers(["diiqn", *settings.preset]), *several,
        f"--max_frames={frames * ranks}", f"--data.frames_per_epoch={frames * ranks}",
        "--data.evaluation.episodes=2", f"--run_dir={folder}", "--video=null",
    ]  # fmt: skip
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def speed(processes, folders):
    """Frames/s of training of runs at the same time, all together."""
    statuses = [process.wait() for process in processes]
    if any(statuses):
        sys.exit("a run failed: see above")
    return sum(json.loads((folder / "summary.json").read_text())["frames_per_second"] for folder in folders)


def measure(runs, ranks, settings, folder):
    """Frames/s of some runs side by side."""
    folders = [folder / f"{runs}_{ranks}_{number}" for number in range(runs)]
    return round(speed([start(ranks, settings, path) for path in folders], folders), 1)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--frames", type=int, default=20_000, help="of each process")
    options.add_argument("--preset", nargs="+", default=[], metavar="LAYER", help="further layers of the configuration")
    options.add_argument("--frames_per_update", type=int, default=4, help="of one process, as the preset has them (4)")
    options.add_argument("--out", type=Path, required=True)
    arguments = options.parse_args()
    rounds = []
    for _ in range(arguments.rounds):
        with tempfile.TemporaryDirectory() as folder:
            one, two, apart = (
                measure(runs, ranks, arguments, Path(folder)) for runs, ranks in ((1, 1), (1, 2), (2, 1))
            )
        ratios = {"two_over_one": two / one, "apart_over_one": apart / one, "two_over_apart": two / apart}
        speeds = {"one_process": one, "two_processes": two, "two_runs_apart": apart}
        rounds.append(speeds | {name: round(ratio, 3) for name, ratio in ratios.items()})
        print(json.dumps(rounds[-1]), flush=True)
    median = {name: statistics.median(result[name] for result in rounds) for name in rounds[0]}
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    record = {"machine": machine_facts(1), "preset": arguments.preset, "rounds": rounds, "median": median}
    arguments.out.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
