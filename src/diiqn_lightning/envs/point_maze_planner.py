"""A scripted expert of Point Maze, which drives carefully."""

from collections import deque
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from torch import Tensor

from diiqn_lightning.envs.point_maze import SPEED_GAIN, STEP_SECONDS, PointMaze

SPEED = 2.0
"""m/s that it aims for; the ball's limit is 5 for each component."""


class CarefulDriver:
    """Follows the corridors' middle at less than half of the ball's speed: suboptimal by construction.

    In each state it takes the force after which the velocity is closest to the one it wants, or, where the ball is
    braked, the one that takes it closest to the middle of the next cell.

    Args:
        env: Point Maze, with the expert's forces.
    """

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        maze = env.unwrapped
        assert isinstance(maze, PointMaze)
        self._maze = maze
        self._next_cell = way_to_goal(maze.cells)
        self._forces = np.array([(columns, rows) for rows, columns in maze.moves.values()], np.float64)
        seconds = STEP_SECONDS * maze.hold
        self._gain, self._way = SPEED_GAIN * seconds, SPEED_GAIN * seconds**2

    def __call__(self, observation: Tensor) -> Tensor:
        """Actions ``[B]`` int64 for observations ``[B, 8]``."""
        return torch.tensor([self._action(state) for state in observation.double().numpy()])

    def _action(self, state: np.ndarray[Any, Any]) -> int:
        place = np.array(self._maze.place_of(state))
        velocity = np.array([state[6], -state[7]])
        column, row = (int(part) for part in np.rint(place))
        following = self._next_cell.get((row, column), (row, column))
        aim = np.array([following[1], following[0]], np.float64)
        if self._maze.brake:
            return int(np.linalg.norm(place + self._way * self._forces - aim, axis=1).argmin())
        if following == (row, column):
            wanted = aim - place
        else:
            wanted = (aim - place) / max(1e-6, float(np.linalg.norm(aim - place)))
        after = velocity + self._gain * self._forces
        return int(np.linalg.norm(after - SPEED * wanted, axis=1).argmin())


def way_to_goal(cells: list[str]) -> dict[tuple[int, int], tuple[int, int]]:
    """The next cell on a shortest way from each free cell to the goal.

    Args:
        cells: rows of the maze: # is a wall, G the goal.
    """
    ((row, column),) = [(r, c) for r, line in enumerate(cells) for c, cell in enumerate(line) if cell == "G"]
    following, queue = {(row, column): (row, column)}, deque([(row, column)])
    while queue:
        r, c = queue.popleft()
        for before in ((r - 1, c), (r, c + 1), (r + 1, c), (r, c - 1)):
            if cells[before[0]][before[1]] != "#" and before not in following:
                following[before] = (r, c)
                queue.append(before)
    return following
