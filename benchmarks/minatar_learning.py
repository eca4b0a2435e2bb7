"""The runs of docs/protocol.md: DIIQN and DQN on MinAtar, seed by seed over all games, into the ledger.

    python -m benchmarks.minatar_learning --algorithms dqn diiqn --experts strong --seeds 21 22 23 24 25
    python -m benchmarks.minatar_learning --algorithms diiqn --experts medium weak --seeds 21 22 23
    python -m diiqn_lightning report results/ledger.csv --algorithm dqn diiqn --expert strong --out results/diiqn

Runs that are there already are left alone, interrupted ones go on: the command can be stopped and called again. Each
finished run is written to the ledger at once.
"""

import argparse
from pathlib import Path

from benchmarks.command_line import call, finish

FRAMES = {"space_invaders": 500_000}
"""Of a run, where it is not a million: this game's environment costs an order of magnitude more a frame."""

GAMES = ("asterix", "breakout", "freeway", "seaquest", "space_invaders")
WITHOUT_EXPERT = ("dqn", "dqn_published")


def cells(arguments):
    """Algorithm, game, expert (nothing for DQN) and seed of each run, all games of a seed first."""
    for seed in arguments.seeds:
        for game in arguments.games:
            for algorithm in arguments.algorithms:
                for expert in [None] if algorithm in WITHOUT_EXPERT else arguments.experts:
                    yield algorithm, game, expert, seed


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--algorithms", nargs="+", default=["dqn", "diiqn"], help="names of configs/*.yaml")
    options.add_argument("--games", nargs="+", choices=GAMES, default=GAMES)
    options.add_argument("--experts", nargs="+", default=["strong"], help="skills")
    options.add_argument("--seeds", nargs="+", type=int, required=True)
    options.add_argument("--runs", type=Path, default=Path("runs/confirm"), help="where the runs are kept")
    options.add_argument("--ledger", type=Path, default=Path("results/ledger.csv"))
    arguments = options.parse_args()
    for algorithm, game, expert, seed in cells(arguments):
        place = algorithm if expert is None else f"{algorithm}_{expert}"
        folder = arguments.runs / place / game / str(seed)
        command = ["fit", f"--config=configs/{algorithm}.yaml", f"--config=configs/env/{game}.yaml"]
        command += [f"--seed_everything={seed}", f"--max_frames={FRAMES.get(game, 1_000_000)}"]
        command += [] if expert is None else [f"--expert={expert}"]
        finish(folder, command)
        call(["ledger", str(folder), "--out", str(arguments.ledger)])
        print(f"{place} {game} {seed}: done", flush=True)


if __name__ == "__main__":
    main()
