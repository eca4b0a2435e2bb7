"""The nearest expert states of an agent's state."""

import torch
from torch import Tensor

from diiqn_lightning.algorithm.distances import pairwise, similarity
from diiqn_lightning.errors import InputError, require_within
from diiqn_lightning.experts.dataset import ExpertStates


class NeighbourIndex:
    """Finds the K nearest expert transitions, by the distance of their first state, above a similarity.

    Args:
        states: the expert's.
        distance: one of :data:`diiqn_lightning.algorithm.distances.DISTANCES`.
        neighbours: K.
        similarity_threshold: τ in [0, 1].
        largest: d_max of the distance; ``None`` takes the number of entries for ``hamming`` and the
            diagonal of the dataset's bounding box for ``l2``.

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
    ) -> None:
        if not 1 <= neighbours <= states.num_transitions:
            raise InputError(
                "expert_sampling.neighbours", neighbours, f"give a whole number from 1 to {states.num_transitions}"
            )
        require_within(0, 1, **{"expert_sampling.similarity_threshold": similarity_threshold})
        self.distance, self.neighbours, self.threshold = distance, neighbours, similarity_threshold
        self._reference = states.states[states.transition_starts].flatten(1).float()
        self.largest = largest if largest is not None else largest_distance(self._reference, distance)

    def search(self, observation: Tensor) -> Tensor:
        """Indices of the nearest expert transitions.

        Args:
            observation: agent states, ``[F, *O]``.

        Returns:
            ``[F, K]`` int32, nearest first; −1 where no expert state is as similar as τ.
        """
        distances = pairwise(observation.flatten(1), self._reference, self.distance)
        nearest, index = distances.topk(self.neighbours, dim=1, largest=False, sorted=True)
        close = similarity(nearest, self.distance, self.largest) >= self.threshold
        return torch.where(close, index, -1).int()


def largest_distance(reference: Tensor, distance: str) -> float:
    """d_max: the number of entries (``hamming``), or the diagonal of the data's bounding box (``l2``).

    Args:
        reference: ``[R, D]`` float.
        distance: its kind; 1 for those that need none.
    """
    if distance == "hamming":
        return float(reference.shape[1])
    if distance == "l2":
        return max(float((reference.amax(0) - reference.amin(0)).norm()), 1e-12)
    return 1.0
