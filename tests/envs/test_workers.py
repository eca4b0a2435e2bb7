import os
import signal
import time
from functools import partial
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch

from diiqn_lightning.envs import make_env
from diiqn_lightning.envs.episodes import restore_running_episodes, running_episodes
from diiqn_lightning.envs.factory import make_gym_env
from diiqn_lightning.envs.workers import WorkerFailedError, WorkerVectorEnv
from tests.conftest import Corridor


class Troubled(Corridor):
    """A corridor whose first environment does something else in its third step."""

    def step(self, action):
        if self.steps == 2:
            self.trouble()
        return super().step(action)


class Hanging(Troubled):
    def trouble(self):
        time.sleep(60)


class Dying(Troubled):
    def trouble(self):
        os.kill(os.getpid(), signal.SIGKILL)


class Raising(Troubled):
    def trouble(self):
        raise RuntimeError("the corridor has collapsed")


for kind in (Hanging, Dying, Raising):
    gym.register(f"{kind.__name__}-v0", entry_point=kind, max_episode_steps=20)


def rollout(env, steps=60):
    """Random actions for so many steps; what came back, and the last observations."""
    generator, current, seen = torch.Generator().manual_seed(0), env.reset(), []
    for _ in range(steps):
        current["action"] = torch.randint(2, (5,), generator=generator)
        stepped, current = env.step_and_maybe_reset(current)
        seen.append(stepped["next"].clone())
    return torch.stack(seen), current


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("env_id", ["Corridor-v0", "MinAtar/Breakout-v1"])
def test_workers_give_what_one_process_gives(workers, env_id):
    serial, parallel = make_env(env_id, 5, seed=3), make_env(env_id, 5, seed=3, workers=workers)
    (one, current), (other, other_current) = rollout(serial), rollout(parallel)
    assert bool(one["done"].any())  # episodes have ended, and new ones begun
    for key in ("observation", "reward", "terminated", "truncated"):
        assert torch.equal(one[key], other[key])
    assert torch.equal(current["observation"], other_current["observation"])
    parallel.close()


def test_running_episodes_are_told_and_replayed():
    env = make_env("Corridor-v0", 5, workers=2)
    _, current = rollout(env)
    episodes = running_episodes(env)
    other = make_env("Corridor-v0", 5, workers=3)
    restored = restore_running_episodes(other, episodes)
    assert torch.equal(restored["observation"], current["observation"])
    env.close()
    other.close()


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("Hanging", "environments 0 to 1 have not answered within 0.5 s"),
        ("Dying", "a worker process died"),
        ("Raising", "RuntimeError: the corridor has collapsed"),
    ],
)
def test_failures_are_named(kind, sentence):
    makes = [partial(make_gym_env, f"{kind}-v0"), *[partial(make_gym_env, "Corridor-v0")] * 3]
    env = WorkerVectorEnv(makes, workers=2, timeout=0.5)
    env.reset()
    left = np.zeros(4, dtype=np.int64)
    env.step(left)
    env.step(left)
    with pytest.raises(WorkerFailedError, match=sentence):
        env.step(left)
    processes = env._processes
    env.close()
    assert not any(process.is_alive() for process in processes)


def test_workers_end_when_the_learner_is_killed(tmp_path):
    pid = os.fork()
    if pid == 0:
        env = WorkerVectorEnv([partial(make_gym_env, "Corridor-v0")] * 4, workers=2, timeout=5)
        env.reset()
        (tmp_path / "pids").write_text(" ".join(str(process.pid) for process in env._processes))
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
    workers = [int(number) for number in (tmp_path / "pids").read_text().split()]
    end = time.monotonic() + 10
    while any(lives(worker) for worker in workers) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(lives(worker) for worker in workers)


def lives(pid):
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"
