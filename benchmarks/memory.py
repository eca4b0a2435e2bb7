"""Resident memory of a run beyond the imports, and which tensors hold it.

    python -m benchmarks.memory --out results/speed/memory.json

By default DQN and DIIQN on Seaquest with a full replay of 100,000 transitions and 100,000 transitions of an expert,
which are of random play: how much memory they take does not depend on how good they are. Each run is a process of its
own, which fills its replay before the first update and then learns for some more frames. A tensor's
`megabytes_as_bits` is what it would take with its booleans packed, eight in a byte.
"""

import gc
import multiprocessing
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path

import lightning
import torch
from torch._subclasses import FakeTensor

from benchmarks.command_line import layers
from benchmarks.random_expert import random_expert
from benchmarks.turns import options_of, write

SMALLEST_LISTED = 0.5
"""Megabytes below which tensors of a shape are not listed."""


def resident(field="VmRSS"):
    """Megabytes of this process, now (``VmRSS``) or at most so far (``VmHWM``)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"this system's /proc/self/status has no {field}")


def tensors():
    """Memory of the tensors that Python holds by their shape, the largest first; views count as what they look at."""
    largest = {}
    for found in gc.get_objects():
        if not issubclass(type(found), torch.Tensor) or found.device.type != "cpu":
            continue
        if issubclass(type(found), FakeTensor):  # what torch.export leaves behind has a shape and no memory
            continue
        storage = found.untyped_storage()
        seen = largest.get(storage.data_ptr())
        if seen is None or found.nbytes > seen[0]:
            largest[storage.data_ptr()] = (found.nbytes, storage.nbytes(), tuple(found.shape), found.dtype)
    alike = {}
    for _, size, shape, dtype in largest.values():
        alike.setdefault((shape, dtype), []).append(size / 2**20)
    listed = [
        {
            "shape": list(shape),
            "dtype": str(dtype).removeprefix("torch."),
            "tensors": len(sizes),
            "megabytes": round(sum(sizes), 1),
            "megabytes_as_bits": round(sum(sizes) / (8 if dtype == torch.bool else 1), 1),
        }
        for (shape, dtype), sizes in sorted(alike.items(), key=lambda entry: -sum(entry[1]))
        if sum(sizes) >= SMALLEST_LISTED
    ]
    return {"listed": listed, "all_megabytes": round(sum(map(sum, alike.values())), 1)}


class Stages(lightning.Callback):
    """Notes the memory when everything is built, when the first batch comes, and after the last one so far."""

    megabytes: dict[str, float] = {}  # noqa: RUF012 - there is one run in a process
    tensors: dict = {}  # noqa: RUF012

    def on_fit_start(self, trainer, pl_module):
        self.megabytes["built"] = resident()

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        self.megabytes.setdefault("replay_full", resident())

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        if trainer.datamodule.frames >= trainer.datamodule.max_frames:
            self.megabytes["trained"] = resident()
            self.megabytes["trained_peak"] = resident("VmHWM")
            self.tensors.update(tensors())


def measure(arguments):
    """A run of the command line in this fresh process: megabytes beyond the imports by stage, and its tensors."""
    for module in ("minatar.gym", "diiqn_lightning.cli.training"):
        import_module(module)
    from benchmarks.memory import Stages  # a fresh process calls this module __mp_main__, and the run does not
    from diiqn_lightning.__main__ import main as command_line

    Path("/proc/self/clear_refs").write_text("5")  # the highest so far is forgotten
    imports = resident()
    with redirect_stdout(sys.stderr):
        if command_line(arguments) != 0:
            raise SystemExit("the run was refused")
    stages = {**Stages.megabytes, "with_the_last_checkpoint_peak": resident("VmHWM")}
    return {
        "imports_megabytes": round(imports, 1),
        "beyond_imports_megabytes": {stage: round(value - imports, 1) for stage, value in stages.items()},
        "tensors": Stages.tensors,
    }


def main():
    options = options_of(__doc__, rounds=1)
    options.add_argument("--configs", nargs="+", default=["dqn", "diiqn"], help="layers below configs/, or paths")
    options.add_argument("--game", default="seaquest")
    options.add_argument("--env", default="MinAtar/Seaquest-v1", help="the game's id, for the expert's play")
    options.add_argument("--replay", type=int, default=100_000)
    options.add_argument("--expert", type=int, default=100_000, help="its transitions (100000)")
    options.add_argument("--learning", type=int, default=4_000, help="frames to learn for (4000)")
    arguments = options.parse_args()
    runs = {}
    with tempfile.TemporaryDirectory() as folder:
        expert = Path(folder) / "random.expert"
        random_expert(arguments.env, arguments.expert, expert)
        for number in range(arguments.rounds):
            for config in arguments.configs:
                frames = arguments.replay + arguments.learning
                command = ["fit", *layers([config, f"env/{arguments.game}"]), f"--expert={expert}", "--video=null"]
                command += [f"--max_frames={frames}", f"--data.frames_per_epoch={frames}", "--threads=1"]
                command += [f"--data.learning_starts={arguments.replay}", f"--data.replay_capacity={arguments.replay}"]
                command += ["--data.evaluation.episodes=1", "--trainer.callbacks+=benchmarks.memory.Stages"]
                command += [f"--run_dir={Path(folder) / f'{config}-{number}'}"]
                with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
                    runs.setdefault(config, []).append(process.submit(measure, command).result())
                print(config, runs[config][-1]["beyond_imports_megabytes"], file=sys.stderr, flush=True)
    result = {"game": arguments.game, "replay": arguments.replay, "expert": arguments.expert, "runs": runs}
    write(result, arguments.out, 1, "memory")


if __name__ == "__main__":
    main()
