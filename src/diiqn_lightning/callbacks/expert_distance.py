"""Finds how far each of the agent's transitions is from the expert's."""

from typing import Any, final

import lightning
from tensordict import TensorDictBase

from diiqn_lightning import keys
from diiqn_lightning.algorithm.distances import DISTANCES, require_binary
from diiqn_lightning.callbacks.expert_data import ExpertData
from diiqn_lightning.errors import InputError
from diiqn_lightning.experts.search import require_backend


@final
class ExpertDistance(lightning.Callback):
    """Stores beside each new frame its distance to the nearest expert transition.

    The distance of (s, s') to (s_e, s'_e) is d(s, s_e) + d(s', s'_e).

    Args:
        distance: between observations: hamming, l2, cosine or jaccard.
        backend: of the search: exact, or faiss (approximate; hamming and l2), for very large datasets.
    """

    def __init__(self, distance: str = "hamming", backend: str = "exact") -> None:
        if distance not in DISTANCES:
            raise InputError("expert_distance.distance", distance, f"choose one of {', '.join(DISTANCES)}")
        require_backend(backend, "expert_distance.backend")
        self.distance, self.backend = distance, backend

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Lay the expert's transitions out for the search."""
        expert = ExpertData.of(trainer)
        require_binary(expert.states.states, self.distance, "expert_distance.distance")
        self._search = expert.searches.get(self.distance, self.backend, "expert_distance.backend")

    def on_frames(self, frames: TensorDictBase) -> None:
        """Search."""
        observation, next_observation = frames.get(keys.OBSERVATION), frames.get(keys.NEXT_OBSERVATION)
        frames.set(keys.EXPERT_DISTANCE, self._search.distance_of(observation, next_observation))
