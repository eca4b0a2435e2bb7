"""FLOPs of learning over wall-clock, as a share of the rate at which this machine multiplies matrices, in turns.

    python -m benchmarks.learning_flops --configs dqn --out results/speed/learning_flops.json
    python -m benchmarks.learning_flops --configs dqn trainer/fast --out results/speed/learning_flops_fast.json

The rate is that of torch's own product of two float32 matrices of 1,024 × 1,024, by the library that runs use. What a
run computes is counted over its first 4,000 frames of learning: products and convolutions, forwards and backwards, a
multiplication and an addition counting as two. Exploration, evaluation and all that is not a product count as nothing.
The counts of `--configs dqn` and `--configs diiqn` say what the second one's passes cost at least.
"""

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.command_line import layers
from benchmarks.plain_trainer import PlainTrainer
from benchmarks.turns import in_turns, medians, options_of, ratios, seconds_per_call, write
from benchmarks.whole_run import ours
from diiqn_lightning.arithmetic import set_up_arithmetic

MATRIX = 1_024


def flops_per_frame(configs, counted_frames=4_000, options=()):
    """FLOPs of learning, guidance included, over the frames that it was due for.

    Args:
        configs: layers of the configuration.
        counted_frames: of a run, from its first update on.
        options: further ones of ``fit``.
    """
    run = PlainTrainer([*layers(configs), "--data.frames_per_epoch=1000000", "--max_frames=1000000", *options])
    data, flops, updates = run.datamodule, 0, 0
    for batch in run.batches():
        with FlopCounterMode(display=False) as counter:
            run.guide(batch)
            run.lightning_module.training_step(batch, 0)
        flops, updates = flops + counter.get_total_flops(), updates + len(batch)
        if updates * data.frames_per_update >= counted_frames:
            break
    run.close()
    return flops / (updates * data.frames_per_update)


def double_dqn_update_flops(network, observation, batch):
    """What one update of double DQN costs, by hand: to check the counter with.

    Args:
        network: of convolutions and linear layers.
        observation: one, ``[1, *O]``.
        batch: transitions.

    Three passes forwards (s in the online network, s' in both), and one backwards for s, which takes as much as a pass
    for the weights' gradients and as much for the inputs', which the first layer's are not asked for.
    """
    passes = []

    def note(layer, inputs, output):
        if isinstance(layer, torch.nn.Conv2d):
            _, channels, height, width = output.shape
            passes.append(2 * height * width * channels * layer.weight[0].numel())
        elif isinstance(layer, torch.nn.Linear):
            passes.append(2 * layer.weight.numel())

    hooks = [layer.register_forward_hook(note) for layer in network.modules()]
    network(observation)
    for hook in hooks:
        hook.remove()
    return batch * (3 * sum(passes) + 2 * sum(passes) - passes[0])


def matmul_rate(threads, at_least=0.5):
    """FLOPs a second of a product of two matrices."""
    set_up_arithmetic(threads)
    left, right = torch.randn(MATRIX, MATRIX), torch.randn(MATRIX, MATRIX)
    into = torch.empty(MATRIX, MATRIX)
    return 2 * MATRIX**3 / seconds_per_call(lambda: torch.mm(left, right, out=into), at_least)


def main():
    options = options_of(__doc__, rounds=5)
    options.add_argument("--configs", nargs="+", default=["dqn"], metavar="LAYER", help="layers of one configuration")
    options.add_argument("--frames", type=int, default=20_000, help="of each run (20000)")
    options.add_argument("--threads", type=int, default=1)
    arguments = options.parse_args()
    per_frame = flops_per_frame(arguments.configs)
    turns = {
        "matmul": lambda: matmul_rate(arguments.threads),
        "learning": lambda: per_frame * ours(arguments.configs, arguments.frames, arguments.threads),
    }
    measured = in_turns(turns, arguments.rounds, "FLOP/s")
    result = {
        "configs": arguments.configs,
        "megaflops_per_frame": round(per_frame / 1e6, 3),
        "gigaflops_per_second": {
            name: [round(value / 1e9, 2) for value in values] for name, values in measured.items()
        },
        "median": {name: round(value / 1e9, 2) for name, value in medians(measured).items()},
        "share": ratios(measured, [("learning", "matmul")])["learning_over_matmul"],
    }
    write(result, arguments.out, arguments.threads, "learning_flops")


if __name__ == "__main__":
    main()
