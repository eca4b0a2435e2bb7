"""Algorithms over several games at once: which games can be taken together, and how intervals are shown."""

import math
from collections.abc import Mapping, Sequence

from diiqn_lightning.report.scores import GameScores
from diiqn_lightning.report.statistics import Interval

FEW_SEEDS = 5
"""With fewer seeds than this a percentile bootstrap is narrower than it says: a design choice."""


def shared_games(scores: Mapping[str, GameScores], baseline: str) -> list[str]:
    """The games whose figures have the most to show: labels that have all of them, times games; ties to more games.

    Args:
        scores: normalised ones by label and game.
        baseline: label of the baseline, which is not the only one.
    """
    own = [frozenset(games) for label, games in scores.items() if label != baseline]
    candidates: set[frozenset[str]] = {*own, own[0].intersection(*own)} - {frozenset()}

    def worth(games: frozenset[str]) -> tuple[int, int, list[str]]:
        return sum(games <= each for each in own) * len(games), len(games), sorted(games)

    return worth(max(candidates, key=worth))[2]


def over_games(scores: Mapping[str, GameScores], games: Sequence[str]) -> dict[str, GameScores]:
    """Scores in some games, of the labels that have all of these games."""
    return {label: {game: own[game] for game in games} for label, own in scores.items() if set(games) <= set(own)}


def shown(interval: Interval | None, digits: int = 2, seeds: int = FEW_SEEDS) -> str:
    """An estimate with its interval in words.

    Args:
        interval: to show; none is an empty string, an estimate that is no number "–".
        digits: after the point.
        seeds: fewest of a side; a single one has no interval, and that is said.
    """
    if interval is None:
        return ""
    if math.isnan(interval.estimate):
        return "–"
    if math.isnan(interval.low):
        return (
            f"{_number(interval.estimate, digits)} (one seed: no interval)"
            if seeds < 2
            else _number(interval.estimate, digits)
        )
    limits = f"{_number(interval.estimate, digits)} [{_number(interval.low, digits)}, {_number(interval.high, digits)}]"
    return f"{limits} ({seeds} seeds)" if seeds < FEW_SEEDS else limits


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".replace("-", "−").replace("inf", "∞")
