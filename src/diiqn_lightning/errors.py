"""The one exception that a user's input can cause."""

from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from typing import Any


class InputError(ValueError):
    """A value that the user gave cannot be used.

    The message is a single sentence that names the field, the value and the remedy. The command
    line prints it without a traceback and exits with code 2.

    Args:
        field: Name of the option or file, as the user wrote it.
        value: What it was.
        remedy: What to do instead, in the imperative.
    """

    def __init__(self, field: str, value: Any, remedy: str) -> None:
        self.field, self.value, self.remedy = field, value, remedy
        super().__init__(f"{field} is {value!r}: {remedy}.")

    def __reduce__(self) -> tuple[type["InputError"], tuple[str, Any, str]]:
        return type(self), (self.field, self.value, self.remedy)


@contextmanager
def writing(field: str, path: str | PathLike[str]) -> Iterator[None]:
    """Turn the system's refusals to write into :class:`InputError`.

    Args:
        field: name of the option that gave the path.
        path: what is written.
    """
    try:
        yield
    except OSError as error:
        raise InputError(field, str(path), f"choose a place that can be written ({error.strerror})") from error


def require_positive(**fields: float) -> None:
    """Raise :class:`InputError` for each field that is not larger than zero."""
    for field, value in fields.items():
        if not value > 0:
            raise InputError(field, value, "give a number larger than 0")


def require_seed(**fields: int) -> None:
    """Raise :class:`InputError` for each seed that NumPy's generators do not take."""
    for field, value in fields.items():
        if not 0 <= value < 2**32:
            raise InputError(field, value, f"give a whole number from 0 to {2**32 - 1}")


def require_within(low: float, high: float, **fields: float) -> None:
    """Raise :class:`InputError` for each field outside ``[low, high]``."""
    for field, value in fields.items():
        if not low <= value <= high:
            raise InputError(field, value, f"give a number from {low:g} to {high:g}")
