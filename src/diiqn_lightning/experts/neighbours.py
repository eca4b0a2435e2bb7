"""The nearest expert states of an agent's state."""

import numpy as np
import torch
from torch import Tensor

from diiqn_lightning.algorithm.distances import similarity
from diiqn_lightning.errors import InputError, require_within
from diiqn_lightning.experts.dataset import ExpertStates
from diiqn_lightning.experts.distinct import DistinctTransitions
from diiqn_lightning.experts.search import Search
from diiqn_lightning.experts.searches import build_search

ROUNDING = 1e-6
"""More than a similarity in single precision can be off by."""


class NeighbourIndex:
    """Finds the K nearest expert transitions, by the distance of their first state, above a similarity.

    Args:
        states: the expert's.
        distance: one of :data:`diiqn_lightning.algorithm.distances.DISTANCES`.
        neighbours: K.
        similarity_threshold: τ in [0, 1].
        largest: d_max of the distance; ``None`` takes the number of entries for ``hamming`` and the
            diagonal of the dataset's bounding box for ``l2``.
        search: a search in these states by this distance; ``None`` builds an exact one.

    Raises:
        InputError: for K below 1, K larger than the dataset, or τ outside [0, 1].
    """

    def __init__(
        self,
        states: ExpertStates,
        distance: str,
        neighbours: int,
        similarity_threshold: float,
        largest: float | None = None,
        search: Search | None = None,
    ) -> None:
        if not 1 <= neighbours <= states.num_transitions:
            raise InputError(
                "expert_sampling.neighbours", neighbours, f"give a whole number from 1 to {states.num_transitions}"
            )
        require_within(0, 1, **{"expert_sampling.similarity_threshold": similarity_threshold})
        self.distance, self.neighbours, self.threshold = distance, neighbours, similarity_threshold
        self._search = search or build_search(DistinctTransitions(states), distance)
        distinct = self._search.distinct
        self._transitions = distinct.transitions.first(neighbours)
        self._count = min(neighbours, len(distinct.starts))
        starts = distinct.states[torch.from_numpy(distinct.starts)]
        self.largest = largest if largest is not None else largest_distance(starts, distance)
        scale = self.largest if distance in ("hamming", "l2") else 1.0
        self._within = (1 - similarity_threshold) * scale * (1 + 1e-5) + 1e-5  # wider than what rounding can do

    def search(self, observation: Tensor) -> Tensor:
        """Indices of the nearest expert transitions.

        Args:
            observation: agent states, ``[F, *O]``.

        Returns:
            ``[F, K]`` int32, nearest first and of equally near ones the first; −1 where no expert state is as
            similar as τ.
        """
        distances, positions = self._search.nearest_states(observation, self._count, self._within)
        # A similarity of exactly τ counts: what it was rounded by must not decide.
        similar = (
            similarity(torch.from_numpy(distances), self.distance, self.largest) >= self.threshold - ROUNDING
        ).numpy()
        # The K nearest transitions are equal to the K nearest distinct ones, and among the first K equals of each.
        transitions, which = self._transitions.members_of(positions[similar])
        frame, distance = similar.nonzero()[0][which], distances[similar][which]
        order = np.lexsort((transitions, distance, frame))
        frame, transitions = frame[order], transitions[order]
        rank = np.arange(len(frame)) - np.searchsorted(frame, frame)
        found = np.full((len(observation), self.neighbours), -1, np.int32)
        first = rank < self.neighbours
        found[frame[first], rank[first]] = transitions[first]
        return torch.from_numpy(found)


def largest_distance(reference: Tensor, distance: str) -> float:
    """d_max: the number of entries (``hamming``), or the diagonal of the data's bounding box (``l2``).

    Args:
        reference: ``[R, D]``.
        distance: its kind; 1 for those that need none.
    """
    if distance == "hamming":
        return float(reference.shape[1])
    if distance == "l2":
        return max(float((reference.amax(0).float() - reference.amin(0).float()).norm()), 1e-12)
    return 1.0
