"""One draw of a parameter of a random sweep, by W&B's names of distributions."""

import math
import random
from typing import Any

from diiqn_lightning.errors import InputError

DISTRIBUTIONS = (
    *("categorical", "int_uniform", "uniform", "q_uniform"),
    *("log_uniform_values", "q_log_uniform_values", "normal"),
)


def draw(field: str, given: dict[str, Any], generator: random.Random) -> Any:
    """A value of a parameter.

    Args:
        field: where it is described, for the sentence.
        given: W&B's description: ``value``, ``values`` (with ``probabilities``), or ``distribution`` with ``min``,
            ``max``, ``mu``, ``sigma``, ``q``.
        generator: of random numbers.

    Raises:
        InputError: for a description that is incomplete, or a distribution that needs W&B's server.
    """
    try:
        return _draw(field, given, generator)
    except OverflowError as error:
        raise InputError(field, given, "give numbers that are neither so large nor so small") from error


def _draw(field: str, given: dict[str, Any], generator: random.Random) -> Any:
    if "value" in given:
        return given["value"]
    kind = given.get("distribution") or _implied(field, given)
    if kind == "categorical":
        return _categorical(field, given, generator)
    if kind == "normal":
        return generator.gauss(_number(field, given, "mu", 0.0), _number(field, given, "sigma", 1.0))
    if kind not in DISTRIBUTIONS:
        raise InputError(
            field, kind, f"choose one of {', '.join(DISTRIBUTIONS)}, or start the sweep with `wandb sweep`"
        )
    low, high = _number(field, given, "min"), _number(field, given, "max")
    if not low <= high:
        raise InputError(field, given, "let min be smaller than max")
    if kind == "int_uniform":
        return generator.randint(int(low), int(high))
    if kind.endswith("log_uniform_values"):
        if low <= 0:
            raise InputError(field, given, "let min be larger than 0")
        value = math.exp(generator.uniform(math.log(low), math.log(high)))
    else:
        value = generator.uniform(low, high)
    if not kind.startswith("q_"):
        return value
    step = _number(field, given, "q", 1)
    if step <= 0:
        raise InputError(field, given, "let q be larger than 0")
    # Nine digits: 7 · 0.05 is 0.35, and not 0.35000000000000003 in the name of a run.
    return type(step)(round(round(value / step) * step, 9))


def _implied(field: str, given: dict[str, Any]) -> str:
    """The distribution where none is named."""
    if "values" in given:
        return "categorical"
    bounds = (_number(field, given, "min"), _number(field, given, "max"))
    return "int_uniform" if all(isinstance(bound, int) for bound in bounds) else "uniform"


def _number(field: str, given: dict[str, Any], name: str, default: float | None = None) -> float:
    value = given.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(field, given, f"give {name} as a number (write 1.0e-3, YAML reads 1e-3 as text)")
    return value


def _categorical(field: str, given: dict[str, Any], generator: random.Random) -> Any:
    values = given.get("values")
    if not isinstance(values, list) or not values:
        raise InputError(field, given, "give values as a list")
    weights = given.get("probabilities")
    if weights is not None and (not isinstance(weights, list) or len(weights) != len(values)):
        raise InputError(field, weights, "give as many probabilities as values")
    if weights is not None and not _are_weights(weights):
        raise InputError(field, weights, "give probabilities as numbers of at least 0, some of them larger than 0")
    return generator.choices(values, weights)[0]


def _are_weights(weights: list[Any]) -> bool:
    numbers = [weight for weight in weights if isinstance(weight, int | float) and weight >= 0]
    return len(numbers) == len(weights) and 0 < sum(numbers) < math.inf
