"""Finds how far each of the agent's transitions is from the expert's."""

from typing import Any, final

import lightning
import torch
from tensordict import TensorDictBase

from diiqn_lightning import keys
from diiqn_lightning.algorithm.distances import DISTANCES, pairwise, require_binary
from diiqn_lightning.callbacks.expert_data import ExpertData
from diiqn_lightning.errors import InputError


@final
class ExpertDistance(lightning.Callback):
    """Stores beside each new frame its distance to the nearest expert transition.

    The distance of (s, s') to (s_e, s'_e) is d(s, s_e) + d(s', s'_e).

    Args:
        distance: between observations: hamming, l2, cosine or jaccard.
    """

    def __init__(self, distance: str = "hamming") -> None:
        if distance not in DISTANCES:
            raise InputError("expert_distance.distance", distance, f"choose one of {', '.join(DISTANCES)}")
        self.distance = distance

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Lay the expert's transitions out for the search."""
        states = ExpertData.of(trainer).states
        require_binary(states.states, self.distance, "expert_distance.distance")
        everything = torch.arange(states.num_transitions)
        self._pair = tuple(
            part(everything).flatten(1).float() for part in (states.observation, states.next_observation)
        )

    def on_frames(self, frames: TensorDictBase) -> None:
        """Search."""
        pair = (frames.get(keys.OBSERVATION).flatten(1), frames.get(keys.NEXT_OBSERVATION).flatten(1))
        distance = sum(pairwise(own, expert, self.distance) for own, expert in zip(pair, self._pair, strict=True))
        frames.set(keys.EXPERT_DISTANCE, torch.as_tensor(distance).amin(1))
