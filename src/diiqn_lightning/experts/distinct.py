"""A dataset's trajectories without the transitions that they repeat."""

from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diiqn_lightning.experts.dataset import ExpertStates

Indices = NDArray[np.int64]


class Groups(NamedTuple):
    """Lists of whole numbers, one after another.

    Args:
        begin: where each list begins, and at last where the last one ends, ``[G + 1]``.
        members: of all lists.
    """

    begin: Indices
    members: Indices

    def first(self, count: int) -> "Groups":
        """The first ``count`` members of each."""
        length = np.diff(self.begin)
        within = np.arange(len(self.members)) - np.repeat(self.begin[:-1], length)
        return Groups(np.concatenate([[0], np.minimum(length, count).cumsum()]), self.members[within < count])

    def members_of(self, groups: Indices) -> tuple[Indices, Indices]:
        """Members of some groups, and for each of them the position of its group among those asked for."""
        count = self.begin[groups + 1] - self.begin[groups]
        which = np.repeat(np.arange(len(groups)), count)
        within = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
        return self.members[self.begin[groups][which] + within], which


class DistinctTransitions:
    """States in the order of the dataset, such that each distinct transition is there once.

    Of equal transitions the first one stays. A state is dropped where neither the transition to it nor that from it
    stays; so the state after that at a position is the next position's, and the distances of all transitions are sums
    of neighbouring entries, with nothing to be gathered.

    Attributes:
        states: ``[Q, D]``, of the dataset's dtype.
        is_start: whether a transition that stays starts at a position, ``[Q]`` bool.
        position_of: position where the equal of each of the dataset's transitions starts, ``[N]``.

    Args:
        states: the expert's.
    """

    def __init__(self, states: ExpertStates) -> None:
        flat, at = states.states.flatten(1), states.transition_starts.numpy()
        number = np.unique(row_bytes(flat), return_inverse=True)[1]
        _, first, pair = np.unique(number[at] * len(flat) + number[at + 1], return_index=True, return_inverse=True)
        starts = np.zeros(len(flat), np.bool_)
        starts[at[first]] = True
        kept = starts.copy()
        kept[1:] |= starts[:-1]
        position = np.cumsum(kept) - 1
        self.states: Tensor = flat[torch.from_numpy(kept)]
        self.is_start: NDArray[np.bool_] = starts[kept]
        self.position_of: Indices = position[at[first]][pair]

    def __len__(self) -> int:
        return len(self.is_start)

    @cached_property
    def starts(self) -> Indices:
        """Positions where transitions start, ``[P]``, increasing."""
        return np.flatnonzero(self.is_start)

    @cached_property
    def transitions(self) -> Groups:
        """The dataset's transitions that are equal to the one at each position, the first one first."""
        order = np.argsort(self.position_of, kind="stable")
        begin = np.searchsorted(self.position_of[order], np.arange(len(self) + 1))
        return Groups(begin, order)


def row_bytes(rows: Tensor) -> NDArray[np.void]:
    """Each row of ``[N, D]`` as one value that equals another's exactly where the rows are equal (bools as bits)."""
    # Adding 0 makes −0.0 the other zero, which it equals.
    array = np.packbits(rows.numpy(), axis=1) if rows.dtype == torch.bool else (rows.contiguous() + 0).numpy()
    values: NDArray[np.void] = array.view(np.dtype((np.void, array.shape[1] * array.itemsize))).ravel()
    return values
