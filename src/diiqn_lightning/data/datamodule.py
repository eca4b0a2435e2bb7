"""The data module: environments, replay and evaluation episodes, as Lightning asks for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import lightning
import numpy as np
import torch

from diiqn_lightning.data.replay import Prioritization, Replay
from diiqn_lightning.data.stream import ActionObserver, FrameObserver, FrameStream
from diiqn_lightning.envs import EXPLORING, GREEDY, Evaluation, make_env, make_gym_env, spec_of
from diiqn_lightning.errors import InputError, require_positive, require_within


@dataclass(frozen=True)
class EvaluationSettings:
    """How an agent is evaluated: greedily, and again with a little exploration.

    Args:
        episodes: episodes of each of the two, shared among the ranks.
        epsilon: exploration rate of the second (0.01 is the one of the published MinAtar curves).
        max_episode_steps: frames after which an evaluation episode is cut off.
    """

    episodes: int = 50
    epsilon: float = 0.01
    max_episode_steps: int = 10_000

    def __post_init__(self) -> None:
        for field in ("episodes", "max_episode_steps"):
            if getattr(self, field) < 1:
                raise InputError(f"data.evaluation.{field}", getattr(self, field), "give a whole number of at least 1")
        require_within(0, 1, **{"data.evaluation.epsilon": self.epsilon})


class ReplayDataModule(lightning.LightningDataModule):
    """Environments that the agent explores, and the replay buffer that it learns from.

    Args:
        env: Gymnasium id of an environment with discrete actions, for example MinAtar/Breakout-v1.
        env_kwargs: arguments for the environment, for example {sticky_action_prob: 0.0}.
        num_envs: environments that step together in each process. More are faster; each one's
            policy is then older by that many frames.
        workers: processes that the environments step in, beside the learner's; 0 has them step in the learner's own.
            Results are the same to the bit. Worth it where an environment costs more than the learning.
        overlap: has the environments make their next step while the learner makes the updates of their last one, in
            place of waiting for each other. Faster where a processor is free for it; needs workers. Actions then
            come from a policy that is older by the updates of one step, so results are others, if repeatable ones; an
            environment that fails does so a step ahead, before the updates so far are saved.
        worker_timeout: seconds after which a worker that does not answer counts as hanging, and the run ends.
        batch_size: transitions in an update.
        frames_per_update: environment frames for each update. The replay ratio is batch_size over it.
        learning_starts: frames that are collected before the first update.
        replay_capacity: transitions that the replay buffer keeps, in each process.
        prioritized: prioritized experience replay; null samples uniformly.
        frames_per_epoch: frames from one evaluation to the next.
        evaluation: how the agent is evaluated.
        max_frames: frames of the whole run, over all processes (set by --max_frames).
        seed: of environments, exploration and sampling (set by --seed_everything).
    """

    def __init__(
        self,
        env: str = "MinAtar/Breakout-v1",
        env_kwargs: dict[str, Any] | None = None,
        num_envs: int = 32,
        workers: int = 0,
        overlap: bool = False,
        worker_timeout: float = 60.0,
        batch_size: int = 32,
        frames_per_update: int = 4,
        learning_starts: int = 1_000,
        replay_capacity: int = 100_000,
        prioritized: Prioritization | None = None,
        frames_per_epoch: int = 50_000,
        evaluation: EvaluationSettings = EvaluationSettings(),
        max_frames: int = 500_000,
        seed: int = 0,
    ) -> None:
        super().__init__()
        sizes: Mapping[str, int] = {
            "num_envs": num_envs,
            "batch_size": batch_size,
            "frames_per_update": frames_per_update,
            "replay_capacity": replay_capacity,
            "frames_per_epoch": frames_per_epoch,
        }
        for field, size in sizes.items():
            if size < 1:
                raise InputError(f"data.{field}", size, "give a whole number of at least 1")
        if replay_capacity < batch_size:
            raise InputError("data.replay_capacity", replay_capacity, f"give at least data.batch_size, {batch_size}")
        if learning_starts < 0:
            raise InputError("data.learning_starts", learning_starts, "give 0 or a larger whole number")
        if not 0 <= workers <= num_envs:
            raise InputError("data.workers", workers, f"give a whole number from 0 to num_envs, which is {num_envs}")
        if overlap and not workers:
            raise InputError("data.overlap", overlap, "give data.workers at least 1, or leave it at false")
        require_positive(**{"data.worker_timeout": worker_timeout})
        if max_frames < learning_starts + frames_per_update:
            raise InputError(
                "max_frames",
                max_frames,
                f"give more frames than data.learning_starts ({learning_starts}), or nothing would be learned",
            )
        self.env, self.env_kwargs, self.seed, self.max_frames = env, env_kwargs, seed, max_frames
        self.workers, self.overlap, self.worker_timeout = workers, overlap, worker_timeout
        self.num_envs, self.batch_size, self.frames_per_update = num_envs, batch_size, frames_per_update
        self.learning_starts, self.replay_capacity, self.prioritized = learning_starts, replay_capacity, prioritized
        self.frames_per_epoch, self.evaluation = frames_per_epoch, evaluation
        with make_gym_env(env, env_kwargs=env_kwargs) as probe:
            self.spec = spec_of(probe)
        self.observation_shape, self.num_actions = self.spec.observation_shape, self.spec.num_actions
        self.stream: FrameStream | None = None
        self._evaluations: list[Evaluation] = []

    @property
    def frames(self) -> int:
        """Environment frames so far, over all ranks."""
        return self.stream.frames if self.stream is not None else 0

    @property
    def replay_ratio(self) -> float:
        """Transitions that a process samples for each frame of all processes; each has batches of its own."""
        return self.batch_size / self.frames_per_update

    def setup(self, stage: str) -> None:
        """Make this rank's environments and replay buffer (``fit``) and evaluation episodes."""
        trainer = self.trainer
        assert trainer is not None
        rank, ranks = trainer.global_rank, trainer.world_size
        if stage == "fit" and self.stream is None:
            exploring, sampling = (int(s) for s in np.random.SeedSequence((self.seed, rank)).generate_state(2) >> 1)
            self.stream = FrameStream(
                make_env(
                    self.env,
                    self.num_envs,
                    seed=self.seed,
                    rank=rank,
                    env_kwargs=self.env_kwargs,
                    workers=self.workers,
                    worker_timeout=self.worker_timeout,
                ),
                Replay(self.replay_capacity, self.prioritized, sampling),
                batch_size=self.batch_size,
                frames_per_update=self.frames_per_update,
                learning_starts=self.learning_starts,
                frames_per_epoch=self.frames_per_epoch,
                max_frames=self.max_frames,
                ranks=ranks,
                seed=exploring,
                overlap=self.overlap,
            )
            self.stream.actor = trainer.lightning_module  # type: ignore[assignment]
            callbacks = trainer.callbacks  # type: ignore[attr-defined]
            self.stream.observers = [c for c in callbacks if isinstance(c, FrameObserver)]
            self.stream.action_observers = [c for c in callbacks if isinstance(c, ActionObserver)]
        if not self._evaluations:
            self._evaluations = [
                Evaluation(
                    name,
                    self.env,
                    episodes=range(rank, self.evaluation.episodes, ranks),
                    epsilon=epsilon,
                    seed=self.seed,
                    max_episode_steps=self.evaluation.max_episode_steps,
                    env_kwargs=self.env_kwargs,
                )
                for name, epsilon in ((GREEDY, 0.0), (EXPLORING, self.evaluation.epsilon))
            ]

    def teardown(self, stage: str) -> None:
        """End the environments."""
        if self.stream is not None:
            self.stream.steps.close()

    def train_dataloader(self) -> FrameStream:
        """The stream, set to the next epoch."""
        assert self.stream is not None
        return self.stream.begin_epoch()

    def val_dataloader(self) -> list[Evaluation]:
        """Each evaluation is a dataloader of one batch, itself; ``validation_step`` plays it."""
        return self._evaluations

    def test_dataloader(self) -> list[Evaluation]:
        """The same as for validation: ask for more with ``--data.evaluation.episodes``."""
        return self._evaluations

    def rank_state(self) -> dict[str, Any]:
        """The stream of this rank, for checkpoints."""
        assert self.stream is not None
        return self.stream.state()

    def load_rank_state(self, state: dict[str, Any]) -> None:
        """Continue the stream of this rank."""
        assert self.stream is not None
        self.stream.load_state(state)

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        """Move batches to the accelerator; evaluations stay where their environments are."""
        if isinstance(batch, Evaluation) or device.type == "cpu":
            return batch
        return batch.to(device, non_blocking=True)
