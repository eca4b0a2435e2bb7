"""Sends the TD errors of an update back to the replay buffer."""

from typing import Any

import lightning
from tensordict import TensorDictBase

from diiqn_lightning import keys


class PriorityUpdate(lightning.Callback):
    """After each batch, sets the priorities of its transitions to their new |δ|."""

    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: TensorDictBase, batch_idx: int
    ) -> None:
        """Update the replay buffer."""
        trainer.datamodule.stream.replay.update_priority(
            batch.get(keys.INDEX).flatten(), batch.get(keys.TD_ERROR).flatten()
        )
