"""The published MinAtar network and environment, for peers that want plain torch and Gymnasium."""

import gymnasium as gym
import numpy as np
import torch
from minatar.gym import register_envs
from torch import nn

ENV_ID = "MinAtar/Breakout-v1"


class ChannelsFirst(gym.ObservationWrapper):
    """[H, W, C] booleans as [C, H, W] bytes, which is what image policies of other libraries take."""

    def __init__(self, env):
        super().__init__(env)
        height, width, channels = env.observation_space.shape
        self.observation_space = gym.spaces.Box(0, 1, (channels, height, width), np.uint8)

    def observation(self, observation):
        return observation.transpose(2, 0, 1).astype(np.uint8)


def make_env():
    if ENV_ID not in gym.registry:
        register_envs()
    return ChannelsFirst(gym.make(ENV_ID, disable_env_checker=True))


def q_network(channels=4, num_actions=3):
    return nn.Sequential(
        nn.Conv2d(channels, 16, 3),
        nn.ReLU(),
        nn.Flatten(-3),  # with and without a batch dimension
        nn.Linear(1024, 128),
        nn.ReLU(),
        nn.Linear(128, num_actions),
    )


def set_threads(threads):
    torch.set_num_threads(threads)
