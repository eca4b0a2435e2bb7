"""``PointMaze-v0``: the ball of gymnasium-robotics' Point Maze (MuJoCo), pushed by one of a few forces at a time."""

import contextlib
import io
import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np

from diiqn_lightning.envs.moves import moves_of
from diiqn_lightning.errors import InputError

STEP_REWARD, GOAL_REWARD = -0.01, 1.0

GOAL_RADIUS = 0.45
"""Distance in m at which gymnasium-robotics counts the goal as reached."""

STEP_SECONDS, SPEED_GAIN = 0.01, 24.0
"""A step of the simulation, and what a full force does in it: gymnasium-robotics' ball accelerates by 24 m/s²."""

LAYOUTS = {
    "u": """
        #####
        #S..#
        ###.#
        #G..#
        #####""",
    "open": """
        #######
        #S....#
        #.....#
        #....G#
        #######""",
    "medium": """
        ########
        #S.##..#
        #..#...#
        ##...###
        #..#...#
        #.#..#.#
        #...#.G#
        ########""",
    "large": """
        ############
        #S...#.....#
        #.##.#.#.#.#
        #......#...#
        #.####.###.#
        #..#.#.....#
        ##.#.#.#.###
        #..#...#..G#
        ############""",
}
"""Mazes by name, those of gymnasium-robotics with a start and a goal: # is a wall."""


class PointMaze(gym.Env[Any, Any]):
    """Push the ball to the goal; an action rewards −0.01, the one that reaches the goal 1.

    An action is a force that is held for some steps of the simulation. Start and goal are in the middle of their
    cells, and nothing is random. Observations are gymnasium-robotics' dictionary, flattened in the order of its keys:
    achieved goal (the position), desired goal, position and velocity; ``[8]`` float32, in m and m/s.

    Args:
        layout: u, open, medium or large.
        action_set: the agent's forces, by the names of Maze2D's moves: cardinal, diagonal, king, or single ones;
            each component is −1, 0 or 1 of the largest force. North is up in the picture.
        hold: steps of the simulation (0.01 s) that a force is held.
        brake: after each force the ball is braked for as many steps, which brings it to rest. Where it goes is then
            up to the actions alone, and no longer to what they add to its velocity: a random agent hardly gets on.
        max_steps: actions after which an episode is cut off.
        feasible_distance: largest distance in position and velocity at which a transition counts as the same as
            one of the agent's (the truth about feasibility, for metrics alone); null takes 0.1 where the ball is
            braked, and 0.5 where not.
        render_mode: rgb_array or null.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}  # noqa: RUF012 - Gymnasium's interface

    def __init__(
        self,
        layout: str = "u",
        action_set: str | Sequence[str] = "cardinal",
        hold: int = 10,
        brake: bool = False,
        max_steps: int = 200,
        feasible_distance: float | None = None,
        render_mode: str | None = None,
    ) -> None:
        if layout not in LAYOUTS:
            raise InputError("data.env_kwargs.layout", layout, f"choose one of {', '.join(LAYOUTS)}")
        for field, value in (("hold", hold), ("max_steps", max_steps)):
            if value < 1:
                raise InputError(f"data.env_kwargs.{field}", value, "give a whole number of at least 1")
        self.moves = moves_of(action_set)
        if max(abs(part) for move in self.moves.values() for part in move) > 1:
            raise InputError("data.env_kwargs.action_set", action_set, "name cardinal or diagonal directions alone")
        self.cells = [line.strip() for line in LAYOUTS[layout].split()]
        # MuJoCo's y axis points up, rows go down.
        self._forces = [np.array([columns, -rows], np.float32) for rows, columns in self.moves.values()]
        self.hold, self.brake, self.max_steps = hold, brake, max_steps
        self.feasible_distance = (0.1 if brake else 0.5) if feasible_distance is None else feasible_distance
        way = SPEED_GAIN * STEP_SECONDS * hold * STEP_SECONDS * hold  # of a push and its braking
        place, speed = (way / 2, 2.4) if brake else (0.3, SPEED_GAIN * STEP_SECONDS * hold)
        self.state_tolerance = (place, place, 0.0, 0.0, place, place, speed, speed)
        self.render_mode = render_mode
        sign: dict[str, int | str] = {"#": 1, "S": "r", "G": "g", ".": 0}
        self._robot = _point_maze([[sign[cell] for cell in row] for row in self.cells], render_mode)
        self.observation_space = gym.spaces.Box(-np.inf, np.inf, (8,), np.float32)
        self.action_space = gym.spaces.Discrete(len(self._forces))
        self._steps = 0

    def reset(self, *, seed: int | None = None, options: Mapping[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Put the ball on the start, at rest."""
        super().reset(seed=seed)
        self._steps = 0
        observation, _ = self._robot.reset(seed=seed)
        return _flat(observation), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Hold a force, and brake."""
        self._steps += 1
        observation: dict[str, Any] = {}

        def push(force: Any) -> tuple[Any, bool]:
            seen, _, reached, _, _ = self._robot.step(force)
            observation.update(seen)
            return seen["observation"], bool(reached)

        _, reached = self._move(self._forces[int(action)], push)
        reward = GOAL_REWARD if reached else STEP_REWARD
        return _flat(observation), reward, reached, self._steps >= self.max_steps and not reached, {}

    def _move(self, force: Any, push: Callable[[Any], tuple[Any, bool]]) -> tuple[Any, bool]:
        """An action; ``push`` makes a step of the simulation and gives position with velocity, and whether it ends."""
        for _ in range(self.hold):
            state, over = push(force)
            if over:
                return state, True
        for _ in range(self.hold if self.brake else 0):
            state, over = push(np.clip(-state[2:] / (SPEED_GAIN * STEP_SECONDS), -1, 1).astype(np.float32))
            if over:
                return state, True
        return state, False

    def can_make(self, observation: np.ndarray[Any, Any], next_observation: np.ndarray[Any, Any]) -> bool:
        """Whether one of the agent's forces leads from one state to near the other."""
        point = self._robot.point_env
        for force in self._forces:
            point.set_state(np.float64(observation[4:6]), np.float64(observation[6:8]))
            state, _ = self._move(force, lambda part: self._ended(point.step(part)[0], observation[2:4]))
            if np.linalg.norm(state - next_observation[4:8]) <= self.feasible_distance:
                return True
        return False

    @staticmethod
    def _ended(state: np.ndarray[Any, Any], goal: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], bool]:
        """A state with whether an episode ends there, as it does for the whole environment."""
        return state, bool(np.linalg.norm(state[:2] - goal) <= GOAL_RADIUS)

    def map_picture(self) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """The maze without the ball, a pixel for each cell: ``[H, W, 3]`` bytes."""
        colours = {"#": (60, 60, 60), "G": (0, 158, 115)}
        return np.array([[colours.get(cell, (255, 255, 255)) for cell in row] for row in self.cells], np.uint8)

    def place_of(self, observation: np.ndarray[Any, Any]) -> tuple[float, float]:
        """(x, y) of the ball in an observation, in pixels of :meth:`map_picture`."""
        middle = (len(self.cells[0]) / 2 - 0.5, len(self.cells) / 2 - 0.5)
        return float(observation[4]) + middle[0], middle[1] - float(observation[5])

    def render(self) -> Any:
        """MuJoCo's picture."""
        return self._robot.render()

    def __deepcopy__(self, memo: dict[int, Any]) -> "PointMaze":
        """Refused: a copy of the simulation takes a third of a second, and a recording would ask for one each frame."""
        raise TypeError("Point Maze is not copied; make a new one.")

    def close(self) -> None:
        """Free the simulation."""
        self._robot.close()


def _flat(observation: Mapping[str, np.ndarray[Any, Any]]) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.concatenate([observation[name] for name in sorted(observation)]).astype(np.float32)


def _point_maze(maze_map: list[list[int | str]], render_mode: str | None) -> Any:
    logging.getLogger("gymnasium_robotics").setLevel(logging.ERROR)
    try:
        # Its import prints a notice about other environments of its own.
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            from gymnasium_robotics.envs.maze.point_maze import PointMazeEnv
    except ImportError as error:
        raise InputError(
            "data.env",
            "PointMaze-v0",
            f'install its simulator with `pip install -c constraints.txt -e ".[robotics]"` ({error})',
        ) from error
    robot = PointMazeEnv(maze_map, render_mode=render_mode, continuing_task=False)
    robot.position_noise_range = 0.0
    return robot
