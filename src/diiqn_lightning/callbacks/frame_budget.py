"""Ends the run by environment frames."""

from typing import Any

import lightning


class FrameBudget(lightning.Callback):
    """Stops training when the last update of ``max_frames`` was made (and its evaluation played)."""

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """After the last update make what is left of the frames: a run of fewer would not count as finished."""
        if trainer.datamodule.stream.finished:
            trainer.datamodule.stream.collect_rest()

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Ask Lightning to stop."""
        if trainer.datamodule.stream.finished:
            trainer.should_stop = True
