"""Stable-Baselines3's DQN: the published MinAtar settings, uniform replay, no double Q-learning (it has none).

    python -m benchmarks.peers.stable_baselines3_dqn --frames 20000 [--envs 32]

With several environments each step of all is followed by the updates that it makes due.
"""

import argparse
import json
import time

import torch
from stable_baselines3 import DQN
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.vec_env import DummyVecEnv
from torch import nn

from benchmarks.peers.minatar_network import make_env, set_threads

WARM_UP, FRAMES_PER_UPDATE = 1_000, 4


class Features(BaseFeaturesExtractor):
    """The convolution and the hidden layer of the published network; SB3 adds the output layer."""

    def __init__(self, observation_space):
        super().__init__(observation_space, features_dim=128)
        channels = observation_space.shape[0]
        self.layers = nn.Sequential(
            nn.Conv2d(channels, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(1024, 128), nn.ReLU()
        )

    def forward(self, observations):
        return self.layers(observations)


class Clock(BaseCallback):
    """Starts when learning starts."""

    started = None

    def _on_step(self):
        if self.started is None and self.num_timesteps > WARM_UP:
            self.started = (time.perf_counter(), self.num_timesteps)
        return True


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--frames", type=int, default=20_000)
    options.add_argument("--envs", type=int, default=1)
    options.add_argument("--threads", type=int, default=1)
    arguments = options.parse_args()
    set_threads(arguments.threads)
    several = arguments.envs > 1
    agent = DQN(
        "CnnPolicy",
        DummyVecEnv([make_env] * arguments.envs) if several else make_env(),
        learning_rate=2.5e-4,
        buffer_size=100_000,
        learning_starts=WARM_UP,
        batch_size=32,
        gamma=0.99,
        train_freq=1 if several else FRAMES_PER_UPDATE,
        gradient_steps=arguments.envs // FRAMES_PER_UPDATE if several else 1,
        target_update_interval=1_000,
        exploration_fraction=250_000 / arguments.frames,  # ε falls over as many frames as everybody's
        exploration_final_eps=0.01,
        policy_kwargs={
            "features_extractor_class": Features,
            "net_arch": [],
            "normalize_images": False,
            "optimizer_class": torch.optim.Adam,
            "optimizer_kwargs": {"eps": 3.125e-4, "fused": True},
        },
        max_grad_norm=float("inf"),  # nobody else clips; what it costs stays, it cannot be turned off
        device="cpu",
        verbose=0,
    )
    clock = Clock()
    agent.learn(arguments.frames, callback=clock)
    seconds, frames = time.perf_counter() - clock.started[0], agent.num_timesteps - clock.started[1]
    print(json.dumps({"frames_per_second": frames / seconds, "frames": frames, "seconds": seconds}))


if __name__ == "__main__":
    main()
