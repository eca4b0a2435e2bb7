"""W&B's sweep files, read without W&B's server.

The format is that of https://docs.wandb.ai/models/sweeps/define-sweep-configuration; what only the server can do is
refused in one sentence.
"""

import itertools
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diiqn_lightning.errors import InputError
from diiqn_lightning.sweeps.draws import draw
from diiqn_lightning.sweeps.yaml_file import read_mapping, refuse_options, whole_number

FIELDS = (
    *("program", "command", "method", "metric", "parameters", "early_terminate", "run_cap"),
    *("name", "description", "project", "entity"),
)
ARGUMENTS = "${args}"
SEED = "seed_everything"


@dataclass(frozen=True)
class Sweep:
    """A sweep that runs without a server.

    Args:
        path: of its file.
        arguments: of ``fit``, for all cells; ``${args}`` stands where a cell's own go.
        method: grid or random.
        parameters: what varies, by option: W&B's description of it.
        run_cap: most cells; ``None`` for all of a grid.
        early_terminate: whether the file asks for it, which only the server does.
    """

    path: Path
    arguments: tuple[str, ...]
    method: str
    parameters: dict[str, dict[str, Any]]
    run_cap: int | None
    early_terminate: bool = False

    def settings(self, seed: int) -> list[dict[str, Any]]:
        """Values by option for each cell, no two alike.

        Args:
            seed: of the random draws; nothing depends on it in a grid.
        """
        everything = self._grid() if self.method == "grid" else self._random(seed)
        # Draws of a few values repeat; a run that is there already would say nothing new.
        distinct = {repr(sorted(setting.items(), key=lambda item: item[0])): setting for setting in everything}
        return list(distinct.values())

    def _grid(self) -> Iterator[dict[str, Any]]:
        values = [list_of_values(self.path, name, given) for name, given in self.parameters.items()]
        for combination in itertools.islice(itertools.product(*values), self.run_cap):
            yield dict(zip(self.parameters, combination, strict=True))

    def _random(self, seed: int) -> Iterator[dict[str, Any]]:
        generator = random.Random(seed)
        assert self.run_cap is not None
        for _ in range(self.run_cap):
            yield {name: draw(f"{self.path}: {name}", given, generator) for name, given in self.parameters.items()}

    def command(self, setting: dict[str, Any]) -> tuple[str, ...]:
        """Options of ``fit``: the sweep's, and a cell's own as W&B's agent writes them, ``--name=value``."""
        own = [f"--{name}={_text(value)}" for name, value in setting.items()]
        at = self.arguments.index(ARGUMENTS)
        return (*self.arguments[:at], *own, *self.arguments[at + 1 :])


def _text(value: Any) -> str:
    """As an option's value; nothing is ``null``, for ``None`` would be a word."""
    return "null" if value is None else str(value)


def list_of_values(path: Path, name: str, given: dict[str, Any]) -> list[Any]:
    """The values of a parameter of a grid."""
    if "value" in given:
        return [given["value"]]
    if isinstance(given.get("values"), list) and given["values"]:
        return list(given["values"])
    raise InputError(f"{path}: {name}", given, "a grid needs value or values; for a distribution choose method: random")


def read_sweep(path: Path, run_cap: int | None = None) -> Sweep:
    """Read a sweep's file.

    Args:
        path: of the file.
        run_cap: takes the place of the file's.

    Raises:
        InputError: for what is wrong in it, and for what needs W&B's server.
    """
    content = read_mapping(path, FIELDS, ("program", "command", "method", "parameters"))
    method = content["method"]
    if method == "bayes":
        raise InputError(
            f"method in {path}",
            method,
            f"start it with `wandb sweep {path}` and `wandb agent SWEEP_ID`: W&B's server chooses each next run from "
            "the results before it; grid and random run without one",
        )
    if method not in ("grid", "random"):
        raise InputError(f"method in {path}", method, "choose grid, random or bayes")
    if run_cap is None and content.get("run_cap") is not None:
        run_cap = whole_number(f"run_cap in {path}", content["run_cap"])
    if method == "random" and run_cap is None:
        raise InputError(f"run_cap in {path}", None, "say how many cells to draw, in the file or with --run_cap")
    arguments, parameters = _arguments(path, content["command"]), _parameters(path, content["parameters"])
    return Sweep(path, arguments, method, parameters, run_cap, bool(content.get("early_terminate")))


def _arguments(path: Path, command: Any) -> tuple[str, ...]:
    """What of ``command`` goes to ``fit``."""
    field = f"command in {path}"
    remedy = (
        "write it as [${env}, ${interpreter}, -m, diiqn_lightning, fit, --config, configs/diiqn.yaml, ${args}]: "
        "without ${args} nothing is swept"
    )
    if not isinstance(command, list) or "fit" not in command or command.count(ARGUMENTS) != 1:
        raise InputError(field, command, remedy)
    words = [_text(word) for word in command]
    arguments = words[words.index("fit") + 1 :]
    macros = [word for word in arguments if word.startswith("${") and word != ARGUMENTS]
    if ARGUMENTS not in arguments or macros:
        raise InputError(field, macros[0] if macros else command, remedy)
    refuse_options(arguments, ("run_dir", "ckpt_path"), field, "leave it out, each run has a folder of its own")
    return _joined(arguments)


def _joined(arguments: Sequence[str]) -> tuple[str, ...]:
    """Options as one word each: ``--config FILE`` becomes ``--config=FILE``."""
    words: list[str] = []
    for word in arguments:
        if words and words[-1].startswith("--") and "=" not in words[-1] and not word.startswith(("--", "${")):
            words[-1] += f"={word}"
        else:
            words.append(word)
    return tuple(words)


def _parameters(path: Path, parameters: Any) -> dict[str, dict[str, Any]]:
    if not isinstance(parameters, dict) or not parameters:
        raise InputError(f"parameters in {path}", parameters, "name at least one option of fit and its values")
    for name, given in parameters.items():
        field = f"parameters.{name} in {path}"
        if not isinstance(name, str):
            raise InputError(f"parameters in {path}", name, "name options of fit, such as model.discount")
        if not isinstance(given, dict):
            raise InputError(field, given, "write {values: [...]}, {value: ...} or {min: ..., max: ...}")
        if "parameters" in given:
            raise InputError(field, given, "write nested options with dots, such as model.confidence.beta")
        if "value" not in given and any(isinstance(v, float) and not math.isfinite(v) for v in given.values()):
            raise InputError(field, given, "give numbers that are finite")
    refuse_options(list(parameters), ("run_dir", "ckpt_path", "config"), f"parameters in {path}", "leave it out")
    return dict(parameters)
