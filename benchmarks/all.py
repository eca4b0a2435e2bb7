"""All benchmarks of speed, one after another: python -m benchmarks.all --out results/speed

Each is a process of its own and writes a JSON file into the folder; nothing else should run on the machine meanwhile.
`--quick` takes sizes that prove no more than that the scripts run. What one of them alone can do: its `--help`.
"""

import argparse
import shlex
import subprocess
import sys
import time
from pathlib import Path

NO_DEVICE = 3
"""Exit code of a benchmark whose device is not there."""

BENCHMARKS = {  # by the name of the file: the script, its options, and those of a quick look
    "start_up": ("start_up", "", "--rounds=1"),
    "environments": ("environments", "", "--rounds=1 --num_envs 1 8 --workers 0 1 --seconds=0.05"),
    "replay": ("replay", "", "--rounds=1 --capacity=2000 --seconds=0.02"),
    "updates": ("updates", "", "--rounds=1 --batches 32 --seconds=0.05"),
    "frame_budget_dqn": ("frame_budget", "--configs dqn", "--frames=2000"),
    "frame_budget_diiqn": ("frame_budget", "--configs diiqn", "--frames=2000"),
    "whole_run": ("whole_run", "--threads 1 2", "--rounds=1 --threads 1 --frames=500"),
    "learning_flops": ("learning_flops", "", "--rounds=1 --frames=500"),
    "memory": ("memory", "", "--replay=2000 --expert=2000 --learning=200"),
    "neighbours": ("neighbours", "", "--rounds=1 --sizes 1000 --dimensions 100 --at=1000 --warm_up=1"),
    "gpu": ("gpu", "", "--rounds=1 --batches 32 --frames=500 --seconds=0.05"),
}
WITH_PRESET = {
    "updates": "--preset",
    "frame_budget_dqn": "--configs dqn",
    "frame_budget_diiqn": "--configs diiqn",
    "whole_run": "--preset",
    "learning_flops": "--configs dqn",
}
"""Scripts that take further layers of the configuration, and the option that takes them."""


def command_of(name, out, quick=False, preset=()):
    """The command of a benchmark, without the interpreter."""
    script, options, tiny = BENCHMARKS[name]
    command = [f"benchmarks.{script}", *shlex.split(options), *(shlex.split(tiny) if quick else ())]
    if preset:
        command += [*shlex.split(WITH_PRESET[name]), *preset]
    suffix = f"_{Path(preset[-1]).stem}" if preset else ""
    return [*command, f"--out={out / f'{name}{suffix}.json'}"]


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--out", type=Path, required=True, help="folder for the JSON files")
    options.add_argument("--only", nargs="+", choices=BENCHMARKS, default=list(BENCHMARKS), metavar="NAME")
    options.add_argument("--preset", nargs="+", default=[], metavar="LAYER", help="also measure with it: trainer/fast")
    options.add_argument("--quick", action="store_true", help="sizes of seconds, for a try")
    arguments = options.parse_args()
    commands = [command_of(name, arguments.out, arguments.quick) for name in arguments.only]
    if arguments.preset:
        presets = [name for name in arguments.only if name in WITH_PRESET]
        commands += [command_of(name, arguments.out, arguments.quick, arguments.preset) for name in presets]
    failed = []
    for command in commands:
        started = time.monotonic()
        print(f"python -m {shlex.join(command)}", flush=True)
        code = subprocess.run([sys.executable, "-m", *command], stdout=subprocess.DEVNULL).returncode
        print(f"  {time.monotonic() - started:.0f} s", flush=True)
        if code not in (0, NO_DEVICE):
            failed.append(shlex.join(command))
    if failed:
        sys.exit("\n".join(["failed:", *failed]))


if __name__ == "__main__":
    main()
