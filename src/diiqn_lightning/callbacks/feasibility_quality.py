"""Measures what is judged infeasible against the truth, in environments that know it."""

from typing import Any, Protocol, runtime_checkable

import lightning
import torch

from diiqn_lightning.algorithm.feasibility import precision_and_recall
from diiqn_lightning.callbacks.expert_data import ExpertData
from diiqn_lightning.callbacks.feasibility import Feasibility
from diiqn_lightning.envs import make_gym_env
from diiqn_lightning.envs.actions import action_meanings


@runtime_checkable
class KnowsFeasibility(Protocol):
    """An environment that can tell which transitions the agent could make."""

    def can_make(self, observation: Any, next_observation: Any) -> bool:
        """Whether one of the agent's actions leads from one state to the other."""
        ...


class FeasibilityQuality(lightning.Callback):
    """Logs precision and recall; the environment's answer reaches no learner."""

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Ask the environment about each expert transition once."""
        self._feasibility, self._truth = Feasibility.of(trainer), None
        states, data = ExpertData.of(trainer).states, trainer.datamodule
        with make_gym_env(data.env, env_kwargs=data.env_kwargs) as env:
            another_action_set = set(action_meanings(env)) != set(action_meanings(env.unwrapped))
            if another_action_set or not isinstance(env.unwrapped, KnowsFeasibility):
                return
            at = states.transition_starts
            pairs, entry = torch.unique(
                torch.stack([states.states[at], states.states[at + 1]], 1), dim=0, return_inverse=True
            )
            answers = [not env.unwrapped.can_make(*pair) for pair in pairs.numpy()]
        self._truth = torch.tensor(answers)[entry]

    def metrics(self) -> dict[str, float]:
        """``bridging/precision`` and ``bridging/recall`` of infeasibility, and its true share."""
        if self._truth is None:
            return {}
        precision, recall = precision_and_recall(self._feasibility.table.infeasible, self._truth)
        row = {"bridging/precision": precision, "bridging/recall": recall}
        known = {name: value for name, value in row.items() if value is not None}
        return known | {"bridging/infeasible_truth": float(self._truth.float().mean())}
