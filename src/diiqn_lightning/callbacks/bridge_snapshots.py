"""Pictures of what is infeasible and of the bridges over it, at several times of a run."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import lightning
import numpy as np
import torch
from torch import Tensor

from diiqn_lightning import keys
from diiqn_lightning.callbacks.bridging import Bridging
from diiqn_lightning.callbacks.expert_data import ExpertData
from diiqn_lightning.callbacks.feasibility import Feasibility
from diiqn_lightning.envs import make_gym_env
from diiqn_lightning.errors import InputError


@runtime_checkable
class HasMap(Protocol):
    """An environment whose states have a place on a map."""

    def map_picture(self) -> np.ndarray[Any, Any]:
        """The map, ``[H, W, 3]`` bytes, a pixel for each unit of :meth:`place_of`."""
        ...

    def place_of(self, observation: Any) -> tuple[float, float]:
        """(x, y) of an observation, in pixels of the map."""
        ...


class Snapshot(NamedTuple):
    """What is known at one time, in places (x, y) on the map.

    Args:
        frames: the time.
        infeasible: from where to where infeasible transitions lead, ``[M, 2, 2]`` float32.
        bridges: places on the way of each bridge, ``[B, k + 1, 2]`` float32; its last one is repeated.
    """

    frames: int
    infeasible: Tensor
    bridges: Tensor


Draw = Callable[[Path, np.ndarray[Any, Any], np.ndarray[Any, Any], Sequence[Snapshot]], None]
"""Draws into a PNG file: the map, the places of an expert's episode ``[T, 2]``, and the snapshots."""


@dataclass(frozen=True)
class BridgeFigureSettings:
    """When bridges are drawn.

    Args:
        at_frames: environment frames of the pictures, rising.
    """

    at_frames: tuple[int, ...] = (2_000, 5_000, 10_000, 50_000)

    def __post_init__(self) -> None:
        if not self.at_frames or min(self.at_frames) < 0 or sorted(set(self.at_frames)) != list(self.at_frames):
            raise InputError("bridge_figure.at_frames", list(self.at_frames), "give numbers of frames that rise")


class BridgeSnapshots(lightning.Callback):
    """Draws ``<run_dir>/bridges.png`` anew with each snapshot, and hands it to W&B; does nothing without a map.

    Args:
        path: the PNG file.
        settings: when.
        draw: what draws it.
    """

    def __init__(self, path: Path, settings: BridgeFigureSettings, draw: Draw) -> None:
        self.path, self.settings, self._draw = path, settings, draw
        self.snapshots: list[Snapshot] = []
        self.seconds_outside_training = 0.0

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Ask for the map, and for the places of the expert's states."""
        data, states = trainer.datamodule, ExpertData.of(trainer).states
        self._bridging = next(callback for callback in trainer.callbacks if isinstance(callback, Bridging))
        self._feasibility, self._replay = Feasibility.of(trainer), data.stream.replay
        env = make_gym_env(data.env, env_kwargs=data.env_kwargs).unwrapped
        self._env = env if isinstance(env, HasMap) else None
        if self._env is not None:
            places = self._places(states.states)
            self._from, self._to = places[states.transition_starts], places[states.transition_starts + 1]
            self._episode = places[: int(states.episode_ends[0])].numpy()

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Take a picture when it is time."""
        frames = trainer.datamodule.frames
        due = sum(at <= frames for at in self.settings.at_frames)
        if self._env is None or not trainer.is_global_zero or due <= len(self.snapshots):
            return
        self.snapshots.append(self._look(frames))
        try:
            self._draw(self.path, self._env.map_picture(), self._episode, self.snapshots)
        except OSError as failure:  # a run is worth more than a picture
            print(f"warning: {self.path} could not be written ({failure.strerror}).", file=sys.stderr, flush=True)
            return
        for logger in trainer.loggers:
            if hasattr(logger, "log_image"):
                logger.log_image("bridging/map", [str(self.path)], step=frames)

    def _look(self, frames: int) -> Snapshot:
        infeasible, bridged = self._feasibility.table.infeasible, self._bridging.bridged
        starts = torch.unique(torch.stack([self._from, self._to], 1)[infeasible], dim=0)
        ways = torch.unique(self._bridging.bridges.edges[bridged], dim=0)
        last = ways.gather(1, (ways >= 0).sum(1, keepdim=True) - 1)
        ways = torch.where(ways >= 0, ways, last)
        here = self._places(self._replay.column(keys.OBSERVATION)[ways[:, 0]])
        following = self._places(self._replay.column(keys.NEXT_OBSERVATION)[ways.flatten()]).view(*ways.shape, 2)
        return Snapshot(frames, starts, torch.cat([here.unsqueeze(1), following], 1))

    def _places(self, observations: Tensor) -> Tensor:
        assert self._env is not None
        places = [self._env.place_of(observation) for observation in observations.numpy()]
        return torch.tensor(places, dtype=torch.float32).view(-1, 2)

    def rank_state(self) -> dict[str, Any]:
        """The pictures so far."""
        return {"snapshots": [snapshot._asdict() for snapshot in self.snapshots]}

    def load_rank_state(self, state: dict[str, Any]) -> None:
        """Go on with them."""
        self.snapshots = [Snapshot(**snapshot) for snapshot in state["snapshots"]]
