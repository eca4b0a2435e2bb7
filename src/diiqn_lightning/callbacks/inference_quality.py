"""Measures inference against the dataset's labels, where it has them."""

from typing import Any

import lightning

from diiqn_lightning.algorithm.returns import discounted_returns
from diiqn_lightning.callbacks.expert_data import ExpertData
from diiqn_lightning.experts.action_sets import has_actions_of


class InferenceQuality(lightning.Callback):
    """Logs the share of right actions. The only place of a run that reads an expert's labels."""

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Find the dataset."""
        self._expert, self._discount = ExpertData.of(trainer), pl_module.discount
        data = trainer.datamodule
        self._same_actions = has_actions_of(self._expert.dataset.card, data.env, data.env_kwargs)

    def metrics(self) -> dict[str, float]:
        """Shares of right actions among the inferred ones.

        ``inference/accuracy`` is by the commanded action. ``inference/accuracy_distinguishable`` is by the
        executed one, among the transitions whose states tell actions apart: sticky actions and moves
        that change nothing bound the former, and not the latter. An expert with other actions than the agent's has
        neither: their numbers mean something else. ``inference/return_bias`` is the mean of the inferred discounted
        returns minus the true ones, where those are known.
        """
        labels, table = self._expert.dataset.labels, self._expert.table
        known = table.known
        if labels is None or not bool(known.any()):
            return {}
        shares: dict[str, float] = {}
        if self._same_actions:
            shares["inference/accuracy"] = float((table.action == labels.action)[known].float().mean())
            if labels.distinguishable is not None and bool((apart := known & labels.distinguishable).any()):
                right = table.action == labels.executed_action
                shares["inference/accuracy_distinguishable"] = float(right[apart].float().mean())
        if labels.reward is None:
            return shares
        # Summed here from the rewards: the table's returns may count detours of the agent's.
        lengths = self._expert.states.episode_lengths
        inferred, true = (
            discounted_returns(reward, lengths, self._discount) for reward in (table.reward, labels.reward)
        )
        shares["inference/return_bias"] = float((inferred - true).mean())
        return shares
