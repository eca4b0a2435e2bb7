"""Pictures of states: of an agent's, and of those of a dataset, which no environment is in."""

from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np

from diiqn_lightning.envs import minatar_games

Picture = np.ndarray[Any, np.dtype[np.uint8]]
PIXELS = 240
"""Small pictures (MinAtar's are 10 × 10) are enlarged to about this."""

AGENT = (0, 114, 178)


def state_painter(env: gym.Env[Any, Any]) -> Callable[[np.ndarray[Any, Any]], Picture] | None:
    """What draws an observation of an environment without stepping it.

    MinAtar's games; environments that have a map (``map_picture()`` and ``place_of(observation)``, as ``Maze2D`` has);
    and those whose observations are pictures.

    Args:
        env: made with ``render_mode="rgb_array"``.

    Returns:
        A function from an observation to a picture ``[H, W, 3]`` of bytes, or ``None`` where only ``env.render()``
        can tell what the environment looks like.
    """
    inner, space = env.unwrapped, env.observation_space
    if minatar_games.is_game(env):
        return lambda observation: enlarged(minatar_games.picture_of(env, observation))
    if hasattr(inner, "map_picture") and hasattr(inner, "place_of"):
        plan, place_of = inner.map_picture(), inner.place_of
        return lambda observation: on_map(plan, place_of(observation))
    if space.dtype == np.uint8 and space.shape is not None and len(space.shape) == 3 and space.shape[2] in (1, 3):
        return lambda observation: enlarged(np.broadcast_to(observation, (*observation.shape[:2], 3)))
    return None


def on_map(plan: Picture, place: tuple[float, float]) -> Picture:
    """A map, enlarged, with a disc where the agent is.

    Args:
        plan: ``[H, W, 3]`` bytes.
        place: (x, y) in pixels of the map.
    """
    large = enlarged(plan)
    scale = large.shape[0] / plan.shape[0]
    rows, columns = np.ogrid[: large.shape[0], : large.shape[1]]
    x, y = ((part + 0.5) * scale - 0.5 for part in place)
    large[(columns - x) ** 2 + (rows - y) ** 2 <= (0.4 * scale) ** 2] = AGENT
    return large


def enlarged(picture: np.ndarray[Any, Any], pixels: int = PIXELS) -> Picture:
    """A picture ``[H, W, 3]`` of bytes or of numbers in [0, 1] as bytes, each pixel repeated to about ``pixels``."""
    if picture.dtype != np.uint8:
        picture = (np.clip(picture, 0, 1) * 255).round().astype(np.uint8)
    factor = max(1, pixels // max(picture.shape[:2]))
    return picture.repeat(factor, 0).repeat(factor, 1)
