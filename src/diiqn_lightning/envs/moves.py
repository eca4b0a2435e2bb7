"""Moves on a grid by name, and the named sets of them that expert and agent may have."""

from collections.abc import Sequence

from diiqn_lightning.errors import InputError

Move = tuple[int, int]
"""(rows, columns) that a move goes: rows grow to the south, columns to the east."""

_CARDINAL: dict[str, Move] = {"north": (-1, 0), "east": (0, 1), "south": (1, 0), "west": (0, -1)}
_DIAGONAL: dict[str, Move] = {"northeast": (-1, 1), "southeast": (1, 1), "southwest": (1, -1), "northwest": (-1, -1)}
_JUMP2: dict[str, Move] = {f"{name}2": (2 * rows, 2 * columns) for name, (rows, columns) in _CARDINAL.items()}
_KNIGHT: dict[str, Move] = {
    f"knight_{first}_{second}": (2 * a + c, 2 * b + d)
    for first, (a, b) in _CARDINAL.items()
    for second, (c, d) in _CARDINAL.items()
    if a * c + b * d == 0
}

MOVES: dict[str, Move] = _CARDINAL | _DIAGONAL | _JUMP2 | _KNIGHT
"""Every move by name: north, southeast, west2 (two cells, past a free one), knight_north_east (over walls) …"""

ACTION_SETS: dict[str, tuple[str, ...]] = {
    "cardinal": tuple(_CARDINAL),
    "diagonal": tuple(_DIAGONAL),
    "king": (*_CARDINAL, *_DIAGONAL),
    "jump2": tuple(_JUMP2),
    "knight": tuple(_KNIGHT),
}
"""Names of sets of moves; the order is that of the actions' numbers."""


def moves_of(action_set: str | Sequence[str]) -> dict[str, Move]:
    """The moves of an action set, in the order of the actions' numbers.

    Args:
        action_set: names of sets and of single moves, in a list or joined by ``+``: ``cardinal``,
            ``cardinal+knight``, ``north+east2``.

    Raises:
        InputError: for a name that is neither.
    """
    names = action_set.split("+") if isinstance(action_set, str) else list(action_set)
    moves: dict[str, Move] = {}
    for name in names:
        for move in ACTION_SETS.get(name, (name,)):
            if move not in MOVES:
                raise InputError(
                    "data.env_kwargs.action_set",
                    name,
                    f"join names of sets ({', '.join(ACTION_SETS)}) or of moves (north, southeast, west2, "
                    "knight_north_east …) by +",
                )
            moves[move] = MOVES[move]
    if not moves:
        raise InputError("data.env_kwargs.action_set", action_set, "name at least one move")
    return moves
