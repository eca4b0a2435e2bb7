"""Trained agents, built again from a checkpoint."""

import sys
from pathlib import Path

import torch

from diiqn_lightning.callbacks.manifest import MANIFEST, MODEL, newest_whole, plain_values_only, read_manifest
from diiqn_lightning.cli.foreign_config import check_classes, check_environment
from diiqn_lightning.cli.lightning_defaults import quiet_libraries
from diiqn_lightning.cli.training import TrainingCLI
from diiqn_lightning.compatibility import check_torchrl
from diiqn_lightning.errors import InputError
from diiqn_lightning.report.run_folder import RunFolder


def checkpoint_in(source: Path) -> Path:
    """The checkpoint that a path means: itself, or the newest whole one of a run's folder.

    Args:
        source: folder of a checkpoint or of a run.

    Raises:
        InputError: if it is neither.
    """
    if (source / MANIFEST).exists():
        return source
    folder = RunFolder(source)
    if not folder.checkpoints.is_dir():
        raise InputError("run or checkpoint", str(source), "give a run's folder, or a folder in its checkpoints/")
    checkpoint, warning = newest_whole(folder.checkpoints)
    if warning:
        print(f"warning: {warning}", file=sys.stderr)
    return checkpoint


def load_agent(checkpoint: Path, trusted_env: str | None = None) -> TrainingCLI:
    """Build the module and the data of a run, with the weights of a checkpoint.

    Args:
        checkpoint: folder of a checkpoint in a run's folder.
        trusted_env: an environment of the form ``module:id`` whose module may be imported.

    Raises:
        InputError: for a checkpoint that is missing or damaged, an environment whose module nobody has vouched for, or
            a run without ``config.yaml``.
    """
    read_manifest(checkpoint)
    folder = RunFolder(checkpoint.resolve().parent.parent)
    if not folder.config.exists():
        raise InputError("run folder", str(folder.path), "it has no config.yaml, which says how to build the agent")
    check_classes(folder.config)
    check_environment(folder.config, trusted_env)
    quiet_libraries()
    check_torchrl()
    cli = TrainingCLI(["validate", "--config", str(folder.config)], build_only=True)
    with plain_values_only(checkpoint):
        weights = torch.load(checkpoint / MODEL, weights_only=True, map_location="cpu")["state_dict"]
    try:
        cli.model.load_state_dict(weights)
    except RuntimeError as error:
        remedy = f"its weights are not of the network that {folder.config} describes; give another checkpoint"
        raise InputError("checkpoint", str(checkpoint), remedy) from error
    cli.model.eval()
    return cli
