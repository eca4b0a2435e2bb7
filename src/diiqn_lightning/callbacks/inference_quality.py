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
        """``inference/accuracy``: right actions among the inferred ones, by the commanded action."""
        labels, table = self._expert.dataset.labels, self._expert.table
        if labels is None or not bool(table.known.any()):
            return {}
        known = table.known
        return {"inference/accuracy": float((table.action == labels.action)[known].float().mean())}
