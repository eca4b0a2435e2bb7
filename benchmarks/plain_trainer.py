"""A run's parts without Lightning's loop: module, environments, replay, and what the expert's side adds to a batch."""

import os
import tempfile
from pathlib import Path

from diiqn_lightning.callbacks.action_inference import ActionInference
from diiqn_lightning.callbacks.expert_data import ExpertData
from diiqn_lightning.callbacks.expert_sampling import ExpertSampling
from diiqn_lightning.callbacks.expert_visits import ExpertVisits
from diiqn_lightning.callbacks.priorities import PriorityUpdate
from diiqn_lightning.cli.processes import RUN_DIR_OF_PARENT
from diiqn_lightning.cli.training import TrainingCLI, quiet_libraries

LEARNED_FROM = (ExpertData, ActionInference, ExpertSampling, ExpertVisits, PriorityUpdate)
"""Callbacks without which a batch is not what the updates learn from; the others log, evaluate and save."""


class PlainTrainer:
    """What a run's parts ask of Lightning's trainer, done in the plainest way: one process, no hooks, no logging.

    Args:
        arguments: of ``fit``: the configuration's layers and options.
        device: of the module.
    """

    global_rank, world_size = 0, 1

    def __init__(self, arguments, device="cpu"):
        cli = build(arguments)
        self.lightning_module, self.datamodule = cli.model.to(device), cli.datamodule
        self.callbacks = [callback for callback in cli.trainer.callbacks if isinstance(callback, LEARNED_FROM)]
        self.optimizers = [self.lightning_module.configure_optimizers()]
        self.strategy = self.lightning_module.trainer = self.datamodule.trainer = self
        self.datamodule.setup("fit")
        for callback in self.callbacks:
            callback.setup(self, self.lightning_module, "fit")

    @staticmethod
    def backward(loss, optimizer):
        """The strategy's part of ``manual_backward``."""
        loss.backward()

    def batches(self):
        """Collects frames and gives the batches ``[U, B]`` that they make due, on the module's device."""
        for batch in self.datamodule.train_dataloader():
            yield self.datamodule.transfer_batch_to_device(batch, self.lightning_module.device, 0)

    def guide(self, batch):
        """What is done to a batch before its updates."""
        for callback in self.callbacks:
            callback.on_train_batch_start(self, self.lightning_module, batch, 0)

    def update(self, batch):
        """The updates of a guided batch, and what is done after them."""
        outputs = self.lightning_module.training_step(batch, 0)
        for callback in self.callbacks:
            callback.on_train_batch_end(self, self.lightning_module, outputs, batch, 0)

    def close(self):
        self.datamodule.teardown("fit")


def build(arguments):
    """The command line's own objects of a run that is not started; nothing of it is left on the disk."""
    quiet_libraries()
    try:
        with tempfile.TemporaryDirectory() as folder:
            run_dir = f"--run_dir={Path(folder) / 'run'}"
            return TrainingCLI(["fit", *arguments, "--trainer.accelerator=cpu", run_dir], build_only=True)
    finally:
        os.environ.pop(RUN_DIR_OF_PARENT, None)
