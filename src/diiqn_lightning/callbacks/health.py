"""Says while a run is still running that it will come to nothing, and what to do about it."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import lightning
import torch
from tensordict import TensorDictBase

from diiqn_lightning import keys
from diiqn_lightning.callbacks.expert_data import ExpertData
from diiqn_lightning.envs import make_gym_env
from diiqn_lightning.envs.actions import own_actions
from diiqn_lightning.errors import InputError

LOOK_EVERY = 50
"""Batches from one look at the loss to the next, where the loss is on an accelerator."""

PATIENCE = 0.2
"""Share of a run's frames that a return has to stay on the expert's level before that is said."""


@runtime_checkable
class KnowsItsFaults(Protocol):
    """An environment that can tell when its task cannot be solved."""

    def warning(self, actions: Sequence[Sequence[int]]) -> str | None:
        """One sentence, or ``None`` where all is well.

        Args:
            actions: numbers of the environment's own actions behind each of the agent's.
        """
        ...


class RunHealth(lightning.Callback):
    """Warns, once for each cause, on standard error.

    - Guidance stays at 0: no sampled state finds an expert state.
    - The return stays on the expert's level while Φ is high: the confidence does not fall.
    - The environment says that its goal cannot be reached with the agent's actions.
    - Q-values are larger than any return can be: they diverge.

    Stops a run whose loss is no number any more.

    Args:
        folder: of the run.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._said: set[str] = set()
        self._largest_reward = 0.0
        self._level_since: int | None = None

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Say what the environment warns of."""
        data = trainer.datamodule
        with make_gym_env(data.env, env_kwargs=data.env_kwargs) as env:
            warning = env.unwrapped.warning(own_actions(env)) if isinstance(env.unwrapped, KnowsItsFaults) else None
        if warning is not None and trainer.is_global_zero:
            self._say("environment", warning)

    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: TensorDictBase, batch_idx: int
    ) -> None:
        """Stop where a loss is no number, and keep the weights and the batch."""
        loss = torch.stack([value.mean() for name, value in outputs.items() if name.startswith("loss")]).sum()
        # On an accelerator a look at each loss would have the processor wait for it.
        if loss.device.type != "cpu" and batch_idx % LOOK_EVERY:
            return
        if not bool(torch.isfinite(loss)):
            file = self.folder / f"not-a-number-{trainer.global_rank}.pt"
            # The batch's numbers of its transitions in the replay and in the dataset name what was learned from.
            dump = {"batch": batch.to_dict(), "weights": pl_module.state_dict(), "updates": pl_module.updates}
            try:
                torch.save(dump, file)
                kept = f"look for the reason in {file}, which has the weights and the batch of"
            except (OSError, RuntimeError):  # torch says RuntimeError where the disk is full
                kept = f"make room for {file}, which would have had the weights and the batch of"
            raise InputError(
                "train/loss", float(loss), f"lower model.optimizer.lr, or {kept} update {pl_module.updates}"
            )

    def on_frames(self, frames: TensorDictBase) -> None:
        """Remember the largest reward."""
        self._largest_reward = max(self._largest_reward, float(frames.get(keys.REWARD).abs().max()))

    def on_metrics(self, row: dict[str, float], trainer: Any) -> None:
        """Look at a row of metrics."""
        if not trainer.is_global_zero:
            return
        if trainer.lightning_module.sees_reward:
            self._check_values(row, trainer.lightning_module.discount)
        if "expert/guidance_rate" in row:
            self._check_guidance(row, trainer)
            self._check_level(row, trainer)

    def _check_values(self, row: dict[str, float], discount: float) -> None:
        if discount == 1 or not self._largest_reward:
            return
        bound = self._largest_reward / (1 - discount)
        value = row.get("train/q", 0.0)
        if not abs(value) <= bound:  # NaN too
            self._say(
                "values",
                f"Q-values average {value:.3g}, and no return is above {bound:.3g} with these rewards and γ: "
                "they diverge. Lower model.init_args.optimizer.init_args.lr, or raise model.target_update_interval.",
            )

    def _check_guidance(self, row: dict[str, float], trainer: Any) -> None:
        labelled = row.get("inference/coverage", 0.0) > 0
        if labelled and row["expert/guidance_rate"] == 0:
            self._say(
                "guidance",
                "no sampled state has guidance: the expert's states are too far from the agent's. Lower "
                "expert_sampling.similarity_threshold, draw from the whole dataset "
                "(expert_sampling.expert_draw=dataset), or look at `inspect DATASET --against ENV`.",
            )

    def _check_level(self, row: dict[str, float], trainer: Any) -> None:
        expert, frames = ExpertData.of(trainer).table.episode_returns, trainer.datamodule.frames
        if not len(expert) or "train/return" not in row:
            return
        level = float(expert.mean())
        on_level = abs(row["train/return"] - level) < 0.1 * abs(level) and row["expert/weight"] > 0.5
        if not on_level:
            self._level_since = None
        elif self._level_since is None:
            self._level_since = frames
        elif frames - self._level_since > PATIENCE * trainer.datamodule.max_frames:
            self._say(
                "level",
                f"the return has been on the expert's level ({level:.3g}) since frame {self._level_since:,} and Φ is "
                f"still {row['expert/weight']:.2f}. Lower model.expert_weight, or let the confidence fall earlier "
                "(EpisodeConfidence with a larger half_at, ReturnConfidence).",
            )

    def _say(self, cause: str, sentence: str) -> None:
        if cause not in self._said:
            self._said.add(cause)
            print(f"warning: {sentence}", file=sys.stderr, flush=True)

    def rank_state(self) -> dict[str, Any]:
        """What was said and seen."""
        return {"said": sorted(self._said), "reward": self._largest_reward, "level_since": self._level_since}

    def load_rank_state(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self._said, self._largest_reward = set(state["said"]), state["reward"]
        self._level_since = state["level_since"]
