"""Trained agents, built again from a checkpoint."""

from pathlib import Path

import torch

from diiqn_lightning.callbacks.manifest import MODEL, read_manifest
from diiqn_lightning.cli.training import TrainingCLI, quiet_libraries
from diiqn_lightning.compatibility import check_torchrl
from diiqn_lightning.errors import InputError
from diiqn_lightning.report.run_folder import RunFolder


def load_agent(checkpoint: Path) -> TrainingCLI:
    """Build the module and the data of a run, with the weights of a checkpoint.

    Args:
        checkpoint: folder of a checkpoint in a run's folder.

    Raises:
        InputError: for a checkpoint that is missing or damaged, or a run without ``config.yaml``.
    """
    read_manifest(checkpoint)
    folder = RunFolder(checkpoint.resolve().parent.parent)
    if not folder.config.exists():
        raise InputError("run folder", str(folder.path), "it has no config.yaml, which says how to build the agent")
    quiet_libraries()
    check_torchrl()
    cli = TrainingCLI(["validate", "--config", str(folder.config)], build_only=True)
    weights = torch.load(checkpoint / MODEL, weights_only=True, map_location="cpu")["state_dict"]
    cli.model.load_state_dict(weights)
    cli.model.eval()
    return cli
