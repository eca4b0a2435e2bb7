"""Whole-run speed beside the same agent written with other libraries, in turns.

    python -m benchmarks.whole_run --threads 1 2 --out results/speed/whole_run.json
    python -m benchmarks.whole_run --preset trainer/fast --out results/speed/whole_run_fast.json

Every run is a process of its own on MinAtar Breakout with the same network at a replay ratio of 8: batch 32 every 4
frames, unless the preset says otherwise. Each gives the frames per second of training after `learning_starts`,
without start-up and evaluation. Contestants whose library is not installed are left out, and it says so.
"""

import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.command_line import layers
from benchmarks.turns import in_turns, medians, options_of, ratios, write

WARM_UP = 1_000
PEERS = {  # their module below benchmarks.peers, its options, and the library that it needs
    "bare_loop": ("bare_loop", [], "torch"),
    "stable_baselines3_dqn": ("stable_baselines3_dqn", [], "stable_baselines3"),
    "stable_baselines3_dqn_32_environments": ("stable_baselines3_dqn", ["--envs=32"], "stable_baselines3"),
    "torchrl_dqn": ("torchrl_dqn", [], "torchrl"),
    "torchrl_dqn_32_environments": ("torchrl_dqn", ["--envs=32"], "torchrl"),
    "single_file_dqn": ("single_file_dqn", [], "torch"),
}
PAIRS = [
    *(("dqn", peer) for peer in PEERS),
    *(("dqn_preset", peer) for peer in ("bare_loop_preset", "dqn", *PEERS)),
    ("diiqn", "dqn"),
    ("diiqn_preset", "dqn_preset"),
    ("diiqn_large_expert", "diiqn"),
]


def ours(configs, frames, threads, options=()):
    """Frames per second of a run through this package's command line."""
    folder = Path(tempfile.mkdtemp())
    command = [sys.executable, "-m", "diiqn_lightning", "fit", *layers(configs), "--trainer.accelerator=cpu", *options]
    command += [f"--max_frames={frames + WARM_UP}", f"--data.frames_per_epoch={frames + WARM_UP}"]
    command += ["--video=null", "--data.evaluation.episodes=1", f"--threads={threads}", f"--run_dir={folder / 'run'}"]
    try:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return json.loads((folder / "run" / "summary.json").read_text())["frames_per_second"]
    finally:
        shutil.rmtree(folder)


def peer(module, options, frames, threads):
    """Frames per second that a peer's process prints."""
    command = [sys.executable, "-m", f"benchmarks.peers.{module}", *options]
    command += [f"--frames={frames + WARM_UP}", f"--threads={threads}"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])["frames_per_second"]


def installed_peers():
    """Those whose library is there; says which are left out."""
    for name, (_, _, library) in PEERS.items():
        if importlib.util.find_spec(library) is None:
            print(f"{name} is left out: {library} is not installed (see the extra `benchmarks`)", file=sys.stderr)
        else:
            yield name


def contestants(peers, frames, threads, preset=(), large_expert=None):
    """Functions that measure, by name: ours, peers, and ours with a preset's layers or another dataset."""
    found = {"dqn": partial(ours, ["dqn"], frames, threads)}
    found |= {name: partial(peer, *PEERS[name][:2], frames, threads) for name in peers}
    found["diiqn"] = partial(ours, ["diiqn"], frames, threads)
    if large_expert is not None:
        found["diiqn_large_expert"] = partial(ours, ["diiqn"], frames, threads, [f"--expert={large_expert}"])
    if preset:
        found["dqn_preset"] = partial(ours, ["dqn", *preset], frames, threads)
        bare = ["--config", "dqn", *preset]
        found["bare_loop_preset"] = partial(peer, "bare_loop", bare, frames, threads)
        found["diiqn_preset"] = partial(ours, ["diiqn", *preset], frames, threads)
    return found


def main():
    options = options_of(__doc__, rounds=5)
    options.add_argument("--frames", type=int, default=20_000, help="of each run, after the warm-up (20000)")
    options.add_argument("--threads", type=int, nargs="+", default=[1], help="of torch; several are measured in turns")
    options.add_argument(
        "--preset", nargs="+", default=[], metavar="LAYER", help="also with it: trainer/fast, or paths"
    )
    options.add_argument("--large_expert", metavar="FILE", help="also DIIQN with this dataset of Breakout")
    options.add_argument("--only", nargs="+", metavar="NAME", help="only these contestants")
    arguments = options.parse_args()
    peers = list(installed_peers())
    everyone = {
        threads: contestants(peers, arguments.frames, threads, arguments.preset, arguments.large_expert)
        for threads in arguments.threads
    }
    available = list(everyone[arguments.threads[0]])
    names = arguments.only or available
    if unknown := set(names) - set(available):
        options.error(f"--only {', '.join(sorted(unknown))}: choose from {', '.join(available)}")
    turns = {f"{name}, threads: {threads}": found[name] for threads, found in everyone.items() for name in names}
    measured = in_turns(turns, arguments.rounds, "frames/s")
    by_threads = {}
    for threads in everyone:
        values = {name: [round(value, 1) for value in measured[f"{name}, threads: {threads}"]] for name in names}
        by_threads[threads] = {"frames_per_second": values, "median": medians(values), "ratios": ratios(values, PAIRS)}
    result = {"frames": arguments.frames, "preset": arguments.preset, "threads": by_threads}
    write(result, arguments.out, arguments.threads, "whole_run")


if __name__ == "__main__":
    main()
