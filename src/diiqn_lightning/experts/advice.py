"""What an expert would do in a state, as far as a run has found out."""

import torch
from torch import Tensor

from diiqn_lightning.experts.dataset import ExpertStates
from diiqn_lightning.experts.neighbours import NeighbourIndex

FOLLOWS, LEAVES, NO_ADVICE = "follows", "leaves", "no advice"
SURE_FROM = 0.5
"""ζ from which an inferred action counts as advice (design choice): halfway from knowing nothing to being certain."""


class Advice:
    """The inferred actions of the expert transitions that are nearest to a state.

    Args:
        states: the expert's.
        action: inferred action of each transition, ``[N]`` int64; −1 where there is none.
        certainty: ζ of it, ``[N]``.
        distance: of states, see :class:`NeighbourIndex`.
        neighbours: K; of the K nearest those advise whose state equals the nearest one's.
        similarity_threshold: τ: where no expert state is as similar there is no advice.
    """

    def __init__(
        self,
        states: ExpertStates,
        action: Tensor,
        certainty: Tensor,
        distance: str,
        neighbours: int,
        similarity_threshold: float,
    ) -> None:
        self._states = states
        self._action = torch.where(certainty >= SURE_FROM, action, -1)
        neighbours = min(neighbours, states.num_transitions)
        self._index = NeighbourIndex(states, distance, neighbours, similarity_threshold)

    def at(self, observation: Tensor) -> frozenset[int]:
        """Actions that the expert took in the nearest of its states, ``[*O]``; none where it has no advice."""
        found = self._index.search(observation.unsqueeze(0))[0].long()
        if int(found[0]) < 0:
            return frozenset()
        near = self._states.observation(found[found >= 0])
        alike = (near == near[0]).flatten(1).all(1)
        actions = self._action[found[: len(near)][alike]]
        return frozenset(actions[actions >= 0].tolist())


def verdict(advised: frozenset[int], action: int) -> str:
    """``follows``, ``leaves`` or ``no advice``."""
    if not advised:
        return NO_ADVICE
    return FOLLOWS if action in advised else LEAVES
