"""Plays whole episodes with a fixed policy and counts what they returned."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from diiqn_lightning.envs.episodes import EVALUATION
from diiqn_lightning.envs.factory import make_gym_env, spec_of
from diiqn_lightning.envs.faults import naming_the_environment

GREEDY, EXPLORING = "greedy", "epsilon"
"""Names of a run's two evaluations: without random actions, and with as many as the expert is measured with."""

Policy = Callable[[Tensor], Tensor]
"""Greedy actions ``[B]`` int64 for observations ``[B, *O]``."""


@dataclass(frozen=True)
class EpisodeStatistics:
    """Undiscounted returns and lengths of finished episodes.

    Args:
        returns: ``[episodes]`` float.
        lengths: ``[episodes]`` int, in frames.
        truncated: number of episodes that the step limit cut off.
    """

    returns: np.ndarray[Any, np.dtype[np.float64]]
    lengths: np.ndarray[Any, np.dtype[np.int64]]
    truncated: int

    @property
    def mean(self) -> float:
        """Mean return."""
        return float(self.returns.mean())

    @property
    def standard_error(self) -> float:
        """Standard error of the mean return; 0 for a single episode."""
        return float(self.returns.std(ddof=1) / np.sqrt(len(self.returns))) if len(self.returns) > 1 else 0.0

    def sums(self) -> Tensor:
        """Of the returns, their squares, the lengths, and the episodes, ``[4]`` float64: ranks can add them."""
        values = [self.returns.sum(), (self.returns**2).sum(), self.lengths.sum(), len(self.returns)]
        return torch.tensor(values, dtype=torch.float64)


def evaluation_metrics(sums: Tensor) -> dict[str, float]:
    """Metrics of an evaluation from the ``[4]`` sums of :meth:`EpisodeStatistics.sums`."""
    total, squares, frames, episodes = sums.tolist()
    mean = total / episodes
    variance = max(0.0, squares / episodes - mean**2) * episodes / max(1, episodes - 1)
    return {
        "return": mean,
        "return_standard_error": (variance / episodes) ** 0.5,
        "episode_length": frames / episodes,
    }


class Evaluation:
    """Episodes of one exploration rate, played on environments and seeds of their own.

    Every call of :meth:`play` plays the same seeded episodes anew, so that evaluations of one run
    differ by the policy alone. Finished environments are not stepped further.

    Args:
        name: which of a run's evaluations it is, :data:`GREEDY` or :data:`EXPLORING`, whatever its ε.
        env_id: Gymnasium id.
        episodes: numbers of the episodes, all played in parallel; a rank gives its share.
        epsilon: probability of a uniformly random action.
        seed: the run's seed.
        max_episode_steps: truncate episodes there.
        env_kwargs: handed to the environment.
    """

    def __init__(
        self,
        name: str,
        env_id: str,
        *,
        episodes: Sequence[int],
        epsilon: float,
        seed: int,
        max_episode_steps: int | None = None,
        env_kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        self.name, self.episodes, self.epsilon, self.seed = name, tuple(episodes), epsilon, seed
        self._envs = [
            make_gym_env(
                env_id,
                seed=seed,
                purpose=EVALUATION,
                index=episode,
                max_episode_steps=max_episode_steps,
                env_kwargs=env_kwargs,
            )
            for episode in self.episodes
        ]
        self._num_actions = spec_of(self._envs[0]).num_actions if self._envs else 0

    def __iter__(self) -> Iterator["Evaluation"]:
        """A dataloader of one batch: itself."""
        yield self

    def __len__(self) -> int:
        return 1

    def play(self, policy: Policy, device: torch.device | str = "cpu") -> EpisodeStatistics:
        """Play one episode in each environment.

        Args:
            policy: greedy policy; the random actions are mixed in here.
            device: where the policy wants its observations.

        Raises:
            InputError: if an environment raises.
        """
        count = len(self._envs)
        random = np.random.default_rng((self.seed, EVALUATION, *self.episodes[:1]))
        for env in self._envs:
            env.episode = -1
        with naming_the_environment():
            observations = [env.reset()[0] for env in self._envs]
        returns, lengths = np.zeros(count), np.zeros(count, dtype=np.int64)
        truncations, running = 0, list(range(count))
        while running:
            batch = torch.from_numpy(np.stack([observations[i] for i in running])).to(device)
            actions = policy(batch).cpu().numpy()
            explore = random.random(count)[running] < self.epsilon
            actions = np.where(explore, random.integers(self._num_actions, size=count)[running], actions)
            still_running = []
            with naming_the_environment():
                for i, action in zip(running, actions, strict=True):
                    observations[i], reward, terminated, truncated, _ = self._envs[i].step(int(action))
                    returns[i] += float(reward)
                    lengths[i] += 1
                    truncations += bool(truncated and not terminated)
                    if not (terminated or truncated):
                        still_running.append(i)
            running = still_running
        return EpisodeStatistics(returns, lengths, truncations)
