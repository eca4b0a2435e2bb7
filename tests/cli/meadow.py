"""A meadow with a good place: episodes are equally long whatever is done, so no sign of a reward leads there."""

import gymnasium as gym
import numpy as np
import torch

from diiqn_lightning.experts import ExpertDataset, ExpertStates

SIDE, STEPS = 5, 20
MOVES = np.array([[0, 0], [0, 1], [1, 0], [0, -1], [-1, 0]])


class Meadow(gym.Env):
    """Five by five cells, begun anywhere; stay or go; each step in the first cell rewards 1."""

    def __init__(self, render_mode=None):
        self.observation_space = gym.spaces.Box(0, 1, (SIDE * SIDE,), np.float32)
        self.action_space = gym.spaces.Discrete(len(MOVES))
        self.render_mode = render_mode

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.place = self.np_random.integers(0, SIDE, 2)
        return seen(self.place), {}

    def step(self, action):
        self.place = np.clip(self.place + MOVES[int(action)], 0, SIDE - 1)
        return seen(self.place), float(not self.place.any()), False, False, {}


gym.register("Meadow-v0", entry_point=Meadow, max_episode_steps=STEPS)


def seen(place):
    """The observation of a place."""
    return np.eye(SIDE * SIDE, dtype=np.float32)[SIDE * place[0] + place[1]]


def shepherd(episodes=40):
    """States of an expert that goes to the first cell and stays; and the mean return of such episodes."""
    random, states, returned = np.random.default_rng(0), [], 0.0
    for _ in range(episodes):
        place = random.integers(0, SIDE, 2)
        states.append(seen(place))
        for _ in range(STEPS):
            place = place - (np.array([1, 0]) if place[0] else np.array([0, min(1, place[1])]))
            states.append(seen(place))
            returned += float(not place.any())
    ends = torch.arange(1, episodes + 1) * (STEPS + 1)
    card = {"environment": "Meadow-v0", "return_mean": returned / episodes}
    return ExpertDataset(ExpertStates(torch.from_numpy(np.stack(states)), ends), None, card)
