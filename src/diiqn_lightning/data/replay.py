"""TorchRL's prioritized TensorDict replay buffer, with what a run needs of it and no more."""

from dataclasses import dataclass, field
from typing import Any, cast

import torch
from tensordict import TensorDict, TensorDictBase
from torch import Tensor
from torchrl.data import LazyTensorStorage, TensorDictReplayBuffer
from torchrl.data.replay_buffers.samplers import PrioritizedSampler, RandomSampler

from diiqn_lightning import keys
from diiqn_lightning.algorithm.schedules import LinearSchedule
from diiqn_lightning.arithmetic import zero_unless
from diiqn_lightning.errors import InputError, require_positive, require_within


@dataclass(frozen=True)
class Prioritization:
    """Prioritized experience replay (Schaul et al., 2016), proportional variant.

    Args:
        alpha: exponent α of the priority |δ| in [0, 1]; 0 samples uniformly.
        beta: exponent β of the importance weights by environment frames.
        epsilon: added to |δ|, so that no transition is lost for ever.
        normalise: importance weights are divided by the largest or by the mean one of the batch.
    """

    alpha: float = 0.6
    beta: LinearSchedule = field(default_factory=lambda: LinearSchedule(0.4, 1.0, 1_000_000))
    epsilon: float = 1e-3
    normalise: str = "largest"

    def __post_init__(self) -> None:
        if self.normalise not in ("largest", "mean"):
            raise InputError("data.prioritized.normalise", self.normalise, "choose largest or mean")
        weights = {"data.prioritized.beta.start": self.beta.start, "data.prioritized.beta.end": self.beta.end}
        require_within(0, 1, **{"data.prioritized.alpha": self.alpha}, **weights)
        require_positive(**{"data.prioritized.epsilon": self.epsilon})


class Replay:
    """The last ``capacity`` frames of this process, sampled by priority or uniformly.

    New frames get the largest priority seen so far. Importance weights are divided by the largest
    one of the batch (design choice: dividing by the buffer's largest, as TorchRL does, lets a single
    transition with a tiny error shrink every step).

    Args:
        capacity: number of transitions kept.
        prioritization: ``None`` samples uniformly, with weights of 1.
        seed: of the sampling.
    """

    def __init__(self, capacity: int, prioritization: Prioritization | None, seed: int) -> None:
        require_positive(replay_capacity=capacity)
        self.capacity, self.prioritization = capacity, prioritization
        self._generator = torch.Generator().manual_seed(seed)
        sampler = (
            PrioritizedSampler(
                capacity, alpha=prioritization.alpha, beta=prioritization.beta.start, eps=prioritization.epsilon
            )
            if prioritization
            else RandomSampler()
        )
        self._buffer = TensorDictReplayBuffer(
            storage=LazyTensorStorage(capacity),
            sampler=sampler,
            priority_key=keys.TD_ERROR,
            generator=self._generator,
        )

    def __len__(self) -> int:
        return len(self._buffer)

    def extend(self, frames: TensorDictBase) -> None:
        """Add a chunk of frames, overwriting the oldest ones when full."""
        self._buffer.extend(frames)

    def sample(self, batch_size: int, frames: int) -> TensorDictBase:
        """Draw a batch with replacement.

        Args:
            batch_size: number of transitions.
            frames: environment frames so far, for the schedule of β.

        Returns:
            TensorDict ``[batch_size]`` with the stored keys, ``index`` and ``priority_weight``.
        """
        if self.prioritization is None:
            batch = self._buffer.sample(batch_size)
            batch.set(keys.PRIORITY_WEIGHT, torch.ones(batch_size))
        else:
            self._buffer.sampler.beta = self.prioritization.beta(frames)
            batch = self._buffer.sample(batch_size)
            weight = batch.get(keys.PRIORITY_WEIGHT)
            scale = weight.max() if self.prioritization.normalise == "largest" else weight.mean()
            batch.set(keys.PRIORITY_WEIGHT, weight / scale)
        return cast(TensorDictBase, batch)

    def column(self, key: str | tuple[str, ...]) -> Tensor:
        """What is stored under a key, by position in the buffer: ``[size, *]``, not a copy."""
        return cast(Tensor, self._buffer.storage.get(slice(0, len(self))).get(key))

    def preceding(self, index: Tensor, steps: int, stride: int) -> Tensor:
        """Observations before those of sampled frames, in the same episodes, the oldest first.

        Args:
            index: positions of the frames, ``[B]`` int64.
            steps: H, how many before each.
            stride: positions from one frame of an environment to its next: the number of environments.

        Returns:
            ``[B, H, *O]``; zeros before an episode's start and where the buffer has forgotten.
        """
        observations, episode_step = self.column(keys.OBSERVATION), self.column(keys.EPISODE_STEP)[index]
        back = stride * torch.arange(steps, 0, -1)
        oldest = self.written - len(self)
        number = oldest + (index - oldest) % max(1, len(self))
        there = (torch.arange(steps, 0, -1) <= episode_step.unsqueeze(1)) & (number.unsqueeze(1) - back >= oldest)
        found = observations[(index.unsqueeze(1) - back) % self.capacity * there]
        return zero_unless(there, found)

    def newest_first(self) -> Tensor:
        """Positions of all frames, the newest first: ``[size]`` int64."""
        size, newest = len(self), int(self._buffer.writer._cursor) - 1
        return (newest - torch.arange(size)) % max(1, size)

    @property
    def written(self) -> int:
        """Frames that were ever added; frame number w is still there if w >= written − capacity."""
        return int(self._buffer.writer._write_count)

    def update_priority(self, index: Tensor, td_error: Tensor) -> None:
        """Set the priorities of sampled transitions to their new |δ|; does nothing when uniform.

        Args:
            index: ``[B]`` int64.
            td_error: |δ|, ``[B]``.
        """
        if self.prioritization is not None:
            self._buffer.sampler.update_priority(index, td_error)

    def state(self) -> dict[str, Any]:
        """Everything that sampling depends on, as plain tensors and numbers."""
        state: dict[str, Any] = {
            "size": len(self),
            "cursor": int(self._buffer.writer._cursor),
            "write_count": int(self._buffer.writer._write_count),
            "generator": self._generator.get_state(),
        }
        if len(self):
            state["storage"] = self._buffer[:].flatten_keys(".").exclude(keys.INDEX).to_dict()
        if self.prioritization is not None:
            sampler = self._buffer.sampler
            position = torch.arange(len(self))
            largest, at = sampler._max_priority
            state["priorities"] = torch.as_tensor(sampler._sum_tree[position]) if len(self) else torch.empty(0)
            state["largest_priority"] = None if largest is None else (float(largest), int(at))
        return state

    def load_state(self, state: dict[str, Any]) -> None:
        """Bring an empty buffer to where :meth:`state` was taken."""
        size = state["size"]
        if size:
            stored = TensorDict(state["storage"], batch_size=[size]).unflatten_keys(".")
            self._buffer.extend(stored, update_priority=False)
        self._buffer.writer._cursor = state["cursor"]
        self._buffer.writer._write_count = state["write_count"]
        self._generator.set_state(state["generator"])
        if self.prioritization is not None:
            sampler = self._buffer.sampler
            position = torch.arange(size)
            if size:
                sampler._sum_tree[position] = state["priorities"]
                sampler._min_tree[position] = state["priorities"]
            largest = state["largest_priority"]
            sampler._max_priority = None if largest is None else (torch.tensor(largest[0]), torch.tensor(largest[1]))
