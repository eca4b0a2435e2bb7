"""Trained agents, built again from a checkpoint."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import yaml

from diiqn_lightning.callbacks.manifest import MANIFEST, MODEL, newest_whole, plain_values_only, read_manifest
from diiqn_lightning.cli.lightning_defaults import quiet_libraries
from diiqn_lightning.cli.training import TrainingCLI
from diiqn_lightning.compatibility import check_torchrl
from diiqn_lightning.errors import InputError
from diiqn_lightning.report.run_folder import RunFolder

BUILDABLE = ("diiqn_lightning.", "torch.optim.")
"""Where the classes come from that a run's own ``config.yaml`` may name."""


BUILT = {
    *("model", "optimizer", "confidence", "bridge_confidence", "callbacks", "logger", "profiler", "plugins"),
    *("strategy", "action_inference", "expert_sampling", "expert_visits", "expert_distance", "feasibility", "bridging"),
}
"""Options whose value is a class; a string in place of a ``class_path`` would be imported, too."""


def check_classes(config: Path) -> None:
    """Refuse a run's configuration that would have something built which is not of this software.

    A checkpoint may be a stranger's; whatever its configuration names would be imported and called.

    Raises:
        InputError: that names the class, or says that the file cannot be read.
    """
    try:
        content = yaml.safe_load(config.read_text())
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InputError("config.yaml", str(config), "it cannot be read; give another checkpoint") from error
    for name in class_paths(content):
        if not str(name).startswith(BUILDABLE):
            raise InputError(
                f"class_path in {config}",
                name,
                "only classes of diiqn_lightning and torch.optim are built from files that come with a checkpoint",
            )


def class_paths(content: Any) -> Iterator[Any]:
    """All values of ``class_path`` in a nested configuration, and all strings that may stand in its place."""
    if isinstance(content, dict):
        for key, value in content.items():
            if key == "class_path":
                yield value
            elif key in BUILT:
                parts = value if isinstance(value, list) else [value]
                yield from (part for part in parts if isinstance(part, str) and "." in part)
            yield from class_paths(value)
    elif isinstance(content, list):
        for value in content:
            yield from class_paths(value)


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


def check_environment(config: Path, trusted: str | None) -> None:
    """Refuse to import a module because a run's configuration says so.

    Args:
        config: the file, which :func:`check_classes` let pass.
        trusted: the environment that the user has named.

    Raises:
        InputError: for an environment of the form ``module:id`` that the user has not named.
    """
    env_id = str((yaml.safe_load(config.read_text()).get("data") or {}).get("env"))
    if ":" in env_id and env_id != trusted:
        module = env_id.rpartition(":")[0]
        remedy = f"importing {module} runs its code; if you trust it, say so with --env {env_id}"
        raise InputError(f"data.env in {config}", env_id, remedy)


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
    cli.model.load_state_dict(weights)
    cli.model.eval()
    return cli
