"""Finds how far each of the agent's transitions is from the expert's."""

from typing import Any, final

import lightning
import torch
from tensordict import TensorDictBase

from diiqn_lightning import keys
from diiqn_lightning.algorithm.distances import DISTANCES, require_binary
from diiqn_lightning.callbacks.expert_data import ExpertData
from diiqn_lightning.errors import InputError
from diiqn_lightning.experts.searches import require_backend


@final
class ExpertDistance(lightning.Callback):
    """Stores beside each new frame its distance to the nearest expert transition.

    By l2 the distance of (s, s') to (s_e, s'_e) is the Euclidean one of both states as one vector, by others
    d(s, s_e) + d(s', s'_e).

    Args:
        distance: l2, hamming, cosine or jaccard.
        backend: of the search: exact, or faiss (approximate; hamming and l2), for very large datasets.
    """

    def __init__(self, distance: str = "l2", backend: str = "exact") -> None:
        if distance not in DISTANCES:
            raise InputError("expert_distance.distance", distance, f"choose one of {', '.join(DISTANCES)}")
        require_backend(backend, "expert_distance.backend")
        self.distance, self.backend = distance, backend

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Lay the expert's transitions out for the search."""
        expert = ExpertData.of(trainer)
        require_binary(expert.states.states, self.distance, "expert_distance.distance")
        # Of binary observations the squared Euclidean distance is the number of differing entries, found much faster.
        self._squared = self.distance == "l2" and expert.states.states.dtype == torch.bool
        distance = "hamming" if self._squared else self.distance
        self._search = expert.searches.get(distance, self.backend, "expert_distance.backend")

    def on_frames(self, frames: TensorDictBase) -> None:
        """Search."""
        observation, next_observation = frames.get(keys.OBSERVATION), frames.get(keys.NEXT_OBSERVATION)
        distance = self._search.distance_of(observation, next_observation)
        frames.set(keys.EXPERT_DISTANCE, distance.sqrt() if self._squared else distance)
