"""A video of an evaluation episode."""

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import lightning
import numpy as np
import torch
from PIL import Image

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
        self._films = False

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """Say before the training if nothing can be filmed.

        What drawing needs is imported here, too: memory that grew in the midst of a long run would look like a leak.
        """
        if trainer.is_global_zero:
            try:
                with self._environment(trainer.datamodule) as env:
                    next(self._episode(env, pl_module))
            except Exception as error:  # whatever a renderer without a display or a package raises
                print(f"No video: {error}", file=sys.stderr)
            else:
                self._films = True

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """Film on rank 0."""
        if not self._films:
            return
        self._evaluations += 1
        if self._evaluations % self.settings.every_n_evaluations and not trainer.datamodule.stream.finished:
            return
        path = self.folder / f"{trainer.datamodule.frames:010d}.gif"
        started = time.perf_counter()
        try:
            self._film(trainer.datamodule, pl_module, path)
        except (InputError, gym.error.Error, OSError) as error:
            print(f"No video: {error}", file=sys.stderr)
        else:
            for logger in trainer.loggers:
                if hasattr(logger, "log_video"):
                    logger.log_video("eval/video", [str(path)], step=trainer.datamodule.frames, format=["gif"])
        self.seconds_outside_training += time.perf_counter() - started

    def rank_state(self) -> dict[str, Any]:
        """Evaluations so far, so that a resumed run films the same ones."""
        return {"evaluations": self._evaluations}

    def load_rank_state(self, state: dict[str, Any]) -> None:
        """Go on counting."""
        self._evaluations = state["evaluations"]

    @staticmethod
    def _environment(data: Any) -> gym.Env[Any, Any]:
        return make_gym_env(
            data.env, seed=data.seed, purpose=EVALUATION, env_kwargs=data.env_kwargs, render_mode="rgb_array"
        )

    def _film(self, data: Any, pl_module: Any, path: Path) -> None:
        """Write pictures one at a time, as they are played: a film of all of them would fill memory."""
        self.folder.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}")
        try:
            with self._environment(data) as env:
                pictures = self._episode(env, pl_module)
                next(pictures).save(
                    aside, save_all=True, append_images=pictures, loop=0,
                    duration=1000 / self.settings.frames_per_second,
                )  # fmt: skip
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)

    def _episode(self, env: gym.Env[Any, Any], pl_module: Any) -> Iterator[Image.Image]:
        """Pictures of a greedy episode."""
        observation, _ = env.reset()
        yield picture_of(env)
        for _ in range(self.settings.max_steps):
            action = pl_module.greedy(torch.from_numpy(np.asarray(observation)[None]))[0]
            observation, _, terminated, truncated, _ = env.step(int(action))
            yield picture_of(env)
            if terminated or truncated:
                break


def picture_of(env: gym.Env[Any, Any]) -> Image.Image:
    """What an environment shows, large enough to be seen."""
    return Image.fromarray(enlarged(np.asarray(env.render())))
