"""Approximate search with faiss, for datasets so large that comparing with everything takes too long."""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diiqn_lightning.errors import InputError
from diiqn_lightning.experts.distance_rows import packed_words
from diiqn_lightning.experts.distinct import DistinctTransitions, Indices
from diiqn_lightning.experts.search import Closer, Distances, Search, joined, just_above

CELLS_OF_ROOT = 4
"""The data are cut into this many times the root of their number of cells: then finding the cells costs as much as
looking into a few of them."""

PROBED, TAUGHT_BY = 32, 64
"""Cells that are looked into, and data for each cell that its place is learned from (faiss's k-means)."""

PAIRS_FOR_A_FRAME = 64
"""Nearest transitions of the expert's that one agent transition is compared with."""


class FaissSearch(Search):
    """Looks into the cells of an inverted file that lie nearest.

    What is found is right, but not all may be found; ``benchmarks/neighbours.py`` states the recall. An agent
    transition is compared with the 64 nearest of the expert's transitions.

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
        cells = max(1, min(int(CELLS_OF_ROOT * len(vectors) ** 0.5), len(vectors) // TAUGHT_BY))
        if self._binary:
            places = faiss.IndexBinaryFlat(8 * vectors.shape[1])
            index = faiss.IndexBinaryIVF(places, 8 * vectors.shape[1], cells)
        else:
            places = faiss.IndexFlatL2(vectors.shape[1])
            index = faiss.IndexIVFFlat(places, vectors.shape[1], cells)
        index.cp.min_points_per_centroid, index.cp.max_points_per_centroid = 1, TAUGHT_BY
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

    def _nearest_pairs(self, observation: Tensor, next_observation: Tensor) -> Iterator[tuple[Indices, Distances]]:
        """Positions of the nearest of the expert's transitions for each agent transition, and their distances."""
        own, following = self._vectors(observation), self._vectors(next_observation)
        count = min(PAIRS_FOR_A_FRAME, len(self.distinct.starts))
        for frame, found in enumerate(self._pairs[0].search(np.concatenate([own, following], 1), count)[1]):
            position = self.distinct.starts[found[found >= 0]]
            yield position, self._distance(own[frame], position) + self._distance(following[frame], position + 1)

    def _distance(self, own: NDArray[Any], position: Indices) -> Distances:
        """Distances of one vector from some states: faiss has that of both together, which for l2 is not the sum."""
        others = self._vectors(self.distinct.states[torch.from_numpy(position)])
        if self._binary:
            return np.array(np.bitwise_count(others ^ own).sum(1), np.float32)
        return np.array(np.linalg.norm(others - own, axis=1), np.float32)

    def closer(self, observation: Tensor, next_observation: Tensor, limit: Distances, *, ties: bool = False) -> Closer:
        """See :meth:`Search.closer`."""
        found = []
        for position, distance in self._nearest_pairs(observation, next_observation):
            below = distance < limit[position]
            position, distance = position[below], distance[below]
            limit[position] = just_above(distance) if ties else distance
            found.append((position, distance))
        return joined(found)

    def distance_of(self, observation: Tensor, next_observation: Tensor) -> Tensor:
        """See :meth:`Search.distance_of`."""
        nearest = self._nearest_pairs(observation, next_observation)
        return torch.tensor([float(distance.min(initial=np.inf)) for _, distance in nearest])


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
        raise InputError(field, "faiss", "choose exact, or install faiss: pip install faiss-cpu") from error
