"""Brings together what the processes of a run have each learned about the expert."""

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import lightning
import torch
from tensordict import TensorDictBase
from torch import Tensor

Gather = Callable[[Tensor], Tensor]
"""Takes a tensor of this process and returns those of all, ``[R, …]``; all processes have to call it alike."""


@runtime_checkable
class MergesRanks(Protocol):
    """A callback that knows something which its fellows on other ranks know in part, too."""

    def merge_ranks(self, gather: Gather, rank: int) -> None:
        """Merge it.

        Args:
            gather: see :data:`Gather`.
            rank: which of the gathered ones is this process's own.
        """
        ...


class RankMerging(lightning.Callback):
    """Every so many updates, on all ranks alike, has tables merged by minimum and counts by sum.

    What is merged once must not be counted twice: whoever counts keeps its own counts apart from those of the others,
    and the merge replaces the latter.

    Args:
        every_n_updates: from one merge to the next.
    """

    def __init__(self, every_n_updates: int = 500) -> None:
        self.every_n_updates = every_n_updates
        self._done_at = 0

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: TensorDictBase, batch_idx: int) -> None:
        """Merge when it is time; updates are the same number on all ranks."""
        updates = pl_module.updates
        if updates // self.every_n_updates > self._done_at // self.every_n_updates:
            for callback in trainer.callbacks:
                if isinstance(callback, MergesRanks):
                    callback.merge_ranks(gathering(trainer), trainer.global_rank)
        self._done_at = updates

    def rank_state(self) -> dict[str, Any]:
        """Updates at the last look."""
        return {"done_at": self._done_at}

    def load_rank_state(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self._done_at = state["done_at"]


def gathering(trainer: Any) -> Gather:
    """The :data:`Gather` of a trainer: its tensors travel by the device that its processes talk on."""

    def gather(own: Tensor) -> Tensor:
        travelling = own.to(torch.uint8) if own.dtype == torch.bool else own
        gathered: Tensor = trainer.strategy.all_gather(travelling.to(trainer.strategy.root_device))
        return gathered.view(trainer.world_size, *own.shape).to(own.device, own.dtype)

    return gather


def sum_of_others(gathered: Tensor, rank: int) -> Tensor:
    """Sum over all ranks but one, ``[R, …]`` to ``[…]``."""
    return gathered.sum(0) - gathered[rank]
