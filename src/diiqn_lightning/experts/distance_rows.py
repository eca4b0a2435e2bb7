"""Distances of one observation from each state of an expert: exact, and as little as possible anew."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diiqn_lightning.algorithm.distances import pairwise

Row = NDArray[Any]
"""Distances from the Q states, ``[Q]``: uint8, uint16 or uint32 (hamming), else float32."""

KEPT_BYTES, KEPT_ROWS = 128 << 20, 256
"""Memory of the rows that are kept, and how many at most."""

STATES_AT_ONCE = 1 << 14
"""Real states that are compared at once: their float32 fit a processor's cache for small observations."""

UNPACKED_BYTES = 512 << 20
"""Columns of bits lie a byte each up to this size, and packed beyond: half as fast, an eighth of the memory."""


class DistanceRows(ABC):
    """Rows of distances. The last ones are kept: what an agent came to is what it goes on from.

    Args:
        count: Q.
        itemsize: bytes of a distance.
    """

    def __init__(self, count: int, itemsize: int) -> None:
        self._most = int(np.clip(KEPT_BYTES // (count * itemsize), 2, KEPT_ROWS))
        self.at_once = max(1, self._most // 4)
        self._kept: dict[bytes, Row] = {}

    def of(self, observation: Tensor) -> list[Row]:
        """Rows of at most ``at_once`` observations, ``[F, D]``."""
        states = self._comparable(observation)
        names = [state.tobytes() for state in states]
        new = {name: position for position, name in enumerate(names) if name not in self._kept}
        computed = self._compute(states[list(new.values())]) if new else []
        self._kept |= zip(new, computed, strict=True)
        rows = [self._kept[name] for name in names]
        # The oldest is forgotten first: an agent has left it.
        for name in list(self._kept)[: max(0, len(self._kept) - self._most)]:
            del self._kept[name]
        return rows

    @abstractmethod
    def _comparable(self, observation: Tensor) -> NDArray[Any]:
        """Observations as they are compared, ``[F, *]``: equal ones in equal bytes."""

    @abstractmethod
    def _compute(self, states: NDArray[Any]) -> list[Row]:
        """Rows of observations that are not kept, ``[F, *]`` as they are compared."""


class HammingRows(DistanceRows):
    """Differing entries of binary observations.

    Two ways, whichever is the shorter. By columns: a step changes few entries, so a row is that of the most alike
    observation at hand (the empty one is always there) corrected by the columns of the entries in which they differ.
    By words: exclusive-or of packed bits and their popcount. Both are exact.

    Args:
        states: ``[Q, D]``, of zeros and ones.
    """

    def __init__(self, states: Tensor) -> None:
        super().__init__(len(states), 1)
        bits = (states != 0).numpy()
        self._words = np.ascontiguousarray(packed_words(bits).T)
        self._size = bits.sum(1)
        self._largest = int(self._size.max())
        # One row for entries that are in none of the states, which change no distance but by the observation's side.
        used = bits.any(0)
        self._column_of = np.where(used, np.cumsum(used) - 1, -1)
        columns = np.ascontiguousarray(bits.T[used])
        self._packed = columns.nbytes > UNPACKED_BYTES
        # An entry that is set in both is one less on both sides: a column counts twice.
        self._columns = np.packbits(columns, axis=1) if self._packed else columns.view(np.uint8) << np.uint8(1)
        self._use(np.dtype(np.uint8))

    def _use(self, dtype: np.dtype[Any]) -> None:
        self._dtype, self._empty = dtype, self._size.astype(dtype)
        self._kept.clear()

    def _comparable(self, observation: Tensor) -> NDArray[np.uint64]:
        words = packed_words((observation != 0).numpy())
        largest = self._largest + int(_set_in(words).max())
        # The sum of two distances has to fit too.
        if 2 * largest >= np.iinfo(self._dtype).max:
            self._use(np.dtype(np.uint16 if 2 * largest < np.iinfo(np.uint16).max else np.uint32))
        return words

    def _compute(self, states: NDArray[np.uint64]) -> list[Row]:
        kept = b"".join([bytes(8 * states.shape[1]), *self._kept])
        bases, rows = np.frombuffer(kept, np.uint64).reshape(-1, states.shape[1]), [self._empty, *self._kept.values()]
        differing = np.zeros((len(states), len(bases)), np.uint32)
        for word, of_bases in zip(states.T, np.ascontiguousarray(bases.T), strict=True):
            differing += np.bitwise_count(word[:, None] ^ of_bases)
        base = differing.argmin(1)
        added, removed = self._columns_of(states & ~bases[base]), self._columns_of(bases[base] & ~states)
        larger = _set_in(states) - _set_in(bases[base])
        few = differing.min(1) <= self._columns_worth_a_word * states.shape[1]
        return [
            self._by_columns(rows[base[frame]], int(larger[frame]), added[frame], removed[frame])
            if few[frame]
            else self._by_words(own)
            for frame, own in enumerate(states)
        ]

    @property
    def _columns_worth_a_word(self) -> int:
        """Columns that take the time of a word: measured, see ``benchmarks/neighbours.py``."""
        return 6 if self._packed or self._dtype != np.uint8 else 16

    def _columns_of(self, words: NDArray[np.uint64]) -> list[list[int]]:
        """For each of some sets of entries, ``[F, W]``, their columns."""
        frame, entry = np.unpackbits(words.view(np.uint8), axis=1).nonzero()
        columns = self._column_of[entry]
        used = columns >= 0
        ends = np.searchsorted(frame[used], np.arange(len(words)), side="right")
        return [part.tolist() for part in np.split(columns[used], ends[:-1])]

    def _by_columns(self, base: Row, larger: int, added: list[int], removed: list[int]) -> Row:
        """The row of an observation that has so many entries more than that of a row at hand, and others in place."""
        # Unsigned arithmetic may pass below 0 on the way: the result is right modulo the type's range.
        row: Row = np.empty_like(base)
        for columns, change in ((added, np.subtract), (removed, np.add)):
            for column in columns:
                base = change(base, self._column(column), out=row)
        if larger or base is not row:
            np.add(base, np.array(larger).astype(self._dtype), out=row)
        return row

    def _column(self, column: int) -> NDArray[np.uint8]:
        bits: NDArray[np.uint8] = self._columns[column]
        return np.unpackbits(bits, count=len(self._size)) << np.uint8(1) if self._packed else bits

    def _by_words(self, own: NDArray[np.uint64]) -> Row:
        row: Row = np.bitwise_count(self._words[0] ^ own[0]).astype(self._dtype)
        for word, of_states in zip(own[1:], self._words[1:], strict=True):
            row += np.bitwise_count(of_states ^ word)
        return row


class BinaryRows(HammingRows):
    """Other distances of binary observations: all follow from how many entries differ, and how many are set.

    Args:
        states: ``[Q, D]``, of zeros and ones.
        distance: l2, cosine or jaccard.
    """

    def __init__(self, states: Tensor, distance: str) -> None:
        super().__init__(states)
        self._from_differing = FROM_DIFFERING[distance]

    def of(self, observation: Tensor) -> list[Row]:
        """Rows of at most ``at_once`` observations, ``[F, D]``."""
        differing = super().of(observation)
        own = (observation != 0).sum(1).numpy().astype(np.float32)
        size = self._size.astype(np.float32)
        return [
            self._from_differing(row.astype(np.float32), count, size) for row, count in zip(differing, own, strict=True)
        ]


def _jaccard(differing: Row, own: Any, size: Row) -> Row:
    # What is set in either is half of what is set in both and what differs.
    jaccard: Row = differing / np.maximum((own + size + differing) / 2, np.float32(1))
    return jaccard


def _cosine(differing: Row, own: Any, size: Row) -> Row:
    # The product of two observations is what is set in both: half of what is set in each and does not differ.
    cosine: Row = 1 - (own + size - differing) / 2 / np.maximum(np.sqrt(own * size), np.float32(1))
    return np.maximum(cosine, np.float32(0), out=cosine)


def _l2(differing: Row, own: Any, size: Row) -> Row:
    l2: Row = np.sqrt(differing, out=differing)
    return l2


FROM_DIFFERING: dict[str, Callable[[Row, Any, Row], Row]] = {"jaccard": _jaccard, "cosine": _cosine, "l2": _l2}
"""Distances from differing entries, ``[Q]``, the observation's number of set ones, and the states', ``[Q]``."""


class RealRows(DistanceRows):
    """Distances of real observations, from a part of the states at a time.

    Args:
        states: ``[Q, D]``.
        distance: l2 or cosine.
    """

    def __init__(self, states: Tensor, distance: str) -> None:
        super().__init__(len(states), 4)
        self._states, self._distance = states, distance

    def of(self, observation: Tensor) -> list[Row]:
        """Rows of at most ``at_once`` observations, ``[F, D]``."""
        # A product of matrices may round differently in other company: what is kept must not decide the company, or
        # a resumed run, which has kept nothing, would differ.
        return self._compute(self._comparable(observation)) if self._distance == "cosine" else super().of(observation)

    def _comparable(self, observation: Tensor) -> NDArray[Any]:
        # Adding 0 makes −0.0 the other zero, which it equals.
        return (observation if observation.dtype == torch.bool else observation.contiguous() + 0).numpy()

    def _compute(self, states: NDArray[Any]) -> list[Row]:
        own, parts = torch.from_numpy(states), torch.split(self._states, STATES_AT_ONCE)
        return list(torch.cat([pairwise(own, part, self._distance) for part in parts], 1).numpy())


def _set_in(words: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Entries that are set in each row of ``[F, W]``."""
    count: NDArray[np.int64] = np.bitwise_count(words).sum(1, dtype=np.int64)
    return count


def distance_rows(states: Tensor, distance: str) -> DistanceRows:
    """The rows that go with a distance; states ``[Q, D]``."""
    if distance == "hamming":
        return HammingRows(states)
    binary = distance == "jaccard" or states.dtype == torch.bool
    return BinaryRows(states, distance) if binary else RealRows(states, distance)


def packed_words(bits: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """``[N, D]`` bool to ``[N, ceil(D / 64)]`` uint64."""
    packed = np.packbits(bits, axis=1)
    whole = np.zeros((len(bits), -(-packed.shape[1] // 8) * 8), np.uint8)
    whole[:, : packed.shape[1]] = packed
    return whole.view(np.uint64)
