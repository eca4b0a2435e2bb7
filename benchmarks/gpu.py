"""DQN and DIIQN on a GPU: the same results as on the CPU, and how fast; ends within ten minutes.

    python -m benchmarks.gpu --out results/gpu/gpu.json

Writes the JSON file and a Markdown table beside it. Checks outputs, targets, losses, one update, labels and neighbours
against the CPU (tolerances: `benchmarks/gpu_checks.py`), then measures in turns the time of an update by batch size:

- `eager`: as runs do it;
- `cuda_graphs`: losses and their gradients through torch.compile in the mode reduce-overhead;
- `bf16`: under autocast to bfloat16.

At last whole runs of the command line on the GPU and on the CPU of the same machine. Exit codes: 0 all is as it should
be, 1 a check failed, 3 there is no such device. `--device cpu` goes the same way without a GPU.
"""

import math
import subprocess
import sys
import time
from functools import partial

import torch

from benchmarks.all import NO_DEVICE
from benchmarks.gpu_checks import TOLERANCES, compare
from benchmarks.gpu_table import markdown
from benchmarks.gpu_variants import VARIANTS, learn, prepare
from benchmarks.turns import in_turns, options_of, rows, seconds_per_call, write
from benchmarks.updates import guided_batch
from benchmarks.whole_run import ours
from diiqn_lightning.arithmetic import set_up_arithmetic

SECONDS_TO_PREPARE = 5 * 60
"""After these no update is compiled any more, which leaves time to measure within ten minutes."""


class Update:
    """Milliseconds of an update of a real batch.

    Args:
        config: of the run.
        batch_size: transitions in an update.
        variant: one of :data:`benchmarks.gpu_variants.VARIANTS`.
        device: of the module.
        at_least: seconds of a measurement.
        options: further ones of ``fit``.
    """

    def __init__(self, config, batch_size, variant, device, at_least, options):
        self.run, self.batch = guided_batch([config], batch_size, device=device, options=options)
        self.variant, self.at_least = variant, at_least
        prepare(self.run.lightning_module, variant)
        self.step()  # compiles

    def step(self):
        learn(self.run.lightning_module, self.batch, self.variant)

    def __call__(self):
        return 1e3 * seconds_per_call(self.step, self.at_least) / len(self.batch)


def checks(arguments):
    """Rows: config, variant, quantity, difference, and whether it is small enough; bfloat16's are told, not judged."""
    table = []
    for config in arguments.configs:
        for variant in arguments.variants:
            try:
                found = compare(config, arguments.device, variant, options=arguments.options)
            except Exception as error:  # what a device cannot do is a result, and the rest is wanted too
                table.append({"config": config, "variant": variant, "quantity": _sentence(error), "holds": False})
                continue
            for quantity, difference in found.items():
                row = {"config": config, "variant": variant, "quantity": quantity, "difference": difference}
                if variant != "bf16":
                    row |= {"tolerance": TOLERANCES[quantity], "holds": difference <= TOLERANCES[quantity]}
                table.append(row)
    return table


def updates(arguments, deadline):
    """Rows of milliseconds, and what could not be measured, with the reason."""
    turns, missing = {}, []
    for variant in sorted(arguments.variants, key=VARIANTS.index):  # the cheap ones first, in case that time runs out
        for config in arguments.configs:
            for size in arguments.batches:
                name = (config, size, variant)
                if time.monotonic() > deadline:
                    missing.append({"name": name, "reason": "no time was left"})
                    continue
                try:
                    turns[name] = Update(*name, arguments.device, arguments.seconds, arguments.options)
                except Exception as error:  # of a compiler, say
                    missing.append({"name": name, "reason": _sentence(error)})
    measured = in_turns(turns, arguments.rounds, "ms")
    fields = ("config", "batch", "variant")
    table = rows(measured, fields, "milliseconds_per_update", beside=("variant", "eager"))
    for row in table:
        row["microseconds_per_transition"] = round(1e3 * row["median"] / row["batch"], 3)
    return table, missing


def whole_runs(arguments, deadline):
    """Rows of frames per second on the device and on the CPU, in turns; NaN where a run failed."""
    accelerators = ("gpu", "cpu") if torch.device(arguments.device).type == "cuda" else ("cpu",)

    def measure(config, accelerator):
        options = [f"--trainer.accelerator={accelerator}", "--trainer.devices=1", *arguments.options]
        try:
            return ours([config], arguments.frames, 1, options)
        except subprocess.CalledProcessError:
            return math.nan

    names = [(config, accelerator) for config in arguments.configs for accelerator in accelerators]
    rounds = min(2, arguments.rounds) if time.monotonic() < deadline else 1
    measured = in_turns({name: partial(measure, *name) for name in names}, rounds, "frames/s")
    return rows(measured, ("config", "accelerator"), "frames_per_second", beside=("accelerator", "cpu"))


def _sentence(error):
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]


def main():
    options = options_of(__doc__, rounds=3)
    options.add_argument("--device", default="cuda", help="cuda, cuda:1, or cpu for a try without a GPU")
    options.add_argument("--configs", nargs="+", default=["dqn", "diiqn"], help="below configs/, or paths")
    options.add_argument("--batches", type=int, nargs="+", default=[32, 128, 256, 1024])
    options.add_argument("--variants", nargs="+", choices=VARIANTS, default=VARIANTS)
    options.add_argument("--frames", type=int, default=8_000, help="of each whole run (8000); 0: none")
    options.add_argument("--seconds", type=float, default=0.3, help="of each measurement, at least (0.3)")
    options.add_argument("--options", type=str.split, default=[], help="further ones of fit, in one string")
    arguments = options.parse_args()
    device = torch.device(arguments.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        print("There is no GPU that torch can use here, so nothing was measured.", file=sys.stderr)
        return NO_DEVICE
    deadline = time.monotonic() + SECONDS_TO_PREPARE
    set_up_arithmetic(1)
    checked = checks(arguments)
    table, missing = updates(arguments, deadline)
    result = {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "checks": checked,
        "updates": table,
        "not_measured": missing,
        "whole_runs": whole_runs(arguments, deadline) if arguments.frames else [],
    }
    write(result, arguments.out, 1, "gpu")
    page = markdown(result)
    arguments.out.with_suffix(".md").write_text(page)
    print(page)
    return 0 if all(row.get("holds", True) for row in checked) else 1


if __name__ == "__main__":
    sys.exit(main())
