"""What says that a checkpoint is whole, and of which run it is."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

from diiqn_lightning.errors import InputError

MODEL, MANIFEST, LAST = "model.ckpt", "manifest.json", "last"

FORMAT = 2
"""What a checkpoint's files hold; a change that older ones lack counts it up."""


def write_manifest(folder: Path, facts: dict[str, Any]) -> None:
    """Sync the files of a checkpoint and write down their checksums; the last thing that is written.

    Args:
        folder: the checkpoint's, with all its other files.
        facts: JSON values to write beside the checksums.
    """
    checksums = {}
    for file in sorted(folder.iterdir()):
        sync(file)
        checksums[file.name] = _digest(file)
    (folder / MANIFEST).write_text(json.dumps({"format": FORMAT, **facts, "sha256": checksums}, indent=1))
    sync(folder / MANIFEST)
    sync(folder)


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a checkpoint whose files are all there and have the checksums it says.

    Args:
        folder: the checkpoint's.

    Raises:
        InputError: if it is missing or damaged, or of another format.
    """
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
        whole = all(_digest(folder / name) == digest for name, digest in manifest["sha256"].items())
    except FileNotFoundError as error:
        raise InputError(
            "ckpt_path", str(folder), "there is no whole checkpoint; give another, or start anew"
        ) from error
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise InputError("ckpt_path", str(folder), "its manifest cannot be read; give another checkpoint") from error
    if not whole:
        raise InputError("ckpt_path", str(folder), "a file in it is damaged; give another checkpoint")
    if (found := manifest.get("format", 1)) != FORMAT:
        remedy = f"it has format {found} and this version reads {FORMAT}; use the version that wrote it, or start anew"
        raise InputError("ckpt_path", str(folder), remedy)
    return manifest


@contextmanager
def plain_values_only(source: str | Path) -> Iterator[None]:
    """Turn the refusal to unpickle anything but tensors and plain values into :class:`InputError`."""
    try:
        yield
    except UnpicklingError as error:
        raise InputError(
            "ckpt_path",
            str(source),
            "it holds more than tensors and plain values, and loading that could run code; give another checkpoint",
        ) from error


def newest_whole(checkpoints: Path, below: int | None = None) -> tuple[Path, str | None]:
    """The checkpoint that a run goes on from.

    Args:
        checkpoints: the folder of a run's checkpoints.
        below: frames that it shall not have yet, if an older one has fewer: a run that was killed between its last
            checkpoint and its summary has nothing left to do there but to go on from the one before.

    Returns:
        Its folder, and where an older one takes the newest one's place, a sentence that says so and why.

    Raises:
        InputError: if there is none that is whole.
    """
    last = checkpoints / LAST
    try:
        manifest = read_manifest(last)
    except InputError as error:
        older = _whole_before(last)
        if older is None:
            raise
        return older, f"the newest checkpoint is not whole ({error}); going on from the one before, {older}"
    if below is not None and manifest["frames"] >= below and (older := _whole_before(last)) is not None:
        return older, f"the run ended without its summary; making its last frames again, from {older}"
    return last, None


def _whole_before(last: Path) -> Path | None:
    """The newest whole checkpoint but the one that ``last`` points to."""
    newest = last.resolve().name
    older = (path for path in last.parent.glob("[0-9]*") if path.name != newest and (path / MANIFEST).exists())
    for folder in sorted(older, reverse=True):
        try:
            read_manifest(folder)
        except InputError:
            continue
        return folder
    return None


def sync(path: Path) -> None:
    """Have the system write a file or a folder to the disk now."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
