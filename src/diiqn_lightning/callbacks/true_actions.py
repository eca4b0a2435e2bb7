"""Oracles: learning from what the expert really did and earned."""

from typing import Any

import torch
from tensordict import TensorDictBase

from diiqn_lightning.callbacks.action_inference import ActionInference
from diiqn_lightning.errors import InputError
from diiqn_lightning.experts.action_sets import has_actions_of


class TrueActions(ActionInference):
    """An oracle: fills the table from the dataset's own labels, in place of any inference.

    It says what a method could do if inference were perfect, and has no place in a comparison of methods that learn
    from states alone.
    """

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Read the labels.

        Raises:
            InputError: for a dataset without labels, without rewards where the agent learns from any, or with actions
                that the agent does not have.
        """
        super().setup(trainer, pl_module, stage)
        labels, states, table = self._expert.dataset.labels, self._expert.states, self._expert.table
        if labels is None:
            raise InputError(
                "expert", self._expert.name, "choose a dataset with labels, this oracle learns from the true actions"
            )
        if labels.reward is None and pl_module.sees_reward:
            raise InputError(
                "expert", self._expert.name, "choose a dataset with rewards, this oracle learns from the true ones"
            )
        data = trainer.datamodule
        largest, num_actions = int(labels.action.max()), data.num_actions
        if largest >= num_actions:
            raise InputError(
                "expert",
                f"{self._expert.name}, whose expert has an action number {largest}",
                f"choose an expert with the agent's {num_actions} actions, this oracle imitates the true ones",
            )
        if not has_actions_of(self._expert.dataset.card, data.env, data.env_kwargs):
            raise InputError(
                "expert",
                f"{self._expert.name}, whose expert has other actions than the agent",
                "choose an expert with the agent's, this oracle imitates the true ones",
            )
        certain = torch.ones(len(labels.action))
        reward = torch.zeros_like(certain) if labels.reward is None else labels.reward
        table.relabel(labels.action.clone(), certain, reward, labels.terminated)
        table.sum_returns(states.episode_lengths, self._discount)

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: TensorDictBase, batch_idx: int) -> None:
        """Nothing changes."""
