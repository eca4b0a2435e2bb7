"""Finds what no field can be, before anything is built: null where a value is needed, and NaN.

The parser lets null through for every field, since a line of YAML without a value is null, and NaN for every number.
Constructors would stumble over the one and never notice the other.
"""

import math
import typing
from collections.abc import Mapping, Set
from functools import cache
from inspect import Parameter, signature
from pkgutil import resolve_name
from types import NoneType, UnionType
from typing import Any, NamedTuple

from diiqn_lightning.errors import InputError

LIGHTNINGS_OWN = "trainer."


class Expected(NamedTuple):
    """What a field is to hold.

    Args:
        kind: its type, as annotated.
        default: of the argument, where it has one.
    """

    kind: Any = Any
    default: Any = None


def check_values(parser: Any, config: Mapping[str, Any], unknown_yet: Set[str]) -> None:
    """Look at every field of a run's configuration but Lightning's, however deep.

    Args:
        parser: of the verb; it knows the fields' types.
        config: what it made of the options, as nested dictionaries.
        unknown_yet: fields that get their value when others are built.

    Raises:
        InputError: for the first field that is null or NaN and must not be.
    """
    for action in parser._actions:
        kind = getattr(action, "_typehint", None)
        if kind is not None and not action.dest.startswith(LIGHTNINGS_OWN):
            value: Any = config
            for part in action.dest.split("."):
                value = value.get(part) if isinstance(value, Mapping) else None
            _check(value, Expected(kind, action.default), action.dest, unknown_yet)


def _check(value: Any, expected: Expected, field: str, unknown_yet: Set[str]) -> None:
    kinds = _alternatives(expected.kind)
    if value is None:
        if not kinds & {NoneType, Any, object} and field not in unknown_yet:
            raise InputError(field, None, f"null stands for nothing here, give a value{_or_default(expected.default)}")
    elif isinstance(value, float) and math.isnan(value):
        if kinds != {Any}:
            raise InputError(field, value, "give a number")
    elif isinstance(value, list | tuple):
        member = Expected() if kinds == {Any} else Expected(object)  # null may be one of them, NaN is no number
        for number, each in enumerate(value):
            _check(each, member, f"{field}[{number}]", unknown_yet)
    elif isinstance(value, Mapping):
        arguments, given = _arguments(value, kinds)
        for name, nested in given.items():
            _check(nested, arguments.get(name, Expected()), f"{field}.{name}", unknown_yet)


def _alternatives(kind: Any) -> set[Any]:
    """Members of a union; a type alone is one of its own."""
    if typing.get_origin(kind) in (typing.Union, UnionType):
        return {each for member in typing.get_args(kind) for each in _alternatives(member)}
    if typing.get_origin(kind) is typing.Literal and None in typing.get_args(kind):
        return {typing.Literal, NoneType}
    return {typing.get_origin(kind) or kind}


def _arguments(value: Mapping[str, Any], kinds: set[Any]) -> tuple[dict[str, Expected], Mapping[str, Any]]:
    """What the arguments of a block are to hold, and what they hold; of what is free in its form nothing is known."""
    if kinds <= {dict, Any, object, Mapping, NoneType}:
        return {}, value
    if "class_path" in value:
        return _parameters(resolve_name(value["class_path"])), value.get("init_args") or {}
    classes = [kind for kind in kinds if isinstance(kind, type) and kind.__module__ != "builtins"]
    return _parameters(classes[0]) if len(classes) == 1 else {}, value


@cache
def _parameters(kind: type) -> dict[str, Expected]:
    """Of a class and its bases, to which ``**kwargs`` hand on what a class does not name."""
    found: dict[str, Expected] = {}
    if not isinstance(kind, type):
        return found
    for each in reversed(kind.__mro__[:-1]):
        if "__init__" not in vars(each):
            continue
        try:
            build = vars(each)["__init__"]
            hints, parameters = typing.get_type_hints(build), signature(build).parameters
        except (NameError, TypeError, ValueError):  # annotations that cannot be resolved say nothing
            continue
        for name, parameter in parameters.items():
            hint, default = hints.get(name, Any), parameter.default
            if default is None:  # some classes' authors leave "or None" out of the annotation
                found[name] = Expected(typing.Optional[hint])  # noqa: UP045 - of a type that is known at run time
            else:
                found[name] = Expected(hint, None if default is Parameter.empty else default)
    return found


def _or_default(default: Any) -> str:
    if default is None:
        return ""
    shown = f", {default!r}" if isinstance(default, str | int | float | bool) else ""
    return f", or leave the line out for its default{shown}"
