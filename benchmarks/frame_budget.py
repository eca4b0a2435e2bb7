"""Where the time of a frame goes: python -m benchmarks.frame_budget --out results/speed/frame_budget.json

A run of the real command line in this process, whose parts are timed by wrapping them. What no part accounts for is
Lightning's loop.
"""

import argparse
import functools
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

from torchrl.envs import EnvBase

from benchmarks.command_line import layers
from benchmarks.turns import write
from diiqn_lightning.__main__ import main as command_line
from diiqn_lightning.callbacks.action_inference import NearestTransition
from diiqn_lightning.callbacks.expert_sampling import ExpertSampling
from diiqn_lightning.callbacks.expert_visits import ExpertVisits
from diiqn_lightning.callbacks.learned_labels import LearnedLabels
from diiqn_lightning.callbacks.metrics import TrainingMetrics
from diiqn_lightning.callbacks.priorities import PriorityUpdate
from diiqn_lightning.data import FrameStream, Replay
from diiqn_lightning.modules import DIIQN, DQN
from diiqn_lightning.modules.acting import QAgent
from diiqn_lightning.modules.backward import LeanBackward
from diiqn_lightning.optimizer import LeanAdam

PARTS = {
    "environments": [(EnvBase, "step_and_maybe_reset")],
    "policy": [(QAgent, "act"), (QAgent, "behaviour_probability")],
    "collecting, the rest": [(FrameStream, "collect")],
    "replay": [(Replay, "extend"), (Replay, "sample"), (PriorityUpdate, "on_train_batch_end")],
    "targets": [(DQN, "prepare_targets")],
    "losses": [(DQN, "losses"), (DIIQN, "losses")],
    "labeller's loss": [(DIIQN, "batch_losses")],
    "gradients": [(LeanBackward, "manual_backward")],
    "optimizer": [(LeanAdam, "step")],
    "updating, the rest": [(DQN, "training_step"), (DIIQN, "training_step")],
    "labels": [(LearnedLabels, "on_train_batch_start"), (NearestTransition, "on_frames")],
    "the expert's transitions": [
        (ExpertSampling, "on_frames"),
        (ExpertSampling, "on_train_batch_start"),
        (ExpertVisits, "on_train_batch_start"),
        (ExpertVisits, "on_train_batch_end"),
    ],
    "logging": [(TrainingMetrics, "on_train_batch_end"), (TrainingMetrics, "on_train_batch_start")],
}


class Clock:
    """Sums the time of each part; the time of a part inside another one counts for the inner one."""

    def __init__(self):
        self.seconds = dict.fromkeys(PARTS, 0.0)
        self._inner = [0.0]
        self._learning = False

    def wrap(self, part, owner, name):
        """Time a method."""
        original = getattr(owner, name)

        # What torch has marked stays marked: otherwise it would wrap an optimizer's step once more.
        @functools.wraps(original)
        def timed(*arguments, **named):
            if name == "on_train_batch_start" and not self._learning:
                # The run's own clock starts here too: before, frames are collected without updates.
                self._learning = True
                self.seconds = dict.fromkeys(PARTS, 0.0)
            started = time.perf_counter()
            self._inner.append(0.0)
            try:
                return original(*arguments, **named)
            finally:
                passed = time.perf_counter() - started
                self.seconds[part] += passed - self._inner.pop()
                self._inner[-1] += passed

        setattr(owner, name, timed)


def measure(configs, frames):
    """Microseconds of a frame by part."""
    folder = Path(tempfile.mkdtemp())
    arguments = ["fit", *layers(configs), "--video=null", f"--max_frames={frames}"]
    arguments += [f"--data.frames_per_epoch={frames}", "--data.evaluation.episodes=1", f"--run_dir={folder / 'run'}"]
    clock = Clock()
    for part, methods in PARTS.items():
        for owner, name in methods:
            clock.wrap(part, owner, name)
    try:
        if command_line(arguments) != 0:
            sys.exit(2)
        summary = json.loads((folder / "run" / "summary.json").read_text())
    finally:
        shutil.rmtree(folder)
    whole = 1e6 / summary["frames_per_second"]
    microseconds = {part: whole * seconds / summary["seconds"] for part, seconds in clock.seconds.items()}
    microseconds["Lightning and what is not named"] = whole - sum(microseconds.values())
    return {
        "frames_per_second": summary["frames_per_second"],
        "microseconds_per_frame": {name: round(value, 1) for name, value in microseconds.items()},
        "share": {name: round(value / whole, 3) for name, value in microseconds.items()},
        "whole": round(whole, 1),
    }


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--configs", nargs="+", default=["dqn"], metavar="LAYER", help="dqn, trainer/fast, …")
    options.add_argument("--frames", type=int, default=40_000)
    options.add_argument("--out", type=Path, required=True)
    arguments = options.parse_args()
    measured = measure(arguments.configs, arguments.frames)
    facts = {"configs": arguments.configs, "frames": arguments.frames}
    write({**facts, **measured}, arguments.out, 1, "frame_budget")


if __name__ == "__main__":
    main()
