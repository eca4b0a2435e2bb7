"""Runs from W&B's own files, ``wandb/offline-run-*/run-*.wandb``: what an offline run leaves behind.

The file is a log of records in LevelDB's format (a header of 7 bytes, then blocks of 32 KiB whose records have a
checksum, a length and a kind); a record is one of W&B's protocol buffers, which its client defines.
"""

import json
import math
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from diiqn_lightning.errors import InputError
from diiqn_lightning.report.finished_run import GUIDANCE, FinishedRun
from diiqn_lightning.report.names import environment_name
from diiqn_lightning.report.run_key import run_key
from diiqn_lightning.report.wandb_export import curve_of

HEADER, BLOCK, PREFIX = 7, 32 * 1024, struct.Struct("<IHB")
WHOLE, FIRST, LAST = 1, 2, 4
LINKED = {"data": ("seed", "max_frames"), "model": ("observation_shape", "num_actions")}
"""What the command line sets from other options: W&B has it, ``config.yaml`` does not, so the ledger's key may not."""


def find_wandb_files(source: Path) -> list[Path]:
    """W&B's files: the one that is named, or those below a folder, each once although ``latest-run`` is a link."""
    if source.is_file():
        return [source]
    return sorted({path.resolve() for path in source.rglob("run-*.wandb")})


def read_wandb_files(paths: Sequence[Path]) -> list[FinishedRun | str]:
    """The runs of some files: a run that was gone on with has a file for each session, and counts once.

    Args:
        paths: of files, each named after its run's id, in folders named after the time.

    Returns:
        For each run itself, or a sentence that says why it is left out.

    Raises:
        InputError: if one is no such file, or its run is none of this software's.
    """
    sessions: dict[str, list[Path]] = {}
    for path in sorted(set(paths), key=_when):
        sessions.setdefault(path.stem, []).append(path)
    return [_joined([_read(path) for path in same], same[-1]) for same in sessions.values()]


def _when(path: Path) -> tuple[str, Path]:
    """In the order of time, which the folder's name has after ``run-`` or ``offline-run-``."""
    return path.parent.name.rpartition("run-")[2], path


class _Session(NamedTuple):
    config: dict[str, Any]
    history: list[dict[str, float]]
    finished: bool


def _joined(sessions: Sequence[_Session], last: Path) -> FinishedRun | str:
    """Of two values at the same frames the later session's counts; the last one's configuration is the run's."""
    if not sessions[-1].finished:
        return f"{last.parent.name}: it did not end by itself, or failed."
    planned, history = sessions[-1].config.get("max_frames"), [row for session in sessions for row in session.history]
    try:
        run = _run(sessions[-1].config, history)
    except (KeyError, TypeError) as error:
        raise InputError("runs", str(last), f"its configuration has no {error}; give a run of this software") from error
    # One that a scheduler stopped ended well, too.
    frames = int(max((row.get("frames", 0) for row in history), default=0))
    if isinstance(planned, int) and frames < planned:
        return f"{last.parent.name}: it was stopped after {frames:,} of {planned:,} frames."
    return run


def _read(path: Path) -> _Session:
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    from wandb.proto.wandb_internal_pb2 import Record  # type: ignore[attr-defined]

    config: dict[str, Any] = {}
    history: list[dict[str, float]] = []
    finished = False
    try:
        for content in _records(path.read_bytes()):
            record = Record.FromString(content)
            for item in (*record.run.config.update, *record.config.update):
                config[item.key] = json.loads(item.value_json)
            if record.HasField("history"):
                history.append(_numbers(record.history.item))
            finished |= record.HasField("exit") and record.exit.exit_code == 0
    except (OSError, ValueError, struct.error) as error:
        raise InputError("runs", str(path), f"it cannot be read as a file of W&B ({error})") from error
    except DecodeError as error:
        raise InputError("runs", str(path), f"it holds what is no record of W&B ({error})") from error
    return _Session(config, history, finished)


def _records(data: bytes) -> Iterator[bytes]:
    """The records; a last one that was cut off is left out."""
    if data[:4] != b":W&B":
        raise ValueError("its header is another one")
    position, content = HEADER, b""
    while position + PREFIX.size <= len(data):
        left = BLOCK - position % BLOCK
        if left < PREFIX.size:  # the rest of a block is too small for a record and is padding
            position += left
            continue
        _, length, kind = PREFIX.unpack_from(data, position)
        start = position + PREFIX.size
        position = start + length
        if position > len(data):
            return
        content = data[start:position] if kind in (WHOLE, FIRST) else content + data[start:position]
        if kind in (WHOLE, LAST):
            yield content


def _numbers(items: Any) -> dict[str, float]:
    values = {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items}
    return {
        name: float(value) for name, value in values.items() if isinstance(value, int | float) and math.isfinite(value)
    }


def _run(config: dict[str, Any], history: list[dict[str, float]]) -> FinishedRun:
    expert = config.pop("expert_dataset", None) or {}
    environment = environment_name(config["data"]["env"])
    config.pop("_wandb", None)
    for part, arguments in (("data", config["data"]), ("model", config["model"]["init_args"])):
        for name in LINKED[part]:
            arguments.pop(name, None)
    frames, returns = curve_of("eval/return", history)
    numbers = {"eval_return": returns[-1]} if returns else {}
    if expert.get("return") is not None:
        numbers["expert_return"] = float(expert["return"])
    return FinishedRun(
        config["algorithm"],
        environment,
        expert.get("name") or "",
        int(config["seed_everything"]),
        frames[-1] if frames else 0,
        numbers,
        (frames, returns),
        run_key(config, expert.get("hash")),
        {name: curve for name in GUIDANCE if (curve := curve_of(name, history))[0]},
    )
