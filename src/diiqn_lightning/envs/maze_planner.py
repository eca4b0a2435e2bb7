"""Scripted experts of Maze2D, which take detours."""

import heapq
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from torch import Tensor

from diiqn_lightning.envs.maze2d import Maze2D
from diiqn_lightning.envs.mazes import Cell, Maze

MISTAKEN_SEED = 2
COST_OF_A_WALL = 1_000.0
"""Of a step into a cell that the planner takes for a wall: it goes there only from where it has no other way."""


class DetourPlanner:
    """Goes the shortest way to the goal on a map that is wrong: suboptimal by construction.

    It takes some free cells for walls, always the same ones, and walks around them; a way to the goal is left on
    its map.

    Args:
        env: Maze2D, with the expert's action set.
    """

    mistaken_share = 0.35
    """Share of the cells that it takes for walls, of those without which there still is a way."""

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        maze = env.unwrapped
        assert isinstance(maze, Maze2D)
        self._maze = maze
        costs = np.where(mistaken_map(maze, self.mistaken_share), COST_OF_A_WALL, 1.0)
        self._action = cheapest_actions(maze, costs)

    def __call__(self, observation: Tensor) -> Tensor:
        """Actions ``[B]`` int64 for observations ``[B, *O]``; 0 where there is no way to the goal."""
        cells = [self._maze.cell_of(state) for state in observation.numpy()]
        return torch.tensor([self._action.get(cell, 0) for cell in cells])


class LostPlanner(DetourPlanner):
    """Knows a single way, and not a short one."""

    mistaken_share = 1.0


class ShortestPlanner(DetourPlanner):
    """Takes none."""

    mistaken_share = 0.0


def mistaken_map(env: Maze2D, share: float) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Walls and the free cells that a planner takes for walls, ``[H, W]`` bool.

    Cells are asked in a random order that is always the same; one without which there would be no way from the start
    to the goal stays free.

    Args:
        env: the maze and the moves.
        share: of the free cells that are asked.
    """
    walls, moves = env.maze.walls.copy(), list(env.moves.values())
    free = np.random.default_rng(MISTAKEN_SEED).permutation(np.argwhere(~walls))
    for row, column in free[: round(share * len(free))]:
        walls[row, column] = True
        known = Maze(walls, env.maze.start, env.maze.goal)
        cell = (int(row), int(column))
        if cell in (known.start, known.goal) or known.goal not in known.distances_from_start(moves):
            walls[row, column] = False
    return walls


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
