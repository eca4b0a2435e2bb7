"""A policy as files that need nothing of this software: written, read again, and compared."""

import logging
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from diiqn_lightning.envs import make_gym_env, spec_of
from diiqn_lightning.envs.episodes import EVALUATION
from diiqn_lightning.errors import InputError
from diiqn_lightning.modules.greedy_policy import GreedyPolicy, exported_program

ONNX, PROGRAM = "policy.onnx", "policy.pt2"
OPSET = 20
"""Of ONNX; onnxruntime 1.17 and newer run it."""

INPUT, OUTPUTS = "observation", ("action", "q_values")
NEEDED = ("onnx", "onnxscript", "onnxruntime")
BATCHES = (1, 7)
"""Batch sizes that are compared: the smallest, and one that is no other size in the program."""

TOLERANCE = 1e-4
"""Of values, relative to the largest one: other kernels add up in another order."""


@dataclass(frozen=True)
class Comparison:
    """What reading the files again has shown.

    Args:
        states: number of the environment's states that were compared.
        difference: largest absolute difference of a value from the module's, by file.
        other_actions: how often an action differed, by file: between actions that are as good as one another.
    """

    states: int
    difference: dict[str, float]
    other_actions: dict[str, int]


def check_packages() -> None:
    """Say which packages are missing, before anything is built.

    Raises:
        InputError: with the command that installs them.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise InputError(
            " and ".join(missing), "not installed", "install it with `pip install diiqn-lightning[export]`"
        )


def environment_states(data: Any, policy: GreedyPolicy, count: int) -> Tensor:
    """States of real episodes, in which every other action is random: ``[count, *O]``.

    Args:
        data: the run's data module, for its environment and seed.
        policy: takes the other actions.
        count: number of states.
    """
    env = make_gym_env(data.env, seed=data.seed, purpose=EVALUATION, env_kwargs=data.env_kwargs)
    random = np.random.default_rng((data.seed, EVALUATION))
    states: list[np.ndarray[Any, Any]] = []
    with env, torch.no_grad():
        observation, _ = env.reset()
        while len(states) < count:
            states.append(np.asarray(observation))
            action = int(policy(torch.from_numpy(states[-1][None]))[0])
            if random.random() < 0.5:
                action = int(random.integers(spec_of(env).num_actions))
            observation, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                observation, _ = env.reset()
    return torch.from_numpy(np.stack(states))


def write_policy(policy: GreedyPolicy, example: Tensor, folder: Path) -> None:
    """Write ``policy.onnx`` and ``policy.pt2``.

    Args:
        policy: on the CPU.
        example: observations, ``[B, *O]`` with B of at least 2.
        folder: must exist.
    """
    # torch's exporter tells on the way of operators of packages that are not installed, and of its own changes.
    exporter = logging.getLogger("torch.onnx")
    level = exporter.level
    exporter.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = exported_program(policy, example)
            torch.export.save(program, folder / PROGRAM)
            converted = torch.onnx.export(
                program,
                input_names=[INPUT],
                output_names=list(OUTPUTS),
                dynamic_shapes={INPUT: {0: "batch"}},
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
            )
            assert converted is not None
            converted.save(folder / ONNX)
    finally:
        exporter.setLevel(level)


@torch.no_grad()
def compare(policy: GreedyPolicy, folder: Path, states: Tensor) -> Comparison:
    """Read both files and compare them with the module, in batches of each size of :data:`BATCHES`.

    Args:
        policy: what was written.
        folder: with both files.
        states: ``[S, *O]``.

    Raises:
        InputError: if actions or values differ by more than arithmetic does.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(folder / ONNX, providers=["CPUExecutionProvider"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.load(folder / PROGRAM).module()
    readers: dict[str, Callable[[Tensor], Sequence[Tensor]]] = {
        ONNX: lambda batch: [torch.from_numpy(out) for out in session.run(list(OUTPUTS), {INPUT: batch.numpy()})],
        PROGRAM: program,
    }
    difference, other_actions = dict.fromkeys(readers, 0.0), dict.fromkeys(readers, 0)
    for size in BATCHES:
        for batch in torch.split(states, size):
            action, values = policy(batch)
            for name, read in readers.items():
                their_action, their_values = read(batch)
                apart = float((their_values - values).abs().max())
                difference[name] = max(difference[name], apart)
                other_actions[name] += int((their_action != action).sum())
                largest = TOLERANCE * max(1.0, float(values.abs().max()))
                # Where two actions are as good as one another either is right.
                regret = values.amax(1) - values.gather(1, their_action.unsqueeze(1)).squeeze(1)
                if apart > largest or float(regret.max()) > 2 * largest:
                    raise InputError(
                        f"values of {name}",
                        f"{apart:.2g} from the agent's",
                        "report this with the versions of torch, onnx and onnxruntime",
                    )
    return Comparison(len(states), difference, other_actions)
