"""Measures inference against the dataset's labels, where it has them."""

from typing import Any

import lightning

from diiqn_lightning.callbacks.expert_data import ExpertData


class InferenceQuality(lightning.Callback):
    """Logs the share of right actions. The only place of a run that reads an expert's labels."""

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Find the dataset."""
        self._expert = ExpertData.of(trainer)

    def metrics(self) -> dict[str, float]:
        """Shares of right actions among the inferred ones.

        ``inference/accuracy`` is by the commanded action. ``inference/accuracy_distinguishable`` is by the
        executed one, among the transitions whose states tell actions apart: sticky actions and moves
        that change nothing bound the former, and not the latter.
        """
        labels, table = self._expert.dataset.labels, self._expert.table
        known = table.known
        if labels is None or not bool(known.any()):
            return {}
        shares = {"inference/accuracy": float((table.action == labels.action)[known].float().mean())}
        if labels.distinguishable is not None and bool((apart := known & labels.distinguishable).any()):
            right = table.action == labels.executed_action
            shares["inference/accuracy_distinguishable"] = float(right[apart].float().mean())
        return shares
