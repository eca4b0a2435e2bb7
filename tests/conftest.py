"""Environments and datasets that several tests use."""

import os
import signal
import time

os.environ.setdefault("RL_LOGGING_LEVEL", "ERROR")
os.environ.setdefault("WANDB_MODE", "offline")

import gymnasium as gym
import numpy as np
import pytest
import torch

from diiqn_lightning.experts import ExpertDataset, ExpertLabels, ExpertStates


class Corridor(gym.Env):
    """A corridor of seven cells from the middle; action 1 goes right, 0 left; the right end rewards 1.

    Observations are [cell one-hot (7), a small mark of the episode, step / 20], so that tests see which
    episode a state belongs to. The left end is a wall.
    """

    metadata = {"render_modes": ["rgb_array"]}  # noqa: RUF012
    cells = 7

    def __init__(self, render_mode=None, start_jitter=0):
        self.observation_space = gym.spaces.Box(0, 1, (self.cells + 2,), np.float32)
        self.action_space = gym.spaces.Discrete(2)
        self.render_mode, self.start_jitter = render_mode, start_jitter

    def _observation(self):
        observation = np.zeros(self.cells + 2, np.float32)
        observation[self.cell] = 1
        observation[-2:] = self.mark, self.steps / 20
        return observation

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.cell = self.cells // 2 + int(self.np_random.integers(-self.start_jitter, self.start_jitter + 1))
        self.steps, self.mark = 0, 0.1 * self.np_random.random()
        return self._observation(), {}

    def step(self, action):
        self.cell = min(max(self.cell + 2 * int(action) - 1, 0), self.cells - 1)
        self.steps += 1
        reached = self.cell == self.cells - 1
        return self._observation(), float(reached), reached, False, {}

    def render(self):
        picture = np.zeros((1, self.cells, 3), np.uint8)
        picture[0, self.cell] = 255
        return picture


class Faulty(Corridor):
    """A corridor that breaks down after so many steps.

    Args:
        fault: raises, nan, shape, one (an observation of a single number), hangs or dies.
        after: steps of one environment.
        on_reset: whether it does so at the next reset, and not in a step.
    """

    def __init__(self, fault, after=100, on_reset=False, **corridor):
        super().__init__(**corridor)
        self.fault, self.left, self.on_reset = fault, after, on_reset

    def reset(self, **options):
        observation, info = super().reset(**options)
        return (self.broken(observation) if self.on_reset and self.left <= 0 else observation), info

    def step(self, action):
        observation, *rest = super().step(action)
        self.left -= 1
        return (observation if self.left > 0 or self.on_reset else self.broken(observation)), *rest

    def broken(self, observation):
        if self.fault == "hangs":
            time.sleep(60)
        if self.fault == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.fault == "raises":
            raise RuntimeError("the corridor has collapsed")
        return observation * np.nan if self.fault == "nan" else observation[: 1 if self.fault == "one" else 3]


gym.register("Faulty-v0", entry_point=Faulty, max_episode_steps=20)
gym.register("Corridor-v0", entry_point=Corridor, max_episode_steps=20)
gym.register("Corridor-v1", entry_point=Corridor, max_episode_steps=30)


def walk(episodes=3, seed=0):
    """A dataset of an expert that goes right in every cell of the corridor, without the marks."""
    states, ends, actions, rewards, last = [], [], [], [], []
    for _ in range(episodes):
        for cell in range(3, 7):
            state = np.zeros(9, np.float32)
            state[cell] = 1
            state[-1] = (cell - 3) / 20
            states.append(state)
        ends.append(len(states))
        actions += [1, 1, 1]
        rewards += [0.0, 0.0, 1.0]
        last += [False, False, True]
    labels = ExpertLabels(
        action=torch.tensor(actions),
        executed_action=torch.tensor(actions),
        reward=torch.tensor(rewards),
        terminated=torch.tensor(last),
        truncated=torch.zeros(len(last), dtype=torch.bool),
    )
    card = {"environment": "Corridor-v0", "return_mean": 1.0}
    return ExpertDataset(ExpertStates(torch.from_numpy(np.stack(states)), torch.tensor(ends)), labels, card)


@pytest.fixture
def corridor_expert():
    """Three episodes, always right."""
    return walk()
