"""Datasets from NumPy files: one ``.npz``, or a folder with a file for each episode.

A file holds ``observations`` and, in a single ``.npz``, where episodes end:

- ``episode_ends``: one past the last state of each episode, or
- ``terminations`` and/or ``truncations``: flags, true at the last state of each episode;

with ``next_observations`` beside them all of these are per transition instead. A file of a folder may say so, too.

``actions`` (discrete) and ``rewards`` per transition are optional; with actions there are labels. An episode of which
nothing says whether it was terminated or truncated counts as terminated there. Object arrays
would need unpickling, which can run code: they are refused, never loaded.
"""

import zlib
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np

from diiqn_lightning.errors import InputError
from diiqn_lightning.experts.assembly import Array, dataset_from
from diiqn_lightning.experts.dataset import ExpertDataset


class _File(NamedTuple):
    """What one file says of its episodes.

    Args:
        states: of each episode, ``[T + 1, *O]``.
        terminated: by transition of all of them, or None where nothing is said of it.
        arrays: all that is in the file.
    """

    states: list[Array]
    terminated: Array | None
    arrays: dict[str, Array]


def read_npz(path: Path) -> ExpertDataset:
    """Read a single file of whole episodes.

    Raises:
        InputError: naming the file, the array and the remedy.
    """
    arrays = _load(path)
    if "observations" not in arrays:
        raise InputError("dataset file", str(path), f"give an array named observations; it has {sorted(arrays)}")
    if not {"episode_ends", "terminations", "truncations"} & set(arrays):
        raise InputError("dataset file", str(path), "give episode_ends, or terminations and/or truncations")
    file = _file(arrays)
    more = {} if file.terminated is None else {"label_terminated": file.terminated}
    return dataset_from(file.states, {**arrays, **more}, {"source": path.name})


def _file(arrays: dict[str, Array], ends_with_file: bool = False) -> _File:
    """The episodes of a file's arrays.

    Args:
        arrays: with ``observations``.
        ends_with_file: whether an episode ends with the file where nothing says so.
    """
    flags: dict[str, Array] = {
        name: np.asarray(arrays[name], bool) for name in ("terminations", "truncations") if name in arrays
    }
    for name, flag in flags.items():
        if flag.shape != (len(arrays["observations"]),):
            raise InputError(name, flag.shape, f"give one for each of {len(arrays['observations'])} observations")
    ends = _ends(arrays, flags, ends_with_file)
    episodes, terminated = np.split(arrays["observations"], ends[:-1]), _terminated(ends, flags)
    if "next_observations" not in arrays:
        # A transition is its second state's: what remains without each episode's first one.
        rows = None if terminated is None else np.delete(terminated, np.append(0, ends[:-1]))
        return _File(episodes, rows, arrays)
    following = arrays["next_observations"]
    _check_following(arrays["observations"], following, ends)
    episodes = [np.concatenate([states, end[None]]) for states, end in zip(episodes, following[ends - 1], strict=True)]
    return _File(episodes, terminated, arrays)


def _ends(arrays: Mapping[str, Array], flags: Mapping[str, Array], ends_with_file: bool) -> Array:
    """One past the last observation of each episode, ``[E]``."""
    count = len(arrays["observations"])
    if "episode_ends" in arrays:
        ends = np.asarray(arrays["episode_ends"])
        if ends.ndim != 1 or ends.dtype.kind not in "iu":
            raise InputError("episode_ends", f"{ends.dtype} {ends.shape}", "give a vector of whole numbers")
        if len(ends) == 0 or ends[-1] != count or np.any(np.diff(ends, prepend=0) <= 0):
            raise InputError(
                "episode_ends", ends.tolist()[-5:], f"give rising numbers, the last being the {count} observations"
            )
        return ends
    ends = np.unique(np.concatenate([np.flatnonzero(flag) + 1 for flag in flags.values()] or [np.zeros(0, int)]))
    if count in ends:
        return ends
    if not ends_with_file:
        raise InputError("terminations", "no end after the last observation", "end or truncate the last episode")
    return np.append(ends, count)


def _check_following(observations: Array, following: Array, ends: Array) -> None:
    """Refuse transitions that are not those of whole episodes in their order."""
    if following.shape != observations.shape:
        remedy = f"give one for each observation, of the same shape: {observations.shape}"
        raise InputError("next_observations", following.shape, remedy)
    floats = observations.dtype.kind == following.dtype.kind == "f"
    before, after = following[:-1], observations[1:]
    same = np.isclose(before, after, equal_nan=True) if floats else before == after
    apart = np.setdiff1d(np.flatnonzero(~same.all(tuple(range(1, same.ndim)))), ends[:-1] - 1)
    if apart.size:
        raise InputError(
            "next_observations",
            f"row {apart[0]} is not observation {apart[0] + 1}",
            "give whole episodes in their order, or end an episode there",
        )


def _terminated(ends: Array, flags: Mapping[str, Array]) -> Array | None:
    """By observation, whether its episode terminates there; nothing where there are no flags."""
    if not flags:
        return None
    for name, flag in flags.items():
        if (within := np.setdiff1d(np.flatnonzero(flag) + 1, ends)).size:
            raise InputError(
                name, f"true after {within[0]} observations", "flag those alone at which episode_ends has an end"
            )
    return flags.get("terminations", np.zeros(ends[-1], bool))


def read_folder(path: Path) -> ExpertDataset:
    """Read a folder with one ``.npy`` (states) or ``.npz`` for each episode, in the order of their names.

    A file that says where episodes end, as a single one does, may hold several.

    Raises:
        InputError: naming the file, the array and the remedy.
    """
    paths = sorted(file for file in path.iterdir() if file.suffix in (".npy", ".npz"))
    if not paths:
        raise InputError("dataset folder", str(path), "give a folder with one .npy or .npz file for each episode")
    files = []
    for file in paths:
        if "observations" not in (arrays := _load(file)):
            raise InputError("dataset file", str(file), "give an array named observations")
        try:
            files.append(_file(arrays, ends_with_file=True))
        except InputError as error:
            raise InputError(f"{file.name}: {error.field}", error.value, error.remedy) from error
    labels: dict[str, Any] = {}
    for name in ("actions", "rewards"):
        without = [known.name for known, file in zip(paths, files, strict=True) if name not in file.arrays]
        if not without:
            labels[name] = _column(name, [file.arrays[name] for file in files])
        elif len(without) < len(files):
            raise InputError(name, f"missing in {without[0]}", "give them in the files of all episodes, or of none")
    if any(file.terminated is not None for file in files):
        labels["label_terminated"] = np.concatenate([_terminated_or_ended(file) for file in files])
    return dataset_from([states for file in files for states in file.states], labels, {"source": path.name})


def _terminated_or_ended(file: _File) -> Array:
    """By transition; what nothing is said of terminates where it ends."""
    if file.terminated is not None:
        return file.terminated
    last = np.cumsum([len(states) - 1 for states in file.states]) - 1
    return np.isin(np.arange(last[-1] + 1), last)


def _column(name: str, parts: Sequence[Array]) -> Array:
    """Entries of all episodes, ``[N, …]``; ``[T]`` in one file and ``[T, 1]`` in another are the same."""
    try:
        if name == "actions" and len({part.dtype.kind == "f" for part in parts}) > 1:
            raise TypeError("discrete in some, continuous in others")
        return np.concatenate([part.reshape(len(part), -1) for part in parts])
    except (ValueError, TypeError) as error:
        there = sorted({f"{part.dtype} {part.shape[1:]}" for part in parts})
        raise InputError(name, there, "give all episodes the same shape and type") from error


def write_npz(dataset: ExpertDataset, path: Path) -> None:
    """Write states, where episodes end and, where known, actions, rewards and which episodes were terminated."""
    arrays = {"observations": dataset.states.states.numpy(), "episode_ends": dataset.states.episode_ends.numpy()}
    if dataset.labels is not None:
        arrays["actions"] = dataset.labels.action.numpy()
        if dataset.labels.reward is not None:
            arrays["rewards"] = dataset.labels.reward.numpy()
        terminations = np.zeros(len(dataset.states.states), bool)
        terminations[dataset.states.transition_starts.numpy() + 1] = dataset.labels.terminated.numpy()
        arrays["terminations"] = terminations
    aside = path.with_name(path.name + ".partial")
    try:
        with aside.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def _entries(arrays: dict[str, Array]) -> dict[str, Array]:
    """The same, if each of them that is read has entries."""
    for name in ("observations", "next_observations", "terminations", "truncations", "actions", "rewards"):
        array = arrays.get(name)
        if array is not None and (array.size == 0 or array.ndim == 0):
            raise InputError(name, f"an array of shape {array.shape}", "give an entry for each state or transition")
    return arrays


def _load(path: Path) -> dict[str, Array]:
    try:
        loaded = np.load(BytesIO(path.read_bytes()), allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return _entries({"observations": loaded})
        return _entries({name: loaded[name] for name in loaded.files})
    except FileNotFoundError as error:
        raise InputError("dataset file", str(path), "no such file") from error
    except ValueError as error:
        if "Object arrays" in str(error):
            remedy = "save plain arrays; object arrays would need unpickling, which can run code"
            raise InputError("dataset file", str(path), remedy) from error
        raise InputError("dataset file", str(path), f"it is damaged or no NumPy file ({error})") from error
    except (OSError, BadZipFile, EOFError, KeyError, MemoryError, RuntimeError, zlib.error) as error:  # or encrypted
        raise InputError("dataset file", str(path), f"it is damaged or no NumPy file ({error})") from error
