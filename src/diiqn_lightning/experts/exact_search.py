"""The exact search: distances from everything, and as little as possible of them looked at."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from weakref import ref

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diiqn_lightning.experts.distance_rows import Row, distance_rows
from diiqn_lightning.experts.distinct import DistinctTransitions, Indices
from diiqn_lightning.experts.search import Closer, Distances, Search, joined, just_above

GROUP = 64
"""Distances of which only the smallest is looked at first."""

FEW = 64
"""Truth values that are looked up one by one; more are collected in one pass, which takes as long as about so many."""


class Answer(NamedTuple):
    """The nearest states by a row of distances, as long as there is that row.

    Args:
        row: of whom.
        asked: how many, and within which distance.
        positions: of them, nearest first.
    """

    row: "ref[Row]"
    asked: tuple[int, float]
    positions: Indices


class ExactSearch(Search):
    """What comparing with everything finds, by the distances of each new state from each of the expert's."""

    def __init__(self, distinct: DistinctTransitions, distance: str) -> None:
        super().__init__(distinct, distance)
        self._rows = distance_rows(distinct.states, distance)
        self._never: Row = np.zeros(0, np.bool_)  # the largest distance where no transition starts, in the rows' type
        self._answers: dict[int, Answer] = {}  # of the chunk before: an agent that stays where it is has the same row
        self._near, self._closer = Found(len(distinct.states)), Found(len(distinct.states) - 1)

    def nearest_states(self, observation: Tensor, count: int, within: float) -> tuple[Distances, Indices]:
        """See :meth:`Search.nearest_states`."""
        distances = np.full((len(observation), count), np.inf, np.float32)
        positions = np.zeros((len(observation), count), np.int64)
        frame, before, self._answers = 0, self._answers, {}
        for part in torch.split(observation.flatten(1), self._rows.at_once):
            for row in self._rows.of(part):
                answer = before.get(id(row))
                if answer is None or answer.row() is not row or answer.asked != (count, within):
                    answer = Answer(ref(row), (count, within), self._nearest(row, count, within))
                self._answers[id(row)] = answer
                nearest = answer.positions
                distances[frame, : len(nearest)], positions[frame, : len(nearest)] = row[nearest], nearest
                frame += 1
        return distances, positions

    def _nearest(self, row: Row, count: int, within: float) -> Indices:
        """Positions of the nearest states that transitions start from, nearest first."""
        if self._never.dtype != row.dtype:
            self._never = np.where(self.distinct.is_start, 0, _largest(row.dtype)).astype(row.dtype)
        row = np.maximum(row, self._never)
        bound = min(_at_least_as_large_as(row, count), within)
        # Whole numbers are compared with a whole number, or all of them would be converted.
        np.less_equal(row, bound if row.dtype == np.float32 else int(bound), out=self._near.mask)
        near = self._near.positions()
        near = near[np.argsort(row[near], kind="stable")[:count]]
        return near[self.distinct.is_start[near]]

    def _pairs_of_rows(
        self, observation: Tensor, next_observation: Tensor, together: Callable[[Row, Row], Row] = np.add
    ) -> Iterator[Row]:
        """Distances of each agent transition from that at each position but the last, where none starts."""
        parts = (torch.split(states.flatten(1), self._rows.at_once) for states in (observation, next_observation))
        for own, following in zip(*parts, strict=True):
            for row, next_row in zip(self._rows.of(own), self._rows.of(following), strict=True):
                yield together(row[:-1], next_row[1:])

    def closer(
        self,
        observation: Tensor,
        next_observation: Tensor,
        limit: Distances,
        *,
        ties: bool = False,
        within: float = np.inf,
    ) -> Closer:
        """See :meth:`Search.closer`."""
        found: list[tuple[Indices, Distances]] = []
        reach: Row = limit
        for distance in self._pairs_of_rows(observation, next_observation):
            if reach.dtype != distance.dtype:
                reach = _in_units_of(distance.dtype, limit)
            np.less(distance, reach[:-1], out=self._closer.mask)
            at = self._closer.positions()
            found_distance = distance[at]
            closer = found_distance.astype(np.float32)
            limit[at] = just_above(closer) if ties else closer
            if reach is not limit:
                reach[at] = found_distance + int(ties)
            found.append((at, closer))
        return joined(found)

    def distance_of(self, observation: Tensor, next_observation: Tensor) -> Tensor:
        """See :meth:`Search.distance_of`."""
        is_start = self.distinct.is_start[:-1]
        together = np.hypot if self.distance == "l2" else np.add
        pairs = self._pairs_of_rows(observation, next_observation, together)
        nearest = [distance[is_start].min() for distance in pairs]
        return torch.from_numpy(np.array(nearest).astype(np.float32))


class Found:
    """Positions of what is true, where few of very many are: C's search for a byte is faster than looking at each.

    Args:
        length: how many there are.
    """

    def __init__(self, length: int) -> None:
        self._bytes = bytearray(length)

    @property
    def mask(self) -> NDArray[np.bool_]:
        """To be written into, ``[length]``."""
        return np.frombuffer(self._bytes, np.bool_)

    def positions(self) -> Indices:
        """Of what is true in the mask, ascending."""
        positions: list[int] = []
        at = self._bytes.find(1)
        while at >= 0:
            if len(positions) == FEW:
                return self.mask.nonzero()[0]
            positions.append(at)
            at = self._bytes.find(1, at + 1)
        return np.array(positions, np.int64)


def _at_least_as_large_as(row: Row, count: int) -> float:
    """A bound of the ``count`` smallest distances of a row that few others are within: found without sorting them."""
    groups = len(row) // GROUP
    if groups >= count:
        # Each group's smallest is one of the row's, and they are different ones.
        row = row[: groups * GROUP].reshape(GROUP, groups).min(0)
    return float(np.partition(row, count - 1)[count - 1])


def _largest(dtype: np.dtype[Any]) -> Any:
    """Above all distances of a row's type, and a number that float32 has, too."""
    return dtype.type(np.inf) if dtype == np.float32 else min(np.iinfo(dtype).max, 1 << 31)


def _in_units_of(dtype: np.dtype[Any], limit: Distances) -> Row:
    """Limits as a row's type can be compared with: a whole number is below one if it is below the next whole one."""
    if dtype == np.float32:
        return limit
    whole = np.ceil(limit)
    np.minimum(whole, _largest(dtype), out=whole)  # in place: memory of this size is slow to come by
    return whole.astype(dtype)
