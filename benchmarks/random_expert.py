"""A dataset of random play, as large as one likes: what it costs a run does not depend on how good it is.

    python -m benchmarks.random_expert --env MinAtar/Breakout-v1 --transitions 1000000 --out large.expert

States alone: the verb `record` also tries, at every state, which actions could be told apart, and takes much longer.
"""

import argparse
from pathlib import Path

import numpy as np

from diiqn_lightning.envs import make_gym_env
from diiqn_lightning.experts import files
from diiqn_lightning.experts.arrays import dataset_from


def random_expert(env_id, transitions, path, seed=0):
    """Write whole episodes that hold at least so many transitions."""
    random, episodes, held = np.random.default_rng(seed), [], 0
    with make_gym_env(env_id, seed=seed) as env:
        while held < transitions:
            states, ended = [env.reset()[0]], False
            while not ended:
                state, _, terminated, truncated, _ = env.step(random.integers(env.action_space.n))
                states.append(state)
                ended = terminated or truncated
            episodes.append(np.stack(states))
            held += len(states) - 1
    card = {"environment": env_id, "policy": "random", "transitions": held, "episodes": len(episodes)}
    files.save(dataset_from(episodes, {}, card), path)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--env", default="MinAtar/Breakout-v1")
    options.add_argument("--transitions", type=int, default=1_000_000)
    options.add_argument("--out", type=Path, required=True, help="ends in .expert")
    arguments = options.parse_args()
    random_expert(arguments.env, arguments.transitions, arguments.out)


if __name__ == "__main__":
    main()
