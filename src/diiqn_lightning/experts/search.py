"""Search in an expert's states and transitions: what every backend answers."""

from abc import ABC, abstractmethod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from diiqn_lightning.experts.distinct import DistinctTransitions, Indices

Distances = NDArray[np.float32]


class Closer(NamedTuple):
    """Agent transitions that are closer to an expert's than any before them, in the agent's order.

    Args:
        position: of the expert's transition, ``[C]``, see :class:`DistinctTransitions`.
        frame: which of the agent's transitions, ``[C]``.
        distance: D, ``[C]`` float32.
    """

    position: Indices
    frame: Indices
    distance: Distances


class Search(ABC):
    """Finds what is near among an expert's distinct transitions.

    The distance of (s, s') to (s_e, s'_e) is D = d(s, s_e) + d(s', s'_e).

    Args:
        distinct: the expert's.
        distance: d, one of :data:`diiqn_lightning.algorithm.distances.DISTANCES`.
    """

    def __init__(self, distinct: DistinctTransitions, distance: str) -> None:
        self.distinct, self.distance = distinct, distance

    @abstractmethod
    def nearest_states(self, observation: Tensor, count: int, within: float) -> tuple[Distances, Indices]:
        """Positions of the transitions whose first state is nearest; of equally near ones the first.

        Args:
            observation: ``[F, *O]``.
            count: how many, at most P.
            within: farther ones need not be found.

        Returns:
            Distances ``[F, count]``, +inf where there is none, and positions ``[F, count]``, nearest first.
        """

    @abstractmethod
    def closer(
        self,
        observation: Tensor,
        next_observation: Tensor,
        limit: Distances,
        *,
        ties: bool = False,
        within: float = np.inf,
    ) -> Closer:
        """Agent transitions that are closer to an expert's transition than a limit, and than each before them.

        Args:
            observation, next_observation: ``[F, *O]``.
            limit: distance that has to be undercut at each position, ``[Q]``; +inf where any will do, 0 where
                nothing can, as where no transition starts. It is lowered to what is found.
            ties: those that are as close as the closest before them are wanted too.
            within: approximate search may leave out what is farther.
        """

    @abstractmethod
    def distance_of(self, observation: Tensor, next_observation: Tensor) -> Tensor:
        """Distance of each agent transition to the nearest of the expert's: ``[F, *O]`` twice to ``[F]`` float32.

        By ``l2`` it is the Euclidean one of s and s' as one vector, and not the sum of two.
        """

    def limits(self, error: Distances) -> Distances:
        """Limits ``[Q]`` for :meth:`closer` by one for each of the dataset's transitions, ``[N]``."""
        limit = np.zeros(len(self.distinct), np.float32)
        limit[self.distinct.position_of] = error
        return limit


def just_above(distance: Distances) -> Distances:
    """The limit that lets equals through."""
    return np.nextafter(distance, np.float32(np.inf))


def joined(found: list[tuple[Indices, Distances]]) -> Closer:
    """Positions and distances of each frame, one frame after another."""
    positions, distances = zip(*found, strict=True)
    frame = np.repeat(np.arange(len(found)), [len(position) for position in positions])
    return Closer(np.concatenate(positions), frame, np.concatenate(distances))
