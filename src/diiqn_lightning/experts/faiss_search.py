"""Approximate search with faiss, for datasets so large that comparing with everything takes too long."""

import warnings
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diiqn_lightning.errors import InputError
from diiqn_lightning.experts.distance_rows import packed_words
from diiqn_lightning.experts.distinct import DistinctTransitions, Indices
from diiqn_lightning.experts.search import Closer, Distances, Search, joined, just_above

PROBED = 32
"""Cells that are looked into: of as many as the root of the number of data."""

TAUGHT_BY, ROUNDS = 40, 10
"""Data for each cell that its place is learned from, and rounds of learning (k-means)."""


class FaissSearch(Search):
    """Looks into the cells of an inverted file that lie nearest.

    What is found is right, but not all may be found; ``benchmarks/neighbours.py`` states the recall.

    Args:
        distinct: the expert's.
        distance: hamming or l2.
    """

    def __init__(self, distinct: DistinctTransitions, distance: str) -> None:
        super().__init__(distinct, distance)
        self._binary = distance == "hamming"
        vectors, starts = self._vectors(distinct.states), distinct.starts
        self._states = self._index(vectors[starts])
        self._pairs = self._index(np.concatenate([vectors[starts], vectors[starts + 1]], 1))

    def _vectors(self, observation: Tensor) -> NDArray[Any]:
        """What faiss takes: bits as bytes, whole words of them, or float32."""
        flat = observation.flatten(1)
        return packed_words((flat != 0).numpy()).view(np.uint8) if self._binary else flat.float().numpy()

    def _index(self, vectors: NDArray[Any]) -> Any:
        faiss = import_faiss()
        faiss.omp_set_num_threads(torch.get_num_threads())
        cells = max(1, min(int(len(vectors) ** 0.5), len(vectors) // TAUGHT_BY))
        if self._binary:
            places = faiss.IndexBinaryFlat(8 * vectors.shape[1])
            index = faiss.IndexBinaryIVF(places, 8 * vectors.shape[1], cells)
        else:
            places = faiss.IndexFlatL2(vectors.shape[1])
            index = faiss.IndexIVFFlat(places, vectors.shape[1], cells)
        index.cp.min_points_per_centroid, index.cp.max_points_per_centroid, index.cp.niter = 1, TAUGHT_BY, ROUNDS
        index.nprobe = min(PROBED, cells)
        index.train(vectors)
        index.add(vectors)
        return index, places  # the index does not keep the places alive

    def nearest_states(self, observation: Tensor, count: int, within: float) -> tuple[Distances, Indices]:
        """See :meth:`Search.nearest_states`."""
        distances, found = self._states[0].search(self._vectors(observation), count)
        positions = self.distinct.starts[np.maximum(found, 0)]
        distances = np.where(found < 0, np.inf, distances if self._binary else np.sqrt(distances)).astype(np.float32)
        order = np.lexsort((positions, distances))
        return np.take_along_axis(distances, order, 1), np.take_along_axis(positions, order, 1)

    def _pairs_of(self, observation: Tensor, next_observation: Tensor) -> NDArray[Any]:
        return np.concatenate([self._vectors(observation), self._vectors(next_observation)], 1)

    def _distances(self, pair: NDArray[Any], position: Indices) -> Distances:
        """D of one agent transition from those at some positions."""
        own, following = np.split(pair, 2)
        return self._distance(own, position) + self._distance(following, position + 1)

    def _distance(self, own: NDArray[Any], position: Indices) -> Distances:
        """d of one vector from the states at some positions."""
        others = self._vectors(self.distinct.states[torch.from_numpy(position)])
        if self._binary:
            return np.array(np.bitwise_count(others ^ own).sum(1), np.float32)
        return np.array(np.linalg.norm(others - own, axis=1), np.float32)

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
        pairs, found = self._pairs_of(observation, next_observation), []
        # The root of a sum of squares is at most the sum: what is within for D is so for both vectors together.
        radius = min(within, 8.0 * pairs.shape[1]) + 1 if self._binary else within**2 * (1 + 1e-5)
        ends, near, numbers = self._pairs[0].range_search(pairs, int(radius) if self._binary else radius)
        for frame, pair in enumerate(pairs):
            part = slice(int(ends[frame]), int(ends[frame + 1]))
            position = self.distinct.starts[numbers[part]]
            distance = near[part].astype(np.float32) if self._binary else self._distances(pair, position)
            below = (distance < limit[position]) & (distance <= within)
            position, distance = position[below], distance[below]
            limit[position] = just_above(distance) if ties else distance
            found.append((position, distance))
        return joined(found)

    def distance_of(self, observation: Tensor, next_observation: Tensor) -> Tensor:
        """See :meth:`Search.distance_of`."""
        pairs = self._pairs_of(observation, next_observation)
        distances = self._pairs[0].search(pairs, 1)[0][:, 0]
        return torch.from_numpy(np.array(distances if self._binary else np.sqrt(distances), np.float32))


def import_faiss() -> Any:
    """The module. Its wrappers warn of themselves on import, which is none of a user's concern."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import faiss
    return faiss


def require_faiss(distance: str, field: str) -> None:
    """Refuse what cannot be.

    Raises:
        InputError: if faiss is not installed, or for another distance than hamming and l2.
    """
    if distance not in ("hamming", "l2"):
        raise InputError(field, "faiss", f"choose exact: faiss does not search by {distance}")
    try:
        import_faiss()
    except ImportError as error:
        remedy = "choose exact, or install it with `pip install diiqn-lightning[faiss]`"
        raise InputError(field, "faiss", remedy) from error
