"""Configurations that come with a run, which may be a stranger's: what they may have imported and built."""

import argparse
import os
import re
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

from diiqn_lightning.errors import InputError

BUILDABLE = ("diiqn_lightning.", "torch.optim.")
"""Where the classes come from that a run's own ``config.yaml`` may name."""

TRUSTED = "DIIQN_LIGHTNING_TRUSTED"
"""Environment variable with packages, joined by commas, whose classes and environments it may name as well."""

BUILT = {
    *("model", "optimizer", "confidence", "bridge_confidence", "callbacks", "logger", "profiler", "plugins"),
    *("strategy", "action_inference", "expert_sampling", "expert_visits", "expert_distance", "feasibility", "bridging"),
}
"""Options whose value is a class; a string in place of a ``class_path`` would be imported, too."""

BLOCKS = {"trainer", "data", "metrics", "checkpoint", "video", "wandb", "init_args"}
"""Options whose value is a block of others; a string in its place would be read as a file of them."""

PATHS = {"expert", "run_dir", "bridge_figure"}
"""Options that may name a file: none of these is read for other options."""

_PLAIN_WORD = re.compile(r"[A-Za-z]\w*")


def comes_with_a_run(config: Path) -> bool:
    """Whether a file lies in a run's folder, beside its checkpoints or its list of sessions."""
    return any((config.parent / sign).exists() for sign in ("checkpoints", "sessions.json"))


def check_named_configs(arguments: Sequence[str]) -> None:
    """Look through each run's own configuration that a command line names with ``--config``.

    A file from elsewhere is the user's own, who may build of it what they like.

    Args:
        arguments: of ``fit``, ``validate`` or ``test``.

    Raises:
        InputError: as of :func:`check_classes` and :func:`check_environment`.
    """
    # Read as the real parser reads it, in whichever of its forms the option was written.
    options = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    options.add_argument("-c", "--config", action="append", nargs="?", const="", default=[], type=Path)
    for config in options.parse_known_args(arguments)[0].config:
        if config.is_file() and comes_with_a_run(config):
            check_classes(config)
            check_environment(config, None)


def check_classes(config: Path) -> None:
    """Refuse a run's configuration that would have something built which is not of this software.

    A checkpoint may be a stranger's; whatever its configuration names would be imported and called. The parser takes
    the name of a file in place of a block or a class, so that such names are refused as well.

    Raises:
        InputError: that names the class or the file, or says that the configuration cannot be read.
    """
    for field, name in named_code(_content(config), config.parent):
        if not _is_buildable(name):
            raise InputError(
                f"{field} in {config}",
                name,
                "only classes of diiqn_lightning and torch.optim are built from files that come with a checkpoint; "
                f"if you trust it, name its package in the environment variable {TRUSTED}",
            )


def check_environment(config: Path, trusted: str | None) -> None:
    """Refuse to import a module because a run's configuration says so.

    Args:
        config: the file, which :func:`check_classes` let pass.
        trusted: the environment that the user has named.

    Raises:
        InputError: for an environment of the form ``module:id`` that the user has not named.
    """
    env_id = str((_content(config).get("data") or {}).get("env"))
    module = env_id.rpartition(":")[0]
    if module and env_id != trusted and not f"{module}.".startswith(_trusted()):
        verbs = f"say so with --env {env_id} (record, export, watch) or in the environment variable {TRUSTED}"
        remedy = f"importing {module} runs its code; if you trust it, {verbs}"
        raise InputError(f"data.env in {config}", env_id, remedy)


def named_code(content: Any, folder: Path, field: str = "") -> Iterator[tuple[str, str]]:
    """All parts of a nested configuration by which code or further options would be loaded.

    Args:
        content: of a file.
        folder: of the file, from which the parser looks for others.
        field: where the content stands.

    Yields:
        The option's dotted name and its value.
    """
    if isinstance(content, dict):
        for key, value in content.items():
            yield from _named_by(str(key), value, folder, f"{field}.{key}".removeprefix("."))
    elif isinstance(content, list):
        for value in content:
            yield from named_code(value, folder, field)


def _named_by(key: str, value: Any, folder: Path, field: str) -> Iterator[tuple[str, str]]:
    parts = value if isinstance(value, list) else [value]
    strings = [part for part in parts if isinstance(part, str)]
    if key in ("class_path", "config"):
        yield from ((field, str(part)) for part in parts if part is not None)
    elif key in BLOCKS:
        yield from ((field, part) for part in strings)
    elif key in BUILT:
        yield from ((field, part) for part in strings if not _PLAIN_WORD.fullmatch(part) or _is_file(part, folder))
    elif key not in PATHS:
        yield from ((field, part) for part in strings if _is_file(part, folder))
    yield from named_code(value, folder, field)


def _is_file(name: str, folder: Path) -> bool:
    try:
        return Path(name).is_file() or (folder / name).is_file()
    except (OSError, ValueError):  # no name that a file could have
        return False


def _content(config: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(config.read_text())
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InputError("config.yaml", str(config), "it cannot be read; give another checkpoint") from error
    if not isinstance(content, dict):
        raise InputError("config.yaml", str(config), "it holds no options; give another checkpoint")
    return content


def _trusted() -> tuple[str, ...]:
    return tuple(f"{name.strip()}." for name in os.environ.get(TRUSTED, "").split(",") if name.strip())


def _is_buildable(name: str) -> bool:
    """Whether a class is of a module of ours or of torch.optim, and not of one that such a module has imported."""
    if name.startswith(_trusted()):
        return True
    try:
        return name.startswith(BUILDABLE) and find_spec(name.rpartition(".")[0]) is not None
    except (ImportError, ValueError):
        return False
