"""Episodes that are determined by their number."""

from collections.abc import Mapping, Sequence
from typing import Any, SupportsFloat, cast

import gymnasium as gym
import numpy as np
import torch
from gymnasium.vector import SyncVectorEnv
from tensordict import TensorDictBase

from diiqn_lightning.envs.minatar_games import clear_last_action, seed_in_place

TRAINING, EVALUATION, RECORDING = 0, 1, 2
"""Purposes of an environment: each has random numbers of its own."""


class SeededEpisodes(gym.Wrapper[Any, Any, Any, Any]):
    """Seeds episode ``n`` of an environment by (seed, purpose, rank, index, n).

    So a run's episodes do not depend on how it was cut into sessions: :meth:`restore` replays the
    running episode from its number and its actions instead of storing the environment's insides.
    A reset that is asked for with a seed of its own is still seeded by the episode's number.

    Args:
        env: the environment.
        seed: the run's seed.
        purpose: ``TRAINING``, ``EVALUATION`` or ``RECORDING``.
        rank: rank of the process.
        index: number of this environment among those of the process.
    """

    def __init__(self, env: gym.Env[Any, Any], seed: int, purpose: int = TRAINING, rank: int = 0, index: int = 0):
        super().__init__(env)
        self._entropy = (seed, purpose, rank, index)
        self.episode = -1
        self.actions: list[int] = []

    def reset(self, *, seed: int | None = None, options: Mapping[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start the next episode."""
        self.episode += 1
        self.actions = []
        clear_last_action(self.env)
        # 31 bits: the widest seed that every environment takes.
        episode_seed = int(np.random.SeedSequence((*self._entropy, self.episode)).generate_state(1)[0] >> 1)
        seeded = seed_in_place(self.env, episode_seed)
        return self.env.reset(seed=None if seeded else episode_seed, options=dict(options) if options else None)

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        """Step and remember the action."""
        self.actions.append(int(action))
        return self.env.step(action)

    def restore(self, episode: int, actions: list[int]) -> Any:
        """Bring the environment to where episode ``episode`` was after ``actions``.

        Returns:
            The observation there.
        """
        self.episode = episode - 1
        observation, _ = self.reset()
        for action in actions:
            observation, *_ = self.step(action)
        return observation


def running_episodes(env: Any) -> list[dict[str, Any]]:
    """Number and actions of the running episode of each sub-environment of :func:`make_env`'s result."""
    return [
        {"episode": episode, "actions": torch.tensor(actions, dtype=torch.int32)}
        for episode, actions in env._env.running()
    ]


def restore_running_episodes(env: Any, episodes: Sequence[Mapping[str, Any]]) -> TensorDictBase:
    """Replay running episodes in a freshly made environment.

    Args:
        env: what :func:`make_env` gives, with the same arguments as when they were taken.
        episodes: from :func:`running_episodes`.

    Returns:
        The TensorDict that a step would have left: the current observations of all sub-environments.
    """
    current = cast(TensorDictBase, env.reset())
    restored = env._env.restore([(state["episode"], state["actions"].tolist()) for state in episodes])
    current["observation"].copy_(torch.as_tensor(restored))
    return current


class SerialVectorEnv(SyncVectorEnv):
    """Gymnasium's vector environment in this process, whose running episodes can be told and replayed."""

    def running(self) -> list[tuple[int, list[int]]]:
        """Number and actions of each environment's running episode."""
        return [(sub.episode, sub.actions) for sub in cast(list[SeededEpisodes], self.envs)]

    def restore(self, episodes: Sequence[tuple[int, list[int]]]) -> Any:
        """Replay running episodes; gives the observations there."""
        for index, (sub, episode) in enumerate(zip(cast(list[SeededEpisodes], self.envs), episodes, strict=True)):
            # The vector environment joins these with new observations when it resets only some.
            self._env_obs[index] = sub.restore(*episode)
        return np.stack(cast(list[Any], self._env_obs))
