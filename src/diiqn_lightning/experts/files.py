"""The packed file of an expert dataset.

Layout, all integers little-endian::

    8 bytes   magic "DIIQN\\x00XP"
    4 bytes   version of the format (1)
    4 bytes   length H of the header
    H bytes   header: JSON with the card and, for each array, name, dtype, shape and stored length
    …         the arrays, each xz-compressed; booleans as bits
    32 bytes  SHA-256 of everything before

Nothing in it can run code: arrays are raw numbers, the header is JSON, and every length is checked
before memory is taken for it.
"""

import hashlib
import json
import lzma
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from diiqn_lightning.errors import InputError, writing
from diiqn_lightning.experts.dataset import ExpertDataset, ExpertLabels, ExpertStates
from diiqn_lightning.packing import pack_bits, unpack_bits

SUFFIX = ".expert"
_MAGIC = b"DIIQN\x00XP"
_VERSION = 1
_DTYPES = {"bool", "uint8", "int64", "float32"}
_LARGEST = 1 << 36  # bytes of one array: no dataset of this kind is near it, a damaged header may be
_XZ = [{"id": lzma.FILTER_LZMA2, "preset": 6}]


def save(dataset: ExpertDataset, path: Path) -> None:
    """Write a dataset under its final name only when it is whole.

    Args:
        dataset: what to write.
        path: ends in ``.expert``; an existing file is replaced.

    Raises:
        InputError: for states of a type that a file of this kind does not hold, and a place that cannot be written.
    """
    arrays: dict[str, Tensor] = {"states": dataset.states.states, "episode_ends": dataset.states.episode_ends}
    if dataset.labels is not None:
        arrays |= dataset.labels.arrays()
    blocks, entries = [], []
    for name, array in arrays.items():
        raw = pack_bits(array.reshape(len(array), -1)) if array.dtype == torch.bool else array
        block = lzma.compress(raw.contiguous().numpy().tobytes(), lzma.FORMAT_XZ, filters=_XZ)
        blocks.append(block)
        dtype = str(array.dtype).removeprefix("torch.")
        if dtype not in _DTYPES:
            raise InputError(f"type of {name}", dtype, f"give one of {', '.join(sorted(_DTYPES))}")
        entries.append({"name": name, "dtype": dtype, "shape": list(array.shape), "stored": len(block)})
    header = json.dumps({"card": dataset.card, "arrays": entries}).encode()
    body = b"".join([_MAGIC, struct.pack("<II", _VERSION, len(header)), header, *blocks])
    aside = path.with_name(path.name + ".partial")
    try:
        with writing("dataset file", path):
            with aside.open("wb") as file:
                file.write(body)
                file.write(hashlib.sha256(body).digest())
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
    except InputError:
        aside.unlink(missing_ok=True)
        raise


def load(path: Path) -> ExpertDataset:
    """Read a dataset.

    Raises:
        InputError: for a file that is missing, unreadable, of another kind, truncated or damaged.
    """
    body = _verified_body(path)
    damaged = InputError(
        "dataset file", str(path), "its header does not describe its arrays; record or convert it again"
    )
    try:
        (length,) = struct.unpack_from("<I", body, 12)
        header = json.loads(body[16 : 16 + length])
        at, arrays = 16 + length, {}
        for entry in header["arrays"]:
            arrays[entry["name"]] = _array(entry, body[at : at + entry["stored"]])
            at += entry["stored"]
        states = ExpertStates(arrays.pop("states"), arrays.pop("episode_ends"))
        labels = ExpertLabels(**arrays) if arrays else None
        card = dict(header["card"])
    except (struct.error, ValueError, KeyError, TypeError, lzma.LZMAError, UnicodeDecodeError) as error:
        if isinstance(error, InputError):
            raise
        raise damaged from error
    if labels is not None and any(len(array) != states.num_transitions for array in labels.arrays().values()):
        raise damaged
    return ExpertDataset(states, labels, card)


def _verified_body(path: Path) -> bytes:
    if path.is_dir():
        raise InputError("dataset file", str(path), "this is a folder; give a file, or import it with `convert`")
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise InputError("dataset file", str(path), "no such file; give the path of a recorded dataset") from error
    except OSError as error:
        raise InputError("dataset file", str(path), f"make it readable ({error.strerror})") from error
    if content[:8] != _MAGIC:
        raise InputError(
            "dataset file",
            str(path),
            f"this is no {SUFFIX} file; import other formats with `python -m diiqn_lightning convert`",
        )
    if len(content) < 48 or hashlib.sha256(content[:-32]).digest() != content[-32:]:
        raise InputError("dataset file", str(path), "it is truncated or damaged; get or record it again")
    (version,) = struct.unpack_from("<I", content, 8)
    if version != _VERSION:
        raise InputError(
            "dataset file",
            str(path),
            f"its format is version {version} and this software reads {_VERSION}; use the one that fits",
        )
    return content[:-32]


def _array(entry: dict[str, Any], block: bytes) -> Tensor:
    dtype, shape = entry["dtype"], tuple(entry["shape"])
    if dtype not in _DTYPES or not shape or any(type(n) is not int or n < 0 for n in shape):
        raise ValueError(entry)
    row = int(np.prod(shape[1:], dtype=object))
    size = shape[0] * ((row + 7) // 8 if dtype == "bool" else row * np.dtype(dtype).itemsize)
    if size > _LARGEST or len(block) != entry["stored"]:
        raise ValueError(entry)
    decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ)
    raw = decompressor.decompress(block, max_length=size + 1)
    if len(raw) != size:
        raise ValueError(entry)
    writable = bytearray(raw)
    if dtype == "bool":
        packed = torch.from_numpy(np.frombuffer(writable, np.uint8).reshape(shape[0], -1))
        return unpack_bits(packed, shape[1:])
    return torch.from_numpy(np.frombuffer(writable, dtype).reshape(shape))
