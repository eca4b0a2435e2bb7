"""Where a run is kept, and whether it begins there or goes on."""

import hashlib
import os
import secrets
import sys
import time
from pathlib import Path
from typing import Any

from diiqn_lightning.callbacks.manifest import MANIFEST, MODEL, newest_whole, read_manifest
from diiqn_lightning.callbacks.wandb_logger import agents_run_id
from diiqn_lightning.cli.processes import RUN_DIR_OF_PARENT, is_child_process, is_started_from_outside, num_processes
from diiqn_lightning.errors import InputError
from diiqn_lightning.report.run_folder import RunFolder


def prepare_start(config: Any, environment: str) -> tuple[RunFolder, dict[str, Any]]:
    """Refuse a folder or a checkpoint that cannot be used, before anything is built.

    Args:
        config: resolved options of ``fit``; ``run_dir`` and ``ckpt_path`` are filled in.
        environment: its name.

    Returns:
        The run's folder, and the manifest of the checkpoint that the run goes on from, empty where it begins.

    Raises:
        InputError: that names the option.
    """
    folder = RunFolder(_run_dir(config, environment))
    os.environ[RUN_DIR_OF_PARENT] = config.run_dir
    try:
        if not is_child_process():
            folder.hold()
        manifest = _prepare(folder, config)
        if not is_child_process():
            folder.hold()  # which may be new
    except InputError:
        folder.release()
        raise
    return folder, manifest


def checkpoint_file(path: str) -> str:
    """The file of a checkpoint that ``--ckpt_path`` means: itself, or the one in a folder.

    Raises:
        InputError: for a file that is no checkpoint's.
    """
    if (Path(path) / MANIFEST).exists():
        return str(Path(path) / MODEL)
    if Path(path).name != MODEL:
        raise InputError(
            "ckpt_path", path, f"give the folder of a checkpoint, such as RUN/checkpoints/last, or its {MODEL}"
        )
    return path


def _prepare(folder: RunFolder, config: Any) -> dict[str, Any]:
    """The manifest of the checkpoint that the run goes on from, empty where it begins; its folder is ready then."""
    if config.ckpt_path == "last":
        config.ckpt_path = _newest_of(folder, config.max_frames)
    if config.ckpt_path is not None:
        config.ckpt_path = checkpoint_file(config.ckpt_path)
        manifest = read_manifest(Path(config.ckpt_path).parent)
        _require_frames_left(config, manifest["frames"])
        if not is_child_process():  # the others come when the first one may have begun
            folder.refuse_another_run(Path(config.ckpt_path))
        folder.prepare_resumed()
        return manifest
    if config.fresh_data:
        raise InputError("fresh_data", True, "name the checkpoint to go on from with --ckpt_path, or leave it out")
    if not is_child_process():
        folder.prepare_new()
    return {}


def wandb_id(folder: RunFolder, goes_on: bool) -> str:
    """Of a run in W&B: ``WANDB_RUN_ID``; as it was, if it goes on; else a new one, whatever its folder is called.

    Args:
        folder: the run's.
        goes_on: from a checkpoint; a run that begins there from another one's has no session yet, and is a new one.
    """
    if given := os.environ.get("WANDB_RUN_ID"):
        return given
    sessions = folder.read_sessions() if goes_on else []
    if not sessions:
        return secrets.token_hex(6)
    # Runs of earlier versions had that of their folder's name.
    by_folder = hashlib.sha256(str(folder.path.resolve()).encode()).hexdigest()[:12]
    return str(sessions[-1].get("wandb_id", by_folder))


def _run_dir(config: Any, environment: str) -> str:
    if config.run_dir is None:
        if is_started_from_outside():
            raise InputError("run_dir", None, "name a folder: processes that are started one by one have to agree")
        if config.ckpt_path == "last" and RUN_DIR_OF_PARENT not in os.environ and not agents_run_id():
            raise InputError("run_dir", None, "name the folder of the run that --ckpt_path last is to go on with")
        # An agent of W&B that resumes a run has nothing but the run's id to find its folder by.
        config.run_dir = os.environ.get(RUN_DIR_OF_PARENT) or _new_name(config, environment)
        if config.ckpt_path is None and agents_run_id() and RunFolder(config.run_dir).sessions.exists():
            config.ckpt_path = "last"
    if not str(config.run_dir):
        raise InputError("run_dir", "", "name a folder, or leave it out")
    return str(config.run_dir)


def _new_name(config: Any, environment: str) -> str:
    """By seed and time; a W&B agent's run by its id, since it may be gone on with."""
    folder = Path("runs") / config.algorithm / environment
    if agents_run_id():
        return str(folder / f"{config.seed_everything}-{agents_run_id()}")
    name = f"{config.seed_everything}-{time.strftime('%Y%m%d-%H%M%S')}"
    names = (name, *(f"{name}-{number}" for number in range(2, 1000)))  # two that are started in the same second
    return str(next(folder / each for each in names if not (folder / each).exists()))


def _newest_of(folder: RunFolder, max_frames: int) -> str | None:
    """The checkpoint to go on from; nothing, and a warning, where a run was killed before its first."""
    path: str | None = None
    if folder.began_without_checkpoint():
        if (source := folder.last_session().get("checkpoint")) is not None:
            remedy = f"the run in {folder.path} began from {source} and has none of its own yet; name that one again"
            raise InputError("ckpt_path", "last", remedy)
        warning: str | None = f"{folder.path} was left before its first checkpoint; beginning it anew"
        if not is_child_process():
            folder.clear_beginning()
    else:
        checkpoint, warning = newest_whole(folder.checkpoints, None if folder.summary.exists() else max_frames)
        path = str(checkpoint / MODEL)
    if warning and not is_child_process():
        print(f"warning: {warning}", file=sys.stderr)
    return path


def _require_frames_left(config: Any, frames: int) -> None:
    if frames >= config.max_frames:
        raise InputError("max_frames", config.max_frames, f"give more than the {frames} frames of the checkpoint")
    if not config.fresh_data:
        return
    # A fresh stream begins, and a run ends, with whole steps of all environments.
    chunk = config.data.num_envs * num_processes(config.trainer)
    begins, ends = (-(-count // chunk) * chunk for count in (frames, config.max_frames))
    first_update = begins + config.data.learning_starts + config.data.frames_per_update
    if ends < first_update:
        remedy = (
            f"give at least {first_update}: {frames} of the checkpoint, {config.data.learning_starts} before it learns "
            "from fresh data and those of an update, in whole steps of all environments"
        )
        raise InputError("max_frames", config.max_frames, remedy)
