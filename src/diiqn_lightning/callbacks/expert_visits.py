"""Counts how often each expert state was trained on: the c of the confidence's δ."""

from typing import Any, final

import lightning
import torch
from tensordict import TensorDictBase

from diiqn_lightning import keys
from diiqn_lightning.callbacks.expert_data import ExpertData
from diiqn_lightning.callbacks.expert_sampling import ExpertSampling
from diiqn_lightning.callbacks.rank_merging import Gather
from diiqn_lightning.errors import InputError

COUNT_SCOPES = ("transition", "neighbourhood", "global")


@final
class ExpertVisits(lightning.Callback):
    """Writes the counts into each batch, and counts the batch after its updates.

    Args:
        count_scope: transition (one count for each expert transition), neighbourhood (a visit counts
            for those of the agent state's K neighbours that are within τ of it; needs the neighbour draw) or
            global (one count for all).
    """

    def __init__(self, count_scope: str = "transition") -> None:
        if count_scope not in COUNT_SCOPES:
            raise InputError("expert_visits.count_scope", count_scope, f"choose one of {', '.join(COUNT_SCOPES)}")
        self.count_scope = count_scope

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Find the table."""
        self._expert = ExpertData.of(trainer)
        self._own = torch.zeros_like(self._expert.table.visits)
        draws = [callback.expert_draw for callback in trainer.callbacks if isinstance(callback, ExpertSampling)]
        if self.count_scope == "neighbourhood" and draws != ["neighbour"]:
            raise InputError(
                "expert_visits.count_scope", self.count_scope, "choose transition or global, or the neighbour draw"
            )

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: TensorDictBase, batch_idx: int) -> None:
        """Write the counts."""
        batch.set(keys.EXPERT_COUNT, self._expert.table.visits[batch.get(keys.EXPERT_INDEX).cpu()])

    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: TensorDictBase, batch_idx: int
    ) -> None:
        """Count the transitions that had guidance."""
        valid = batch.get(keys.EXPERT_VALID).cpu()  # the table stays where the environments are
        for visits in (self._expert.table.visits, self._own):
            if self.count_scope == "global":
                visits += valid.sum()
            elif self.count_scope == "transition":
                visits.index_add_(0, batch.get(keys.EXPERT_INDEX).cpu().flatten(), valid.flatten().float())
            else:
                neighbours = batch.get(keys.NEIGHBOURS).cpu().long()
                near = (neighbours >= 0) & valid.unsqueeze(-1)
                visits.index_add_(0, neighbours.clamp(min=0).flatten(), near.flatten().to(torch.float32))

    def merge_ranks(self, gather: Gather, rank: int) -> None:
        """Visits of all ranks count."""
        self._expert.table.visits = gather(self._own).sum(0)

    def rank_state(self) -> dict[str, Any]:
        """This rank's own part of the counts."""
        return {"own": self._own}

    def load_rank_state(self, state: dict[str, Any]) -> None:
        """Continue counting."""
        self._own = state["own"]
