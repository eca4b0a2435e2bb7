"""Milliseconds of replay's extend, sample and priority update, ours beside TorchRL's own buffers, in turns.

    python -m benchmarks.replay --out results/speed/replay.json

A full buffer of Breakout's transitions. `ours` is what a run uses: chunks of 32 frames, batches of all updates that a
chunk makes due (8 × 32). TorchRL's are `TensorDictReplayBuffer` and `TensorDictPrioritizedReplayBuffer`, called alike.
"""

from functools import partial

import torch
from tensordict import TensorDict
from torchrl.data import LazyTensorStorage, TensorDictPrioritizedReplayBuffer, TensorDictReplayBuffer

from benchmarks.turns import in_turns, options_of, rows, seconds_per_call, write
from diiqn_lightning import keys
from diiqn_lightning.arithmetic import set_up_arithmetic
from diiqn_lightning.data import Prioritization, Replay

SHAPE = (10, 10, 4)


def transitions(count):
    """Frames as the stream makes them, ``[count]``."""
    frames = TensorDict({}, [count])
    frames.set(keys.OBSERVATION, torch.rand(count, *SHAPE) < 0.1)
    frames.set(keys.ACTION, torch.randint(3, (count,)))
    frames.set(keys.NEXT_OBSERVATION, torch.rand(count, *SHAPE) < 0.1)
    frames.set(keys.REWARD, torch.zeros(count))
    frames.set(keys.TERMINATED, torch.zeros(count, dtype=torch.bool))
    return frames


def ours(prioritized, capacity):
    replay = Replay(capacity, Prioritization() if prioritized else None, seed=0)
    return replay.extend, lambda size: replay.sample(size, frames=0), replay.update_priority


def torchrl(prioritized, capacity):
    storage = LazyTensorStorage(capacity)
    if not prioritized:
        replay = TensorDictReplayBuffer(storage=storage)
        return replay.extend, replay.sample, lambda index, priority: None
    replay = TensorDictPrioritizedReplayBuffer(alpha=0.6, beta=0.4, storage=storage)
    return replay.extend, replay.sample, replay.update_priority


def filled(make, prioritized, capacity, chunk):
    extend, *rest = make(prioritized, capacity)
    for _ in range(-(-capacity // chunk)):
        extend(transitions(chunk))
    return extend, *rest


def milliseconds(call, at_least):
    return 1e3 * seconds_per_call(call, at_least)


def turns_of(capacity, chunk, batches, at_least):
    """Functions that measure milliseconds, by (buffer, prioritized, operation, transitions)."""
    turns = {}
    for make in (ours, torchrl):
        for prioritized in (False, True):
            extend, sample, update_priority = filled(make, prioritized, capacity, min(capacity, 10_000))
            name = (make.__name__, prioritized)
            calls = {("extend", chunk): partial(extend, transitions(chunk))}
            for size in batches:
                calls["sample", size] = partial(sample, size)
                if prioritized:
                    index, priority = torch.randint(capacity, (size,)), torch.rand(size)
                    calls["update_priority", size] = partial(update_priority, index, priority)
            turns |= {(*name, *operation): partial(milliseconds, call, at_least) for operation, call in calls.items()}
    return turns


def main():
    options = options_of(__doc__, rounds=5)
    options.add_argument("--capacity", type=int, default=100_000)
    options.add_argument("--chunk", type=int, default=32, help="frames in an extend (32)")
    options.add_argument("--batches", type=int, nargs="+", default=[32, 256], help="transitions in a sample")
    options.add_argument("--seconds", type=float, default=0.3, help="of each measurement, at least (0.3)")
    arguments = options.parse_args()
    set_up_arithmetic(1)
    turns = turns_of(arguments.capacity, arguments.chunk, arguments.batches, arguments.seconds)
    fields = ("buffer", "prioritized", "operation", "transitions")
    table = rows(in_turns(turns, arguments.rounds, "ms"), fields, "milliseconds", beside=("buffer", "torchrl"))
    write({"capacity": arguments.capacity, "rows": table}, arguments.out, 1, "replay")


if __name__ == "__main__":
    main()
