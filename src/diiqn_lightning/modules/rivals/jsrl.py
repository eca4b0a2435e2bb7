"""Jump-start reinforcement learning (Uchendu et al., 2023, arXiv 2204.02372)."""

from typing import Any

import torch
from tensordict import TensorDictBase
from torch import Tensor

from diiqn_lightning.errors import InputError, require_within
from diiqn_lightning.modules.ranks import total_over_ranks
from diiqn_lightning.modules.rivals.guided import GuidedDQN

EPISODES = 20
"""Finished episodes from which a return is read."""


class JSRL(GuidedDQN):
    """In each episode the clone takes the first h steps, and the agent explores from there.

    h falls from H to 0 in ``stages`` steps, one whenever the mean return of recent episodes is not below the best
    one so far by more than the tolerance (algorithm 1). H is the mean length of the episodes that the clone played
    alone at first. Adapted: the guide is a clone by inferred actions, and the learner is double DQN on all of the
    replay, whose returns while it explores at random fall short of the clone's for long: a stage ends after
    ``patience`` frames whatever its return.

    Args:
        stages: n, steps of the curriculum.
        tolerance: β, share of the best mean return by which a stage may fall short of it.
        stage_frames: environment frames that a stage takes at least.
        patience: environment frames after which the agent's stages end whatever their return, when it is looked at
            next (every ``stage_frames``); null has no limit (the paper's).
        observation_shape, num_actions, **guided: arguments of :class:`GuidedDQN`.
    """

    # Where the curriculum is: H, its stage, the best mean return, frames of the last look and of the stage's begin, and
    # how many episodes had begun before it.
    horizon: float
    stage: int
    best_return: float
    stage_began: int
    stage_from: int
    episodes_before: int

    def __init__(
        self,
        observation_shape: tuple[int, ...],
        num_actions: int,
        stages: int = 10,
        tolerance: float = 0.1,
        stage_frames: int = 10_000,
        patience: int | None = None,
        **guided: Any,
    ) -> None:
        super().__init__(observation_shape, num_actions, **guided)
        for field, value in (("stages", stages), ("stage_frames", stage_frames)):
            if value < 1:
                raise InputError(f"model.{field}", value, "give a whole number of at least 1")
        require_within(0, 1, **{"model.tolerance": tolerance})
        if patience is not None and patience < stage_frames:
            raise InputError("model.patience", patience, f"give at least model.stage_frames, {stage_frames}, or null")
        self.stages, self.tolerance, self.stage_frames, self.patience = stages, tolerance, stage_frames, patience
        self.forget_expert(0)

    @property
    def guided_steps(self) -> float:
        """h."""
        return torch.inf if not self.horizon else self.horizon * max(0.0, 1 - self.stage / self.stages)

    def guided(self, environments: int, frames: int, generator: torch.Generator) -> Tensor:
        """The first h steps of each episode."""
        stream = self.trainer.datamodule.stream  # type: ignore[attr-defined]
        # A stream that has begun anew, with fresh data, has fewer episodes than were counted before.
        if not 0 <= self.episodes_before <= stream.episodes + environments:
            self._count_from_here(environments)
        if frames - self.stage_began >= self.stage_frames and self.stage < self.stages:
            self._advance(frames, environments)
        self._guided = torch.as_tensor(stream.running_lengths < self.guided_steps)
        return self._guided

    def guidance(self, environments: int, frames: int) -> Tensor:
        """1 where the clone acted, else 0; the steps have been counted on since."""
        return self._guided.float()

    def _count_from_here(self, environments: int) -> None:
        """What runs now was begun in another way: as many episodes again have to end before the stage's own do."""
        stream = self.trainer.datamodule.stream  # type: ignore[attr-defined]
        self.episodes_before = stream.episodes + environments

    def _advance(self, frames: int, environments: int) -> None:
        """Go on to the next stage if the returns allow it, which all processes decide together."""
        stream = self.trainer.datamodule.stream  # type: ignore[attr-defined]
        # Of the stage alone: what began before it says nothing about it.
        finished = min(len(stream.recent_returns), EPISODES, stream.episodes - self.episodes_before)
        returns, lengths = (
            list(recent)[len(recent) - finished :] for recent in (stream.recent_returns, stream.recent_lengths)
        )
        totals = torch.tensor([sum(returns), sum(lengths), len(returns)], dtype=torch.float64)
        total, steps, episodes = total_over_ranks(self, totals).tolist()
        # The clone's own stage is what the curriculum's length is read from, and ends with its episodes alone.
        late = self.stage > 0 and self.patience is not None and frames - self.stage_from >= self.patience
        if episodes < EPISODES and not late:
            return
        mean = total / episodes if episodes else -torch.inf
        if not self.horizon:
            self.horizon = steps / episodes
        if self.stage == 0 or late or mean >= self.best_return - self.tolerance * abs(self.best_return):
            self.stage, self.stage_from = self.stage + 1, frames
            self.best_return = mean if self.stage == 1 else max(self.best_return, mean)
            self._count_from_here(environments)
        else:
            self.episodes_before = stream.episodes
        self.stage_began = frames

    def forget_expert(self, frames: int) -> None:
        """A curriculum begins, as soon as a clone may act."""
        self.horizon, self.stage, self.best_return = 0.0, 0, 0.0
        self.stage_began = self.stage_from = max(frames, self.guide_from)
        self.episodes_before = -1

    def batch_losses(self, batch: TensorDictBase) -> dict[str, Tensor]:
        """Those of inverse model and clone, and the stage in the logs."""
        return super().batch_losses(batch) | {"guidance/stage": torch.tensor(float(self.stage))}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Store where the curriculum is."""
        super().on_save_checkpoint(checkpoint)
        checkpoint["curriculum"] = [self.horizon, self.stage, self.best_return, self.stage_began, self.stage_from]
        # The file is rank 0's, and each rank counts its own episodes.
        ranks, rank = self._place
        of_each = torch.zeros(ranks, dtype=torch.int64)
        of_each[rank] = self.episodes_before
        checkpoint["episodes_before"] = (total_over_ranks(self, of_each) if ranks > 1 else of_each).tolist()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore it."""
        super().on_load_checkpoint(checkpoint)
        self.horizon, self.stage, self.best_return, self.stage_began, self.stage_from = checkpoint["curriculum"][:5]
        # Older checkpoints have rank 0's count alone, as the curriculum's last entry.
        of_each = checkpoint.get("episodes_before", checkpoint["curriculum"][5:])
        ranks, rank = self._place
        self.episodes_before = of_each[rank] if len(of_each) == ranks else -1

    @property
    def _place(self) -> tuple[int, int]:
        """How many processes there are, and which one this is."""
        return (1, 0) if self._trainer is None else (self.trainer.world_size, self.trainer.global_rank)
