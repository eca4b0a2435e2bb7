"""A dataset of arrays that were read, wherever from: which types and shapes can be an expert's."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from diiqn_lightning.errors import InputError
from diiqn_lightning.experts.dataset import ExpertDataset, ExpertLabels, ExpertStates

Array = np.ndarray[Any, Any]


def dataset_from(episodes: Sequence[Array], labels: Mapping[str, Any], card: dict[str, Any]) -> ExpertDataset:
    """A dataset of episodes' states, with labels where ``actions`` are given.

    Args:
        episodes: states of each, ``[T + 1, *O]``.
        labels: may hold ``actions`` and ``rewards``, per transition of all episodes.
        card: what is known of the data.

    Raises:
        InputError: for shapes, types or values that cannot be an expert's.
    """
    shapes = {states.shape[1:] for states in episodes}
    if len(shapes) != 1:
        raise InputError("observations", sorted(shapes), "give all episodes the same observation shape")
    if not shapes.pop():
        raise InputError(
            "observations", "numbers without a shape", "give arrays [states, features] or [states, H, W, C]"
        )
    states = torch.from_numpy(np.concatenate([_supported(states) for states in episodes]))
    ends = torch.from_numpy(np.cumsum([len(episode) for episode in episodes]))
    expert = ExpertStates(states, ends)
    return ExpertDataset(expert, _labels(labels, expert), card)


def _labels(arrays: Mapping[str, Any], states: ExpertStates) -> ExpertLabels | None:
    """What is known beside the states; nothing where actions are not discrete."""
    if "actions" not in arrays or (action := _discrete(np.asarray(arrays["actions"]))) is None:
        return None
    last = states.is_last
    terminated = np.asarray(arrays.get("label_terminated", last.numpy()), bool)
    columns = {
        "action": action,
        "executed_action": action,
        "terminated": terminated,
        "truncated": last.numpy() & ~terminated,
    }
    if "rewards" in arrays:
        rewards = np.asarray(arrays["rewards"])
        if rewards.dtype.kind not in "iufb":
            raise InputError("rewards", str(rewards.dtype), "give numbers")
        columns["reward"] = _float32(rewards).reshape(-1)
        if not np.isfinite(columns["reward"]).all():
            raise InputError("rewards", "NaN or infinite", "give finite numbers, or leave rewards out")
    for name, column in columns.items():
        if len(column) != states.num_transitions:
            raise InputError(name, len(column), f"give one for each of {states.num_transitions} transitions")
    return ExpertLabels(**{name: torch.from_numpy(column.copy()) for name, column in columns.items()})


def _discrete(actions: Array) -> Array | None:
    """Numbers of actions, ``[N]`` int64, or None where they are continuous: whole numbers may come as floats."""
    if actions.dtype.kind == "f" and not (np.isfinite(actions).all() and (actions == actions.round()).all()):
        return None
    if actions.dtype.kind not in "iubf":
        return None
    rows = actions.reshape(len(actions), -1)
    if rows.shape[1] != 1:
        if actions.dtype.kind == "f":
            return None
        remedy = "give the number of one action for each transition, or leave actions out"
        raise InputError("actions", f"{actions.dtype} {actions.shape}", remedy)
    return rows[:, 0].astype(np.int64)


def _supported(observations: Array) -> Array:
    """Booleans, bytes and float32 as they are; other numbers as float32."""
    if observations.dtype in (np.bool_, np.uint8, np.float32):
        return observations
    if observations.dtype.kind not in "iuf":
        raise InputError("observations", str(observations.dtype), "give booleans, bytes or numbers")
    return _float32(observations)


def _float32(numbers: Array) -> Array:
    with np.errstate(over="ignore"):  # what is too large is infinite, and refused as such
        return numbers.astype(np.float32)
