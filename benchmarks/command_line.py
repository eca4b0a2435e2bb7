"""Runs of the real command line, one process each."""

import shlex
import subprocess
import sys
from pathlib import Path


def layers(configs):
    """Options of ``fit`` for layers of the configuration: ``dqn``, ``trainer/fast`` (below configs/), or paths."""
    return [f"--config={config if Path(config).suffix else f'configs/{config}.yaml'}" for config in configs]


def call(command):
    """Wait for it, or end with its exit status."""
    done = subprocess.run([sys.executable, "-m", "diiqn_lightning", *command], stdout=subprocess.DEVNULL)
    if done.returncode != 0:
        sys.exit(f"failed: {shlex.join(command)}")


def finish(folder, command):
    """Make a run, or go on with an interrupted one, or leave a finished one alone."""
    if (folder / "summary.json").exists():
        return
    resume = ["--ckpt_path=last"] if (folder / "checkpoints" / "last").exists() else []
    call([*command, f"--run_dir={folder}", "--video=null", "--checkpoint.keep=1", *resume])
    if not (folder / "summary.json").exists():
        sys.exit(f"interrupted: {folder} goes on when the command is called again")
