"""Whole-run speed beside Stable-Baselines3, in turns: python -m benchmarks.whole_run --out results/speed/whole_run.json

Every run is a process of its own on MinAtar Breakout with the same network, batch 32 every 4 frames. Each prints
the frames per second of training after `learning_starts`, without start-up and evaluation.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.machine import machine_facts

WARM_UP = 1_000


def ours(config, frames, threads):
    """Frames per second of a run through this package's command line."""
    folder = Path(tempfile.mkdtemp())
    command = [sys.executable, "-m", "diiqn_lightning", "fit", "--config", f"configs/{config}.yaml"]
    command += [f"--max_frames={frames + WARM_UP}", f"--data.frames_per_epoch={frames + WARM_UP}"]
    command += ["--video=null", "--data.evaluation.episodes=1", f"--threads={threads}", f"--run_dir={folder / 'run'}"]
    try:
        subprocess.run(command, check=True, capture_output=True)
        return json.loads((folder / "run" / "summary.json").read_text())["frames_per_second"]
    finally:
        shutil.rmtree(folder)


def stable_baselines3(frames, threads):
    """Frames per second of Stable-Baselines3's DQN."""
    command = [sys.executable, "-m", "benchmarks.peers.stable_baselines3_dqn"]
    command += [f"--frames={frames + WARM_UP}", f"--threads={threads}"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])["frames_per_second"]


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--frames", type=int, default=20_000)
    options.add_argument("--threads", type=int, default=1)
    options.add_argument("--out", type=Path, required=True)
    arguments = options.parse_args()
    contestants = {
        "dqn": lambda: ours("dqn", arguments.frames, arguments.threads),
        "stable_baselines3_dqn": lambda: stable_baselines3(arguments.frames, arguments.threads),
        "diiqn": lambda: ours("diiqn", arguments.frames, arguments.threads),
    }
    measured = {name: [] for name in contestants}
    for number in range(arguments.rounds):
        for name, measure in contestants.items():
            measured[name].append(round(measure(), 1))
            print(f"round {number + 1}: {name} {measured[name][-1]:,.0f} frames/s", flush=True)
    ratios = {
        name: [round(a / b, 3) for a, b in zip(measured[name], measured[other], strict=True)]
        for name, other in (("dqn", "stable_baselines3_dqn"), ("diiqn", "dqn"))
    }
    result = {
        "machine": machine_facts(arguments.threads),
        "frames_per_second": measured,
        "median": {name: statistics.median(values) for name, values in measured.items()},
        "dqn_over_stable_baselines3": {"rounds": ratios["dqn"], "median": statistics.median(ratios["dqn"])},
        "diiqn_over_dqn": {"rounds": ratios["diiqn"], "median": statistics.median(ratios["diiqn"])},
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
