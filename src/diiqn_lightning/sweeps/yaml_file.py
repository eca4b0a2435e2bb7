"""YAML files of the user's, read so that whatever is wrong gets one sentence."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from diiqn_lightning.errors import InputError


def read_mapping(path: Path, fields: Sequence[str], required: Sequence[str]) -> dict[str, Any]:
    """The content of a file whose top level is a mapping.

    Args:
        path: of the file.
        fields: that it may have.
        required: that it must have.

    Raises:
        InputError: that names the field.
    """
    try:
        content = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("file", str(path), "give the path of a YAML file that can be read") from error
    except yaml.YAMLError as error:
        raise InputError("file", str(path), f"write YAML ({' '.join(str(error).split())})") from error
    if not isinstance(content, dict):
        raise InputError("file", str(path), f"let its top level be a mapping with {', '.join(required)}")
    for field in content:
        if field not in fields:
            raise InputError(f"field of {path}", field, f"leave it out, or name one of {', '.join(fields)}")
    for field in required:
        if content.get(field) is None:
            raise InputError(f"{field} in {path}", None, "add it")
    return content


def whole_number(field: str, value: Any) -> int:
    """A whole number of at least 1."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InputError(field, value, "give a whole number of at least 1")
    return value


def refuse_options(arguments: Sequence[str], options: Sequence[str], field: str, remedy: str) -> None:
    """Refuse options that are not for whoever wrote them to give.

    Args:
        arguments: of ``fit``.
        options: names, without dashes.
        field: where the arguments are from.
        remedy: what to do instead.
    """
    for argument in arguments:
        if argument.removeprefix("--").partition("=")[0] in options:
            raise InputError(field, argument, remedy)
