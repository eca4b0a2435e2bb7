"""``Maze2D-v0``: a grid with walls, and action sets that expert and agent need not share."""

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np

from diiqn_lightning.envs.mazes import Cell, Maze, drawn_maze, random_maze
from diiqn_lightning.envs.moves import moves_of
from diiqn_lightning.errors import InputError

STEP_REWARD, GOAL_REWARD = -0.01, 1.0
PLANES = ("wall", "agent", "goal")


class Maze2D(gym.Env[Any, Any]):
    """Find the way from the start to the goal; a step rewards −0.01, the one that reaches the goal 1.

    Deterministic. A move whose target is no free cell leaves the agent where it is. An episode ends at the
    goal, and is truncated after ``max_steps``.

    Args:
        layout: small, medium, large, or random.
        action_set: the agent's moves, see :func:`diiqn_lightning.envs.moves.moves_of`.
        observation: planes (``[H, W, 3]`` bool: wall, agent, goal) or coordinates (``[4]`` float32: row and
            column of agent and goal over the maze's height and width).
        size, layout_seed, loops: of a random layout, see :func:`diiqn_lightning.envs.mazes.random_maze`.
        max_steps: frames after which an episode is cut off; null takes four for each free cell.
        render_mode: rgb_array or null.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 15}  # noqa: RUF012 - Gymnasium's interface

    def __init__(
        self,
        layout: str = "medium",
        action_set: str | Sequence[str] = "cardinal",
        observation: str = "planes",
        size: int = 15,
        layout_seed: int = 0,
        loops: float = 0.2,
        max_steps: int | None = None,
        render_mode: str | None = None,
    ) -> None:
        self.maze = random_maze(size, layout_seed, loops) if layout == "random" else drawn_maze(layout)
        self.moves = moves_of(action_set)
        if observation not in ("planes", "coordinates"):
            raise InputError("data.env_kwargs.observation", observation, "choose planes or coordinates")
        self.max_steps = 4 * int((~self.maze.walls).sum()) if max_steps is None else max_steps
        if self.max_steps < 1:
            raise InputError("data.env_kwargs.max_steps", max_steps, "give a whole number of at least 1, or null")
        self.observation, self.render_mode = observation, render_mode
        self._moves = list(self.moves.values())
        self.action_space = gym.spaces.Discrete(len(self._moves))
        self._scale = np.array(self.maze.shape, np.float32)
        self._planes = np.zeros((*self.maze.shape, len(PLANES)), np.bool_)
        self._planes[..., 0] = self.maze.walls
        self._planes[(*self.maze.goal, 2)] = True
        if observation == "planes":
            self.observation_space = gym.spaces.Box(0, 1, self._planes.shape, np.bool_)
        else:
            self.observation_space = gym.spaces.Box(0, 1, (4,), np.float32)
        self.cell, self.steps = self.maze.start, 0

    def reset(self, *, seed: int | None = None, options: Mapping[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Put the agent on the start."""
        super().reset(seed=seed)
        self.cell, self.steps = self.maze.start, 0
        return self.observe(self.cell), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Move."""
        self.cell = self.maze.after(self.cell, self._moves[int(action)])
        self.steps += 1
        reached = self.cell == self.maze.goal
        reward = GOAL_REWARD if reached else STEP_REWARD
        return self.observe(self.cell), reward, reached, self.steps >= self.max_steps and not reached, {}

    def observe(self, cell: Cell) -> np.ndarray[Any, Any]:
        """Observation of an agent in a cell."""
        if self.observation == "coordinates":
            return (np.array([cell, self.maze.goal], np.float32) / self._scale).ravel()
        planes = self._planes.copy()
        planes[(*cell, 1)] = True
        return planes

    def cell_of(self, observation: np.ndarray[Any, Any]) -> Cell:
        """The agent's cell in an observation: the inverse of :meth:`observe`."""
        if self.observation == "coordinates":
            row, column = np.rint(observation[:2] * self._scale).astype(int)
        else:
            row, column = np.unravel_index(int(observation[..., 1].argmax()), self.maze.shape)
        return int(row), int(column)

    def can_make(self, observation: np.ndarray[Any, Any], next_observation: np.ndarray[Any, Any]) -> bool:
        """Whether one of the agent's moves leads from one state to the other: the truth about feasibility."""
        cell, following = self.cell_of(observation), self.cell_of(next_observation)
        return any(self.maze.after(cell, move) == following for move in self._moves)

    def map_picture(self) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """The maze without the agent, a pixel for each cell: ``[H, W, 3]`` bytes."""
        return picture(self.maze)

    def place_of(self, observation: np.ndarray[Any, Any]) -> tuple[float, float]:
        """(x, y) of the agent in pixels of :meth:`map_picture`."""
        row, column = self.cell_of(observation)
        return float(column), float(row)

    def warning(self, actions: Sequence[Sequence[int]]) -> str | None:
        """What is wrong with this environment, if its goal cannot be reached with the agent's actions.

        Args:
            actions: numbers of this environment's moves behind each of the agent's actions.
        """
        if self.maze.goal in self.maze.actions_from_start([[self._moves[own] for own in each] for each in actions]):
            return None
        names = list(self.moves)
        known = ", ".join("-".join(names[own] for own in each) for each in actions)
        return (
            f"the goal of this maze cannot be reached with the agent's actions ({known}): "
            "no agent will earn its reward. Give it more moves (data.env_kwargs.action_set, or actions where those "
            "are given), or another layout."
        )

    def optimal_return(self) -> float:
        """Return of the shortest way with the environment's moves; of a whole episode off the goal if there is none."""
        steps = self.maze.distances_from_start(self._moves).get(self.maze.goal)
        return self.max_steps * STEP_REWARD if steps is None else GOAL_REWARD + (steps - 1) * STEP_REWARD

    def render(self) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """The maze as a picture, ``[8 H, 8 W, 3]`` bytes: walls dark, the goal green, the agent blue."""
        return picture(self.maze, self.cell).repeat(8, 0).repeat(8, 1)


def picture(maze: Maze, agent: Cell | None = None) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A pixel for each cell, ``[H, W, 3]`` bytes."""
    pixels = np.full((*maze.shape, 3), 255, np.uint8)
    pixels[maze.walls] = 60
    pixels[maze.goal] = (0, 158, 115)
    if agent is not None:
        pixels[agent] = (0, 114, 178)
    return pixels
