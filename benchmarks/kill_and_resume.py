"""Kills runs at random moments with SIGKILL, resumes them, and compares their end with that of undisturbed ones.

    python -m benchmarks.kill_and_resume --kills 20 --out results/resume/kills.json

Moments are drawn from all of a run's time, its start and its end included; every other kill waits for a checkpoint to
be half written. What has to be the same, to the bit: weights, optimizer, replay, running episodes, table, counts and
random generators of the last checkpoint, and all metrics but those of the clock.
"""

import argparse
import contextlib
import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import torch

from benchmarks.machine import machine_facts

CASES = {
    "dqn": ["--config=configs/dqn.yaml"],
    "diiqn": ["--config=configs/diiqn.yaml", "--action_inference.relabel_every_n_frames=200"],
    "diiqn_literal": ["--config=configs/diiqn_literal.yaml"],
    "ha_diiqn": [
        "--config=configs/ha_diiqn.yaml",
        "--config=configs/env/maze2d.yaml",
        "--action_inference.relabel_every_n_frames=200",
        "--bridge_figure=null",
        "--data.evaluation.max_episode_steps=50",
    ],
}
OF_THE_CLOCK = ("seconds", "per_second")


def command(case, ranks, folder, frames):
    """The command line of a short run with many checkpoints."""
    several = [f"--trainer.devices={ranks}", "--trainer.accelerator=cpu"] if ranks > 1 else []
    return [
        sys.executable, "-m", "diiqn_lightning", "fit", *CASES[case], *several, f"--max_frames={frames}",
        f"--run_dir={folder}", "--video=null", "--data.num_envs=8", "--data.learning_starts=200",
        f"--data.frames_per_epoch={frames // 2}", "--data.evaluation.episodes=2", "--metrics.every_n_frames=200",
        f"--checkpoint.every_n_frames={max(100, frames // 20)}",
    ]  # fmt: skip


def start(arguments, resume):
    """A run in a process group of its own."""
    environment = {name: value for name, value in os.environ.items() if name != "DIIQN_LIGHTNING_RUN_DIR"}
    more = ["--ckpt_path=last"] if resume else []
    return subprocess.Popen(
        [*arguments, *more], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True, env=environment
    )


def begun(folder):
    """Whether a run was started here, which is what there is to see before its first checkpoint."""
    return (folder / "sessions.json").exists()


def half_written(folder):
    """Checkpoints that are being written, or that a kill has left so; a new one of the same name is another."""
    found = set()
    for path in folder.glob("checkpoints/.*.partial"):
        with contextlib.suppress(FileNotFoundError):
            found.add((path.name, path.stat().st_ino))
    return found


def wait_until(condition, process, seconds):
    """Wait for a condition, the process's end or the time."""
    end = time.monotonic() + seconds
    while not condition() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.001)


def kill_once(arguments, folder, moment):
    """Start the run or go on with it, and kill it.

    Args:
        moment: seconds after its start; ``None`` waits for a checkpoint to be half written.

    Returns:
        What there was when it was killed; ``None`` where it had ended before.
    """
    left = half_written(folder)
    process = start(arguments, resume=begun(folder))
    began = time.monotonic()
    wait_until(lambda: moment is None and half_written(folder) - left, process, 120 if moment is None else moment)
    seconds = time.monotonic() - began
    alive = process.poll() is None
    if alive:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    if not alive:
        return None
    manifest = folder / "checkpoints" / "last" / "manifest.json"
    return {
        "seconds": round(seconds, 2),
        "frames_saved": json.loads(manifest.read_text())["frames"] if manifest.exists() else 0,
        "half_written": bool(half_written(folder) - left),
    }


def finish(arguments, folder):
    """Let the run come to its end."""
    process = start(arguments, resume=begun(folder))
    _, complaint = process.communicate()
    if process.returncode != 0:
        raise RuntimeError(complaint.decode())


def differences(one, other):
    """What is not the same in two finished runs, as sentences."""
    found = []
    for file in sorted(path.name for path in (one / "checkpoints" / "last").glob("*.*t")):  # model.ckpt, rank-N.pt
        states = (torch.load(run / "checkpoints" / "last" / file, weights_only=True) for run in (one, other))
        if not same(*states):
            found.append(f"{file} differs")
    if rows(one) != rows(other):
        found.append("metrics.csv differs")
    return found


def rows(folder):
    """All metrics but those of the clock."""
    with (folder / "metrics.csv").open() as file:
        read = list(csv.DictReader(file))
    return [{k: v for k, v in row.items() if not any(part in k for part in OF_THE_CLOCK)} for row in read]


def same(one, other):
    """Nested states are equal bit by bit."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    return bool(one == other)


def trial(case, ranks, kills, frames, folder, seed):
    """Compare runs that are killed so many times with one that is left alone.

    Every other moment is drawn uniformly from the time that the run takes by itself, its start and its end included;
    the others are those at which a checkpoint is half written. A run that comes to its end is followed by another one.

    Returns:
        What there was at each kill, and the differences at the ends.
    """
    draw = random.Random(seed)
    whole = folder / "whole"
    began = time.monotonic()
    finish(command(case, ranks, whole, frames), whole)
    lasts = time.monotonic() - began
    hits, different, number = [], [], 0
    while len(hits) < kills or number == 0:
        killed = folder / f"killed_{number}"
        while len(hits) < kills and not (killed / "summary.json").exists():
            moment = draw.uniform(0, lasts) if len(hits) % 2 == 0 else None
            hit = kill_once(command(case, ranks, killed, frames), killed, moment)
            hits += [hit] if hit else []
        if not (killed / "summary.json").exists():
            finish(command(case, ranks, killed, frames), killed)
        different += differences(whole, killed)
        number += 1
    return hits, different


def table(cases):
    """The cases as a Markdown table."""
    lines = [
        "| algorithm | processes | killed | before the first checkpoint | with one half written | ended otherwise |",
        "|---|---|---|---|---|---|",
    ]
    for case in cases:
        kills, different = case["kills"], ", ".join(case["differences"]) or "no"
        early, partial = (sum(map(of, kills)) for of in (lambda k: not k["frames_saved"], lambda k: k["half_written"]))
        row = (case["algorithm"], case["ranks"], len(kills), early, partial, different)
        lines.append(f"| {' | '.join(map(str, row))} |")
    kills = sum(len(case["kills"]) for case in cases)
    same_end = sum(len(case["kills"]) for case in cases if not case["differences"])
    return "\n".join([*lines, "", f"{same_end} of {kills} kills ended bit-identical.", ""])


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--kills", type=int, default=20, help="in all, shared out among the cases")
    options.add_argument("--frames", type=int, default=20_000, help="of each run")
    options.add_argument("--ranks", type=int, nargs="+", default=[1, 2])
    options.add_argument("--runs", type=Path, default=Path("runs/kills"), help="a new folder for the runs")
    options.add_argument("--out", type=Path, required=True)
    arguments = options.parse_args()
    cases = [(case, ranks) for case in CASES for ranks in arguments.ranks]
    results = []
    for number, (case, ranks) in enumerate(cases):
        share = len(range(number, arguments.kills, len(cases)))
        folder = arguments.runs / f"{case}_{ranks}"
        hits, different = trial(case, ranks, share, arguments.frames, folder, seed=number)
        results.append({"algorithm": case, "ranks": ranks, "kills": hits, "differences": different})
        print(json.dumps(results[-1]), flush=True)
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps({"machine": machine_facts(1), "cases": results}, indent=2) + "\n")
        arguments.out.with_suffix(".md").write_text(table(results))
    bad = [result for result in results if result["differences"]]
    sys.exit(f"{len(bad)} of {len(results)} cases ended otherwise" if bad else 0)


if __name__ == "__main__":
    main()
