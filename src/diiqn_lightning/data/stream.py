"""The stream of frames: acts, stores, and yields a batch whenever the replay ratio says that one is due."""

import warnings
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from tensordict import TensorDict, TensorDictBase
from torch import Tensor

from diiqn_lightning import keys
from diiqn_lightning.data.replay import Replay
from diiqn_lightning.data.steps import Steps
from diiqn_lightning.errors import InputError

RECENT_EPISODES = 100
"""Episodes, of all ranks together, whose mean is the return in training."""


class Actor(Protocol):
    """What chooses the actions: the LightningModule."""

    def act(self, observation: Tensor, frames: int, generator: torch.Generator) -> Tensor:
        """Exploring actions ``[E]`` int64 for ``[E, *O]``, after ``frames`` environment frames."""
        ...


@runtime_checkable
class FrameObserver(Protocol):
    """A callback that sees each chunk of new frames before it enters the replay buffer."""

    def on_frames(self, frames: TensorDictBase) -> None:
        """Look at a chunk ``[E]`` of transitions; keys added to it are stored with it."""
        ...


@runtime_checkable
class ActionObserver(Protocol):
    """A callback that sees actions when they are chosen, before any update that comes between them and their frames."""

    def on_actions(self, chosen: TensorDictBase) -> None:
        """Look at states and the actions in them, ``[E]``; keys added to them become their frames'."""
        ...


class FrameStream:
    """Endless source of batches; one batch holds the updates that a chunk of new frames calls for.

    All environments step together; that is a chunk. An update is due for every
    ``frames_per_update`` frames, and all updates that a chunk makes due are drawn at once: a batch
    ``[U, B]``. Frames are counted over all ranks. The iterator ends at an epoch's end, the next one
    goes on where it stopped: all state is in the stream.

    Args:
        env: TorchRL environment of batch size ``[E]``.
        replay: where frames go and batches come from.
        batch_size: B, transitions in an update.
        frames_per_update: environment frames for each update.
        learning_starts: frames before the first update.
        frames_per_epoch: frames from one evaluation to the next (rounded up to whole chunks).
        max_frames: frames at which the run ends (rounded up to whole chunks).
        ranks: number of processes.
        seed: of the exploration, this rank's own.
        overlap: the environments make their next step while the updates of the last one are made.
    """

    def __init__(
        self,
        env: Any,
        replay: Replay,
        *,
        batch_size: int,
        frames_per_update: int,
        learning_starts: int,
        frames_per_epoch: int,
        max_frames: int,
        ranks: int,
        seed: int,
        overlap: bool = False,
    ) -> None:
        self.steps, self.overlap = Steps(env, in_background=overlap), overlap
        self.replay, self.batch_size = replay, batch_size
        self.frames_per_update, self.learning_starts = frames_per_update, learning_starts
        self.frames_per_epoch = frames_per_epoch
        self.num_envs = int(env.batch_size[0])
        self.chunk = self.num_envs * ranks
        self.max_frames = self._whole_chunks(max_frames)
        self.actor: Actor | None = None
        self.observers: Sequence[FrameObserver] = ()
        self.action_observers: Sequence[ActionObserver] = ()
        self.frames = 0
        self.updates = 0
        self.episodes = 0
        self._updates_before = 0
        # All ranks together: were it as many on each, more ranks would look further back.
        share = -(-RECENT_EPISODES // ranks)
        self.recent_returns: deque[float] = deque(maxlen=share)
        self.recent_lengths: deque[int] = deque(maxlen=share)
        self._epoch_end = 0
        self._generator = torch.Generator().manual_seed(seed)
        self._returns = torch.zeros(self.num_envs, dtype=torch.float64)
        self._lengths = torch.zeros(self.num_envs, dtype=torch.int64)
        self._chosen: TensorDictBase | None = None

    def _whole_chunks(self, frames: int) -> int:
        return -(-frames // self.chunk) * self.chunk

    def updates_due(self, frames: int) -> int:
        """Updates that belong to the first ``frames`` frames."""
        return self._updates_before + max(0, frames - self.learning_starts) // self.frames_per_update

    def begin_anew(self, frames: int, updates: int) -> None:
        """Count a fresh stream's frames and updates on from others: it collects ``learning_starts`` frames first.

        Args:
            frames: environment frames so far (rounded up to whole chunks).
            updates: updates so far.
        """
        self.frames = self._whole_chunks(frames)
        self.updates = self._updates_before = updates
        self.learning_starts += self.frames

    @property
    def running_lengths(self) -> Tensor:
        """Steps that each environment's episode has so far, ``[E]`` int64."""
        return self._lengths

    @property
    def finished(self) -> bool:
        """Whether the run's last update was made."""
        return self.updates >= self.updates_due(self.max_frames)

    def begin_epoch(self) -> "FrameStream":
        """Set where the epoch ends: at the next multiple of ``frames_per_epoch``, or at the run's end."""
        epoch = 1
        while self.updates_due(self._whole_chunks(epoch * self.frames_per_epoch)) <= self.updates:
            epoch += 1
        self._epoch_end = min(self._whole_chunks(epoch * self.frames_per_epoch), self.max_frames)
        return self

    @property
    def epoch_finished(self) -> bool:
        """Whether the epoch's last update was made."""
        return self.updates >= self.updates_due(self._epoch_end)

    def __len__(self) -> int:
        """Batches that are left in this epoch."""
        chunks = np.arange(self.frames, self._epoch_end + 1, self.chunk)
        due = self._updates_before + np.maximum(0, chunks - self.learning_starts) // self.frames_per_update
        return int((np.diff(due, prepend=self.updates) > 0).sum())

    def __iter__(self) -> Iterator[TensorDictBase]:
        while not self.epoch_finished:
            while (due := self.updates_due(self.frames) - self.updates) == 0:
                self.collect()
            batch = self.replay.sample(due * self.batch_size, self.frames)
            self.updates += due
            yield batch.reshape(due, self.batch_size)

    def collect_rest(self) -> None:
        """Collect the frames up to the run's end to which no update belongs any more."""
        while self.frames < self.max_frames:
            self.collect()

    def collect(self) -> None:
        """Step all environments once and store their frames."""
        if self.actor is None:
            raise RuntimeError("FrameStream.actor was not set: the data module does so when training starts.")
        if not self.steps.is_begun:
            self._begin_step(self.actor)
        assert self._chosen is not None
        step = self.steps.end()
        frames = self._as_frames(self._chosen, step)
        self._count_episodes(frames.get(keys.REWARD), step.get(("next", "done")).squeeze(-1))
        for observer in self.observers:
            observer.on_frames(frames)
        self.replay.extend(frames)
        self.frames += self.chunk
        if self.overlap:
            self._begin_step(self.actor)

    def _begin_step(self, actor: Actor) -> None:
        observation = self.steps.observation()
        action = actor.act(observation, self.frames, self._generator)
        self._chosen = TensorDict({keys.OBSERVATION: observation, keys.ACTION: action}, [self.num_envs])
        for observer in self.action_observers:
            observer.on_actions(self._chosen)
        self.steps.begin(action)

    def _as_frames(self, chosen: TensorDictBase, step: TensorDictBase) -> TensorDictBase:
        following = step.get("next")
        reward = following.get("reward").squeeze(-1)
        self._require_finite("a reward", reward)
        for observation in (chosen.get(keys.OBSERVATION), following.get("observation")):  # after a reset, and a step
            self._require_finite("an observation", observation)
        outcome = {
            "observation": following.get("observation"),
            "reward": reward,
            "terminated": following.get("terminated").squeeze(-1),
        }
        return chosen.set("next", TensorDict(outcome, [self.num_envs]))

    @staticmethod
    def _require_finite(what: str, values: Tensor) -> None:
        if values.is_floating_point() and not bool(torch.isfinite(values).all()):
            raise InputError(
                "data.env", f"an environment that returned {what} of NaN or infinity", "mend the environment"
            )

    def _count_episodes(self, reward: Tensor, done: Tensor) -> None:
        self._returns += reward
        self._lengths += 1
        if bool(done.any()):
            self.episodes += int(done.sum())
            self.recent_returns.extend(self._returns[done].tolist())
            self.recent_lengths.extend(self._lengths[done].tolist())
            self._returns[done] = 0
            self._lengths[done] = 0

    def state(self) -> dict[str, Any]:
        """Everything that the next frames and batches depend on, as plain tensors and numbers."""
        state: dict[str, Any] = {name: getattr(self, name) for name in ("frames", "updates", "episodes")}
        state |= {
            "recent_returns": list(self.recent_returns),
            "recent_lengths": list(self.recent_lengths),
            "returns": self._returns,
            "lengths": self._lengths,
            "generator": self._generator.get_state(),
            "replay": self.replay.state(),
        }
        if self._updates_before:
            state["anew"] = [self._updates_before, self.learning_starts]
        if self.steps.is_begun and self._chosen is not None:
            state["chosen"] = self._chosen.to_dict()
        return state | self.steps.state()

    def load_state(self, state: dict[str, Any]) -> None:
        """Bring a fresh stream to where :meth:`state` was taken; replays the running episodes."""
        for name in ("frames", "updates", "episodes"):
            setattr(self, name, state[name])
        if "anew" in state:
            self._updates_before, self.learning_starts = state["anew"]
        self.recent_returns.extend(state["recent_returns"])
        self.recent_lengths.extend(state["recent_lengths"])
        self._returns, self._lengths = state["returns"].clone(), state["lengths"].clone()
        self._generator.set_state(state["generator"])
        self.replay.load_state(state["replay"])
        if "chosen" in state:
            self._chosen = TensorDict(state["chosen"], [self.num_envs])
        if not self.steps.load_state(state):
            warnings.warn(
                "The environment does not repeat its episodes from their seeds and actions, so the resumed "
                "run goes on from other states than it stopped at and is not bit-identical.",
                stacklevel=2,
            )
