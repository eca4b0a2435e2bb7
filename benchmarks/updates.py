"""Milliseconds of one update of DQN and DIIQN by batch size, in turns.

    python -m benchmarks.updates --out results/speed/updates.json

The updates of a real batch of a run, and what callbacks do after them, at a replay ratio of 8: a chunk of 32 frames
makes 8 updates of 32 due, or 2 of 128, or 1 of 256. Collecting, sampling and guidance are not counted: they are in
`benchmarks.frame_budget`.
"""

from benchmarks.command_line import layers
from benchmarks.plain_trainer import PlainTrainer
from benchmarks.turns import in_turns, options_of, rows, seconds_per_call, write

REPLAY_RATIO = 8


def guided_batch(configs, batch_size, threads=1, device="cpu", options=()):
    """A run, and a batch of its own that callbacks have written into; the agent has learned from a few before.

    Calls with the same arguments give the same to the bit on a CPU.

    Args:
        configs: layers of the configuration.
        batch_size: transitions in an update.
        threads: of torch.
        device: of the module.
        options: further ones of ``fit``.
    """
    frames_per_update = max(1, batch_size // REPLAY_RATIO)
    frames = 1_000 + 20 * max(32, frames_per_update)
    run = PlainTrainer(
        [
            *layers(configs),
            f"--data.batch_size={batch_size}",
            f"--data.frames_per_update={frames_per_update}",
            f"--max_frames={frames}",
            f"--data.frames_per_epoch={frames}",
            f"--threads={threads}",
            *options,
        ],
        device,
    )
    for _, batch in zip(range(4), run.batches(), strict=False):
        run.guide(batch)
        run.update(batch)
    return run, batch


def milliseconds_per_update(run, batch, at_least):
    return 1e3 * seconds_per_call(lambda: run.update(batch), at_least) / len(batch)


def main():
    options = options_of(__doc__, rounds=5)
    options.add_argument("--configs", nargs="+", default=["dqn", "diiqn"], help="layers below configs/, or paths")
    options.add_argument("--preset", nargs="+", default=[], metavar="LAYER", help="further layers of each")
    options.add_argument("--batches", type=int, nargs="+", default=[32, 128, 256])
    options.add_argument("--threads", type=int, default=1)
    options.add_argument("--seconds", type=float, default=1.0, help="of each measurement, at least (1)")
    arguments = options.parse_args()
    turns = {}
    for config in arguments.configs:
        for size in arguments.batches:
            run, batch = guided_batch([config, *arguments.preset], size, arguments.threads)
            turns[config, size] = lambda run=run, batch=batch: milliseconds_per_update(run, batch, arguments.seconds)
    measured = in_turns(turns, arguments.rounds, "ms")
    table = rows(measured, ("config", "batch"), "milliseconds_per_update", beside=("config", arguments.configs[0]))
    for row in table:
        row["microseconds_per_transition"] = round(1e3 * row["median"] / row["batch"], 2)
    write({"preset": arguments.preset, "rows": table}, arguments.out, arguments.threads, "updates")


if __name__ == "__main__":
    main()
