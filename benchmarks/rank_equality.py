"""One, two and four processes at equal total frames: counts, inference and returns, over seeds.

    python -m benchmarks.rank_equality --seeds 3 --frames 100000 --out results/ranks/equality.json

The batch of an update is shared out among the processes, so that an update learns from as many transitions of the
expert and of the agent on any number of them, and there are as many updates. What is left to differ is whose
environments the transitions are from. In the maze actions are inferred by nearest transitions (DIIQN as published) and
by a labeller (HA-DIIQN), in Breakout by a labeller (DIIQN). A figure is the same within the spread where the ranges of
its seeds overlap, or the means are nearer than twice the standard error of their difference.
"""

import argparse
import csv
import json
import math
import statistics
import subprocess
import sys
from pathlib import Path

import torch

from benchmarks.machine import machine_facts

RANKS = (1, 2, 4)
BATCH, ENVIRONMENTS = 32, 16
MAZE = ["--config=configs/env/maze2d.yaml", "--data.evaluation.max_episode_steps=200"]
CASES = {
    "maze2d, nearest": ["--config=configs/diiqn_literal.yaml", *MAZE],
    "maze2d, labeller": ["--config=configs/ha_diiqn.yaml", *MAZE, "--bridge_figure=null"],
    "breakout, labeller": ["--config=configs/diiqn.yaml"],
}
INFERENCE = ("inference/accuracy", "inference/coverage", "expert/weight", "expert/guidance_rate")


def command(case, ranks, seed, frames, folder):
    """The command line of a run."""
    return [
        sys.executable, "-m", "diiqn_lightning", "fit", *CASES[case], f"--max_frames={frames}",
        f"--seed_everything={seed}", f"--run_dir={folder}", "--video=null", "--trainer.accelerator=cpu",
        f"--trainer.devices={ranks}", f"--data.batch_size={BATCH // ranks}", f"--data.num_envs={ENVIRONMENTS // ranks}",
        f"--data.frames_per_epoch={frames}", "--data.evaluation.episodes=32", f"--checkpoint.every_n_frames={frames}",
        f"--metrics.every_n_frames={max(1, frames // 20)}",
    ]  # fmt: skip


def finish(case, ranks, seed, frames, folder):
    """Make a run, or leave a finished one alone."""
    if not (folder / "summary.json").exists():
        done = subprocess.run(command(case, ranks, seed, frames, folder), stdout=subprocess.DEVNULL)
        if done.returncode != 0:
            sys.exit(f"failed: {folder}")


def figures(folder):
    """What a run counted, inferred and returned."""
    summary = json.loads((folder / "summary.json").read_text())
    with (folder / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    found = {
        "frames": summary["frames"],
        "updates": summary["updates"],
        "return, greedy": summary["eval"]["greedy"]["mean"],
        "return, training": summary["train_return"],
    }
    own = [visits_of(path) for path in sorted((folder / "checkpoints" / "last").glob("rank-*.pt"))]
    found["visits"] = sum(own)
    for name in INFERENCE:
        values = [float(row[name]) for row in rows if row.get(name)]
        if values:
            found[name] = values[-1]
    return {name: value for name, value in found.items() if value is not None}


def visits_of(path):
    """How many visits a process counted itself."""
    return float(torch.load(path, weights_only=True)["ExpertVisits"]["own"].sum())


def compare(one, other):
    """Whether two samples are the same within their spread."""
    if max(min(one), min(other)) <= min(max(one), max(other)):
        return True
    error = math.hypot(*(statistics.stdev(sample) / math.sqrt(len(sample)) for sample in (one, other)))
    return abs(statistics.fmean(one) - statistics.fmean(other)) <= 2 * error


def table(results):
    """Means and standard deviations by number of processes, and the verdict."""
    heads = " | ".join(f"{ranks} process{'es' if ranks > 1 else ''}" for ranks in RANKS)
    lines = [f"| environment | figure | {heads} | the same within the spread |", "|---" * (3 + len(RANKS)) + "|"]
    for case, by_ranks in results.items():
        for name in by_ranks[RANKS[0]][0]:
            samples = [[run[name] for run in by_ranks[ranks] if name in run] for ranks in RANKS]
            if min(map(len, samples)) < 2:  # runs too short for it
                continue
            cells = [f"{statistics.fmean(s):.4g} ± {statistics.stdev(s):.2g}" for s in samples]
            same = all(compare(samples[0], sample) for sample in samples[1:])
            lines.append(f"| {case} | {name} | {' | '.join(cells)} | {'yes' if same else 'no'} |")
    return "\n".join([*lines, ""])


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seeds", type=int, default=3, help="at least 2")
    options.add_argument("--frames", type=int, default=100_000, help="of each run, over all its processes")
    options.add_argument("--cases", nargs="+", choices=list(CASES), default=list(CASES))
    options.add_argument("--runs", type=Path, default=Path("runs/rank_equality"), help="folder of the runs")
    options.add_argument("--out", type=Path, required=True)
    arguments = options.parse_args()
    if arguments.seeds < 2:
        options.error("a spread needs two seeds")
    results = {}
    for case in arguments.cases:
        results[case] = {}
        for ranks in RANKS:
            folders = [
                arguments.runs / f"{case.replace(', ', '_')}_{arguments.frames}_{ranks}_{seed}"
                for seed in range(arguments.seeds)
            ]
            for seed, folder in enumerate(folders):
                finish(case, ranks, seed, arguments.frames, folder)
            results[case][ranks] = [figures(folder) for folder in folders]
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    record = {"machine": machine_facts(1), "seeds": arguments.seeds, "frames": arguments.frames, "runs": results}
    arguments.out.write_text(json.dumps(record, indent=2) + "\n")
    arguments.out.with_suffix(".md").write_text(table(results))
    print(table(results))


if __name__ == "__main__":
    main()
