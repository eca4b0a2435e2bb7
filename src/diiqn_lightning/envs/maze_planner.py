"""A scripted expert of Maze2D, which takes detours."""

import heapq
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from torch import Tensor

from diiqn_lightning.envs.maze2d import Maze2D
from diiqn_lightning.envs.mazes import Cell

MISTAKEN_SEED = 0
LARGEST_COST = 6.0
"""A step into a cell costs 1 to this much in the planner's mind, and 1 in truth."""


class DetourPlanner:
    """Goes the cheapest way to the goal on a map of costs that are wrong: suboptimal by construction.

    Each cell's cost is drawn once, so that the expert is a policy, with one action in each cell, and always
    reaches the goal; but it walks around cells that it believes to be expensive.

    Args:
        env: Maze2D, with the expert's action set.
    """

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        maze = env.unwrapped
        assert isinstance(maze, Maze2D)
        self._maze = maze
        costs = np.random.default_rng(MISTAKEN_SEED).uniform(1, LARGEST_COST, maze.maze.shape)
        self._action = cheapest_actions(maze, costs)

    def __call__(self, observation: Tensor) -> Tensor:
        """Actions ``[B]`` int64 for observations ``[B, *O]``; 0 where there is no way to the goal."""
        cells = [self._maze.cell_of(state) for state in observation.numpy()]
        return torch.tensor([self._action.get(cell, 0) for cell in cells])


def cheapest_actions(env: Maze2D, costs: np.ndarray[Any, Any]) -> dict[Cell, int]:
    """Action of the cheapest way to the goal in each cell that has one: Dijkstra's search, backwards.

    Args:
        env: the maze and the moves.
        costs: of a step into each cell, ``[H, W]``, positive.
    """
    maze, moves = env.maze, list(env.moves.values())
    arrivals: dict[Cell, list[tuple[Cell, int]]] = {}
    for row, column in np.argwhere(~maze.walls):
        cell = (int(row), int(column))
        for action, move in enumerate(moves):
            arrivals.setdefault(maze.after(cell, move), []).append((cell, action))
    total, action_of, queue = {maze.goal: 0.0}, dict[Cell, int](), [(0.0, maze.goal)]
    while queue:
        cost, cell = heapq.heappop(queue)
        if cost > total[cell]:
            continue
        for before, action in arrivals.get(cell, ()):
            through = cost + float(costs[cell])
            if through < total.get(before, np.inf):
                total[before], action_of[before] = through, action
                heapq.heappush(queue, (through, before))
    return action_of
