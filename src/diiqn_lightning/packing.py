"""Booleans as bits: an eighth of the memory for binary observations."""

from typing import Any

import numpy as np
import torch
from torch import Tensor


def pack_bits(flags: Tensor) -> Tensor:
    """Flatten all but the first dimension and pack: ``[N, *]`` bool to ``[N, ceil(numel / 8)]`` uint8."""
    return torch.from_numpy(np.packbits(flags.flatten(1).numpy(), axis=1))


def unpack_bits(packed: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Inverse of :func:`pack_bits`; ``shape`` is that of one row."""
    count = int(np.prod(shape, dtype=np.int64))
    bits = np.unpackbits(packed.numpy(), axis=1, count=count)
    return torch.from_numpy(bits.view(np.bool_)).reshape(-1, *shape)


def pack_state(state: Any) -> Any:
    """Replace each bool tensor of two or more dimensions in a nested state by its bits, and each view by a copy.

    What is saved of a view is all of the memory that it looks at: of a replay buffer that has just begun to fill, its
    whole capacity.
    """
    if isinstance(state, dict):
        return {key: pack_state(value) for key, value in state.items()}
    if isinstance(state, Tensor) and state.dtype == torch.bool and state.dim() > 1:
        return {"packed_bits": pack_bits(state.cpu()), "row_shape": list(state.shape[1:])}
    if isinstance(state, Tensor) and state.untyped_storage().nbytes() > state.nbytes:
        return state.clone()
    return state


def unpack_state(state: Any) -> Any:
    """Inverse of :func:`pack_state`."""
    if isinstance(state, dict):
        if state.keys() == {"packed_bits", "row_shape"}:
            return unpack_bits(state["packed_bits"], tuple(state["row_shape"]))
        return {key: unpack_state(value) for key, value in state.items()}
    return state
