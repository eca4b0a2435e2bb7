"""The same update, environments and replay as a run of the command line, in a loop of nine lines without Lightning.

python -m benchmarks.peers.bare_loop --config dqn --frames 20000
"""

import argparse
import json
import time

from benchmarks.command_line import layers
from benchmarks.plain_trainer import PlainTrainer


def frames_per_second(arguments):
    """Of training after ``learning_starts``, as the command line's summary counts them."""
    run = PlainTrainer(arguments)
    started = None
    for batch in run.batches():
        if started is None:
            started, first = time.perf_counter(), run.datamodule.frames
        run.guide(batch)
        run.update(batch)
    seconds, frames = time.perf_counter() - started, run.datamodule.frames - first
    run.close()
    return {"frames_per_second": frames / seconds, "frames": frames, "seconds": seconds}


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--config", nargs="+", default=["dqn"], help="layers below configs/, or paths")
    options.add_argument("--frames", type=int, default=20_000)
    options.add_argument("--threads", type=int, default=1)
    arguments = options.parse_args()
    length = [f"--max_frames={arguments.frames}", f"--data.frames_per_epoch={arguments.frames}"]
    settings = [*layers(arguments.config), *length, f"--threads={arguments.threads}"]
    print(json.dumps(frames_per_second(settings)))


if __name__ == "__main__":
    main()
