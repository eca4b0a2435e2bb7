"""Makes the project's own environments known to Gymnasium."""

import gymnasium as gym

OWN = {"Maze2D-v0": "diiqn_lightning.envs.maze2d:Maze2D", "PointMaze-v0": "diiqn_lightning.envs.point_maze:PointMaze"}
"""Ids and what makes them."""


def register() -> None:
    """Register them; calling it again does nothing."""
    for env_id, entry_point in OWN.items():
        if env_id not in gym.registry:
            gym.register(env_id, entry_point=entry_point)
