"""Layouts of mazes: drawn ones of growing size, and random ones that a seed determines."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from diiqn_lightning.envs.moves import Move
from diiqn_lightning.errors import InputError

Cell = tuple[int, int]
"""(row, column)."""

DRAWN = {
    "small": """
        #########
        #S..#...#
        #...#...#
        #.......#
        ##.###.##
        #...#...#
        #...#...#
        #...#..G#
        #########""",
    "medium": """
        #############
        #S...#......#
        #....#......#
        #....#..###.#
        #.......#...#
        ###.#####...#
        #...#...#...#
        #...#...##.##
        #...........#
        #.###...#...#
        #...#...#...#
        #...#...#..G#
        #############""",
    "large": """
        #################
        #S....#.....#...#
        #.....#.....#...#
        #.....#.....#...#
        #...........#...#
        ##.####.###...###
        #.....#...#.....#
        #.....#...#.....#
        #.........#.....#
        #.....#...###.###
        ###.###...#.....#
        #.....#...#.....#
        #.....#.........#
        #.....#...#.....#
        #.........###.###
        #.....#........G#
        #################""",
}
"""Mazes by name: # is a wall, S the start, G the goal, anything else a free cell."""


@dataclass(frozen=True, eq=False)
class Maze:
    """A grid with walls, a start and a goal.

    Args:
        walls: ``[H, W]`` bool.
        start: cell in which each episode starts.
        goal: cell in which each episode ends.
    """

    walls: np.ndarray[tuple[int, int], np.dtype[np.bool_]]
    start: Cell
    goal: Cell

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in cells."""
        return self.walls.shape

    def is_free(self, cell: Cell) -> bool:
        """Whether the cell lies in the maze and is no wall."""
        inside = 0 <= cell[0] < self.shape[0] and 0 <= cell[1] < self.shape[1]
        return inside and not self.walls[cell]

    def after(self, cell: Cell, move: Move) -> Cell:
        """Where a move from a cell ends: there, or in the same cell if a wall is in the way.

        A move of two cells in a straight line needs the cell between free; a knight's leaps over walls.
        """
        rows, columns = move
        target = (cell[0] + rows, cell[1] + columns)
        straight = max(abs(rows), abs(columns)) == 2 and rows * columns == 0
        between_is_free = not straight or self.is_free((cell[0] + rows // 2, cell[1] + columns // 2))
        return target if self.is_free(target) and between_is_free else cell

    def after_all(self, cell: Cell, moves: Iterable[Move]) -> Cell:
        """Where several moves from a cell end, one after another: in the goal, if they come by it."""
        for move in moves:
            cell = self.after(cell, move)
            if cell == self.goal:
                break
        return cell

    def distances_from_start(self, moves: Iterable[Move]) -> dict[Cell, int]:
        """Fewest moves from the start to each cell that they reach."""
        return self.actions_from_start([[move] for move in moves])

    def actions_from_start(self, actions: Iterable[Sequence[Move]]) -> dict[Cell, int]:
        """Fewest actions, of one move or several each, from the start to each cell that they end in."""
        actions, steps, queue = tuple(actions), {self.start: 0}, deque([self.start])
        while queue:
            cell = queue.popleft()
            for moves in actions:
                following = self.after_all(cell, moves)
                if following not in steps:
                    steps[following] = steps[cell] + 1
                    queue.append(following)
        return steps


def drawn_maze(layout: str) -> Maze:
    """A maze of :data:`DRAWN` by its name.

    Raises:
        InputError: if there is none.
    """
    if layout not in DRAWN:
        raise InputError("data.env_kwargs.layout", layout, f"choose one of {', '.join(DRAWN)}, or random")
    rows = [line.strip() for line in DRAWN[layout].split()]
    signs = np.array([list(row) for row in rows])
    (start,), (goal,) = np.argwhere(signs == "S"), np.argwhere(signs == "G")
    return Maze(signs == "#", (int(start[0]), int(start[1])), (int(goal[0]), int(goal[1])))


def random_maze(size: int, seed: int, loops: float) -> Maze:
    """A maze whose corridors are one cell wide, by a random depth-first walk, from one corner to the other.

    Args:
        size: height and width, an odd number of at least 5.
        seed: determines the maze.
        loops: share of the remaining inner walls between corridors that are opened, so that there is more than one way.

    Raises:
        InputError: for another size, or a share outside [0, 1].
    """
    if size < 5 or size % 2 == 0:
        raise InputError("data.env_kwargs.size", size, "give an odd number of at least 5")
    if not 0 <= loops <= 1:
        raise InputError("data.env_kwargs.loops", loops, "give a number from 0 to 1")
    random = np.random.default_rng(seed)
    walls = np.ones((size, size), dtype=np.bool_)
    trail: list[Cell] = [(1, 1)]
    walls[1, 1] = False
    while trail:
        row, column = trail[-1]
        rooms = [(row + 2 * a, column + 2 * b) for a, b in ((-1, 0), (0, 1), (1, 0), (0, -1))]
        closed = [(r, c) for r, c in rooms if 0 < r < size and 0 < c < size and walls[r, c]]
        if not closed:
            trail.pop()
            continue
        r, c = closed[int(random.integers(len(closed)))]
        walls[(row + r) // 2, (column + c) // 2] = walls[r, c] = False
        trail.append((r, c))
    # Walls between two rooms have one odd and one even coordinate.
    between = [(r, c) for r in range(1, size - 1) for c in range(1, size - 1) if (r + c) % 2 and walls[r, c]]
    for number in random.permutation(len(between))[: round(loops * len(between))]:
        walls[between[number]] = False
    return Maze(walls, (1, 1), (size - 2, size - 2))
