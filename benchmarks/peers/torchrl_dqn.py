"""Double DQN from TorchRL's public classes alone, put together as its own recipe does.

    python -m benchmarks.peers.torchrl_dqn --frames 20000 [--envs 32]

The published MinAtar settings, uniform replay, batch 32 every 4 frames. The recipe steps one environment; with more
of them each chunk is a step of all, followed by the updates that it makes due, which is the fastest way that we know
to use these classes here.
"""

import argparse
import json
import os
import time

os.environ.setdefault("RL_LOGGING_LEVEL", "WARNING")

import torch
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from tensordict.nn import TensorDictSequential
from torch import nn
from torchrl.collectors import Collector
from torchrl.data import Composite, LazyTensorStorage, TensorDictReplayBuffer
from torchrl.envs import GymWrapper
from torchrl.modules import EGreedyModule, QValueActor
from torchrl.objectives import DQNLoss, HardUpdate

from benchmarks.peers.minatar_network import make_env, q_network, set_threads

WARM_UP = 1_000
BATCH, FRAMES_PER_UPDATE, TARGET_EVERY_UPDATES = 32, 4, 250


class FromBytes(nn.Module):
    """The published network on bytes."""

    def __init__(self):
        super().__init__()
        self.network = q_network()

    def forward(self, observation):
        return self.network(observation.float())


def torchrl_env(envs):
    """One environment, or several that step together (resets are TorchRL's: Gymnasium's own give false frames)."""
    if envs == 1:
        return GymWrapper(make_env(), categorical_action_encoding=True)
    vector = SyncVectorEnv([make_env] * envs, autoreset_mode=AutoresetMode.DISABLED)
    return GymWrapper(vector, categorical_action_encoding=True)


def train(frames, envs=1, seed=0):
    """Frames per second of training after the warm-up, and the losses of all updates."""
    torch.manual_seed(seed)
    env = torchrl_env(envs)
    env.set_seed(seed)
    chunk = max(envs, FRAMES_PER_UPDATE)
    actor = QValueActor(FromBytes(), spec=Composite(action=env.action_spec, shape=env.batch_size))
    exploration = EGreedyModule(env.action_spec, eps_init=1.0, eps_end=0.01, annealing_num_steps=250_000)
    collector = Collector(
        env,
        TensorDictSequential(actor, exploration),
        frames_per_batch=chunk,
        total_frames=-(-frames // chunk) * chunk,
        init_random_frames=-(-WARM_UP // chunk) * chunk,
        auto_register_policy_transforms=False,  # the policy has no state that episodes reset
    )
    replay = TensorDictReplayBuffer(storage=LazyTensorStorage(100_000), batch_size=BATCH)
    loss_module = DQNLoss(actor, loss_function="l2", delay_value=True, double_dqn=True)
    loss_module.make_value_estimator(gamma=0.99)
    target_updater = HardUpdate(loss_module, value_network_update_interval=TARGET_EVERY_UPDATES)
    optimizer = torch.optim.Adam(loss_module.parameters(), lr=2.5e-4, eps=3.125e-4, fused=True)

    losses, started, seen = [], None, 0
    for frames_of_chunk in collector:
        replay.extend(frames_of_chunk.reshape(-1))
        exploration.step(chunk)
        seen += chunk
        if seen <= WARM_UP:
            continue
        if started is None:
            started, first = time.perf_counter(), seen
        for _ in range(chunk // FRAMES_PER_UPDATE):
            loss = loss_module(replay.sample())["loss"]
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            target_updater.step()
            losses.append(loss.detach())
    seconds = time.perf_counter() - started
    collector.shutdown()
    return {"frames_per_second": (seen - first) / seconds, "frames": seen - first, "seconds": seconds}, losses


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--frames", type=int, default=20_000)
    options.add_argument("--envs", type=int, default=1)
    options.add_argument("--threads", type=int, default=1)
    arguments = options.parse_args()
    set_threads(arguments.threads)
    print(json.dumps(train(arguments.frames, arguments.envs)[0]))


if __name__ == "__main__":
    main()
