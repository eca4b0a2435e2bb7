"""Frames per second of environments and of collection, by number of environments and worker processes, in turns.

    python -m benchmarks.environments --out results/speed/environments.json

`stepping` is the environments alone, under random actions drawn beforehand; `collecting` is what a run does with them:
a pass of the published network, exploration, and the frames into the replay.
"""

from functools import partial

import torch

from benchmarks.turns import in_turns, options_of, rows, seconds_per_call, write
from diiqn_lightning.arithmetic import set_up_arithmetic
from diiqn_lightning.data import FrameStream, Replay
from diiqn_lightning.envs import make_env
from diiqn_lightning.modules import DQN


class Stepping:
    """Steps all environments; calling it makes one step of each."""

    def __init__(self, env_id, num_envs, workers):
        self.env, self.frames = make_env(env_id, num_envs, workers=workers), num_envs
        self.current = self.env.reset()
        self.random = torch.randint(self.env.action_spec.space.n, (1_000, num_envs))
        self.number = 0

    def __call__(self):
        self.number = (self.number + 1) % len(self.random)
        self.current.set("action", self.random[self.number])
        _, self.current = self.env.step_and_maybe_reset(self.current)


class Collecting:
    """Collects a chunk as a run does."""

    def __init__(self, env_id, num_envs, workers):
        self.env, self.frames = make_env(env_id, num_envs, workers=workers), num_envs
        endless = 10**9
        self.stream = FrameStream(
            self.env,
            Replay(10_000, None, seed=0),
            batch_size=32,
            frames_per_update=4,
            learning_starts=endless,
            frames_per_epoch=endless,
            max_frames=endless,
            ranks=1,
            seed=0,
        )
        shape = self.env.observation_spec["observation"].shape[1:]
        self.stream.actor = DQN(tuple(shape), int(self.env.action_spec.space.n))

    def __call__(self):
        self.stream.collect()


def frames_per_second(kind, env_id, num_envs, workers, at_least):
    """Made anew for each turn: worker processes that wait for theirs would share the machine with the others."""
    made = kind(env_id, num_envs, workers)
    try:
        return made.frames / seconds_per_call(made, at_least)
    finally:
        made.env.close()


def main():
    options = options_of(__doc__, rounds=3)
    options.add_argument("--envs", nargs="+", default=["MinAtar/Breakout-v1", "MinAtar/SpaceInvaders-v1"])
    options.add_argument("--num_envs", type=int, nargs="+", default=[1, 4, 16, 32, 64, 128])
    options.add_argument("--workers", type=int, nargs="+", default=[0, 1, 2], help="worker processes, 0: none")
    options.add_argument("--seconds", type=float, default=1.0, help="of each measurement, at least (1)")
    arguments = options.parse_args()
    set_up_arithmetic(1)
    turns = {
        (env_id, kind.__name__.lower(), count, workers): partial(
            frames_per_second, kind, env_id, count, workers, arguments.seconds
        )
        for env_id in arguments.envs
        for kind in (Stepping, Collecting)
        for count in arguments.num_envs
        for workers in arguments.workers
        if workers <= count
    }
    measured = in_turns(turns, arguments.rounds, "frames/s")
    fields = ("env", "doing", "environments", "workers")
    result = {"rows": rows(measured, fields, "frames_per_second", beside=("workers", 0))}
    write(result, arguments.out, 1, "environments")


if __name__ == "__main__":
    main()
