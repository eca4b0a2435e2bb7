"""Which lines share a panel, and how each looks: the same in every figure of a report."""

import math
from collections.abc import Sequence

MOST_LINES = 6
"""Of a panel: more lines with bands cannot be told apart in grey, and a figure gets several panels then (design
choice)."""

ALWAYS = "diiqn"
"""Beside the baseline in each panel, where it is among the lines: what the others are compared with."""


def shares(labels: Sequence[str], baseline: str) -> list[list[str]]:
    """Labels panel by panel, the baseline and DIIQN in each of them.

    Args:
        labels: of all lines, in their order.
        baseline: label to compare with.
    """
    if len(labels) <= MOST_LINES:
        return [list(labels)]
    first = [label for label in (baseline, ALWAYS) if label in labels]
    others = [label for label in labels if label not in first]
    count = math.ceil(len(others) / (MOST_LINES - len(first)))
    size = math.ceil(len(others) / count)
    return [[*first, *others[at : at + size]] for at in range(0, len(others), size)]


def line_numbers(labels: Sequence[str], baseline: str) -> dict[str, int]:
    """Which colour, dashes and marker each label has: its place in its panel."""
    return {label: number for share in shares(labels, baseline) for number, label in enumerate(share)}


def shares_among(present: Sequence[str], labels: Sequence[str], baseline: str) -> list[list[str]]:
    """The same shares, as far as their labels are present; none that only repeats the first labels.

    Args:
        present: labels that there is something to draw of.
        labels, baseline: as in :func:`shares`.
    """
    found = [[label for label in share if label in present] for share in shares(labels, baseline)]
    telling = [share for share in found if {*share} - {baseline, ALWAYS}]
    return telling or found[:1]
