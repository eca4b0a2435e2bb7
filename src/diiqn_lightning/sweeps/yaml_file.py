"""YAML files of the user's, read so that whatever is wrong gets one sentence."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from diiqn_lightning.errors import InputError


class _UniqueKeys(yaml.SafeLoader):
    """Refuses a key that is written twice: PyYAML would drop the first without a word."""

    def compose_mapping_node(self, anchor: dict[Any, yaml.Node]) -> yaml.MappingNode:
        # Before `<<` is merged, whose keys may be written again.
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        lines: dict[tuple[str, str], int] = {}
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            line, name = key.start_mark.line + 1, (key.tag, key.value)
            if name in lines:
                remedy = f"write it once, line {lines[name]} has it too"
                raise InputError(f"line {line} of {self.name}", key.value, remedy)
            lines[name] = line
        return node


def read_yaml(field: str, path: Path) -> Any:
    """The content of a file.

    Args:
        field: the option that names it.
        path: of the file.

    Raises:
        InputError: if it is no YAML, or has a key twice.
    """
    try:
        with path.open() as file:
            return yaml.load(file, _UniqueKeys)
    except InputError:
        raise
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(field, str(path), "give the path of a YAML file that can be read") from error
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date or a number that there is not
        raise InputError(field, str(path), f"write YAML ({' '.join(str(error).split())})") from error


def read_mapping(path: Path, fields: Sequence[str], required: Sequence[str]) -> dict[str, Any]:
    """The content of a file whose top level is a mapping.

    Args:
        path: of the file.
        fields: that it may have.
        required: that it must have.

    Raises:
        InputError: that names the field.
    """
    content = read_yaml("file", path)
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
