"""Two processes on two cores against one process on one core, in turns: frames/s of DIIQN at the same replay ratio.

    python -m benchmarks.ranks --rounds 3 --out results/ranks/speed.json

With two processes an update is due every 8 frames of both together and learns from 32 transitions of each: 8 sampled
transitions a frame, as with one process that updates every 4 frames.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.machine import machine_facts


def speed(ranks, frames, folder):
    """Frames/s of training of one run."""
    several = [f"--trainer.devices={ranks}", "--trainer.accelerator=cpu", f"--data.frames_per_update={4 * ranks}"]
    command = [
        sys.executable, "-m", "diiqn_lightning", "fit", "--config=configs/diiqn.yaml", f"--max_frames={frames * ranks}",
        f"--data.frames_per_epoch={frames * ranks}", "--data.evaluation.episodes=2", f"--run_dir={folder}",
        "--video=null", *several,
    ]  # fmt: skip
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return json.loads((folder / "summary.json").read_text())["frames_per_second"]


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--frames", type=int, default=20_000, help="of each process")
    options.add_argument("--out", type=Path, required=True)
    arguments = options.parse_args()
    rounds = []
    for number in range(arguments.rounds):
        with tempfile.TemporaryDirectory() as folder:
            one, two = (speed(ranks, arguments.frames, Path(folder) / f"{number}_{ranks}") for ranks in (1, 2))
        rounds.append({"one": one, "two": two, "ratio": round(two / one, 3)})
        print(json.dumps(rounds[-1]), flush=True)
    ratio = statistics.median(result["ratio"] for result in rounds)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    record = {"machine": machine_facts(1), "rounds": rounds, "median_ratio": ratio}
    arguments.out.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
