"""Infers the expert's actions from the agent's own transitions."""

from typing import Any, final

import lightning
import torch
from tensordict import TensorDictBase

from diiqn_lightning import keys
from diiqn_lightning.algorithm.distances import DISTANCES, pairwise
from diiqn_lightning.algorithm.inference import closest_transition, origin_of
from diiqn_lightning.callbacks.expert_data import ExpertData
from diiqn_lightning.errors import InputError, require_positive


@final
class ActionInference(lightning.Callback):
    """Gives each expert transition the action of the closest agent transition seen so far.

    Args:
        distance: between observations: hamming (differing entries of binary observations), l2,
            cosine, or jaccard. A transition's distance is that of its state plus that of its next one.
        error_max: err_max, the distance at which the confidence ζ in an action reaches 0, in the
            units of the distance.
    """

    def __init__(self, distance: str = "hamming", error_max: float = 8.0) -> None:
        if distance not in DISTANCES:
            raise InputError("action_inference.distance", distance, f"choose one of {', '.join(DISTANCES)}")
        require_positive(**{"action_inference.error_max": error_max})
        self.distance, self.error_max = distance, error_max
        self._frames = 0

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Find the dataset."""
        self._expert, self._rank = ExpertData.of(trainer), trainer.global_rank
        everything = torch.arange(self._expert.states.num_transitions)
        self._observation = self._expert.states.observation(everything).flatten(1).float()
        self._next_observation = self._expert.states.next_observation(everything).flatten(1).float()

    def on_frames(self, frames: TensorDictBase) -> None:
        """Compare new agent transitions with every expert transition."""
        observation = frames.get(keys.OBSERVATION).flatten(1)
        next_observation = frames.get(keys.NEXT_OBSERVATION).flatten(1)
        distance = pairwise(observation, self._observation, self.distance)
        distance += pairwise(next_observation, self._next_observation, self.distance)
        match = closest_transition(
            distance,
            frames.get(keys.ACTION),
            frames.get(keys.REWARD),
            frames.get(keys.TERMINATED),
            origin_of(self._frames, len(observation), self._rank),
        )
        self._frames += len(observation)
        self._expert.table.update_match(match, self.error_max)

    def metrics(self) -> dict[str, float]:
        """Share of expert transitions whose match is within err_max, and whose match is exact."""
        error = self._expert.table.match.error
        return {
            "inference/coverage": float((error <= self.error_max).float().mean()),
            "inference/exact": float((error == 0).float().mean()),
        }

    def rank_state(self) -> dict[str, Any]:
        """Frames seen so far."""
        return {"frames": self._frames}

    def load_rank_state(self, state: dict[str, Any]) -> None:
        """Continue counting."""
        self._frames = state["frames"]
