"""A video of an evaluation episode."""

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import imageio.v3 as imageio
import lightning
import numpy as np
import torch

from diiqn_lightning.envs import make_gym_env
from diiqn_lightning.envs.episodes import EVALUATION
from diiqn_lightning.envs.pictures import enlarged
from diiqn_lightning.errors import InputError


@dataclass(frozen=True)
class VideoSettings:
    """When an episode is filmed.

    Args:
        every_n_evaluations: film one greedy episode at each so many-th evaluation; one is always
            filmed at the end of the run.
        max_steps: frames after which the film ends.
        frames_per_second: of the film.
    """

    every_n_evaluations: int = 10
    max_steps: int = 500
    frames_per_second: int = 15

    def __post_init__(self) -> None:
        for field in ("every_n_evaluations", "max_steps", "frames_per_second"):
            if getattr(self, field) < 1:
                raise InputError(f"video.{field}", getattr(self, field), "give a whole number of at least 1")


class EvaluationVideo(lightning.Callback):
    """Films greedy episodes into ``<run_dir>/videos`` as GIFs, and hands them to W&B.

    Args:
        folder: where the films go.
        settings: when.
    """

    def __init__(self, folder: Path, settings: VideoSettings) -> None:
        self.folder, self.settings = folder, settings
        self.seconds_outside_training = 0.0
        self._evaluations = 0

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """Film on rank 0."""
        if trainer.state.fn != "fit" or not trainer.is_global_zero:
            return
        self._evaluations += 1
        if self._evaluations % self.settings.every_n_evaluations and not trainer.datamodule.stream.finished:
            return
        path = self.folder / f"{trainer.datamodule.frames:010d}.gif"
        started = time.perf_counter()
        try:
            self._film(trainer.datamodule, pl_module, path)
        except (InputError, gym.error.Error, OSError) as error:
            if self._evaluations <= self.settings.every_n_evaluations:
                print(f"No video: {error}", file=sys.stderr)
        else:
            for logger in trainer.loggers:
                if hasattr(logger, "log_video"):
                    logger.log_video("eval/video", [str(path)], step=trainer.datamodule.frames, format=["gif"])
        self.seconds_outside_training += time.perf_counter() - started

    def _film(self, data: Any, pl_module: Any, path: Path) -> None:
        env = make_gym_env(
            data.env, seed=data.seed, purpose=EVALUATION, env_kwargs=data.env_kwargs, render_mode="rgb_array"
        )
        with env:
            observation, _ = env.reset()
            pictures = [env.render()]
            for _ in range(self.settings.max_steps):
                action = pl_module.greedy(torch.from_numpy(np.asarray(observation)[None]))[0]
                observation, _, terminated, truncated, _ = env.step(int(action))
                pictures.append(env.render())
                if terminated or truncated:
                    break
        self.folder.mkdir(parents=True, exist_ok=True)
        film = np.stack([enlarged(np.asarray(picture)) for picture in pictures])
        imageio.imwrite(path, film, duration=1000 / self.settings.frames_per_second, loop=0)
