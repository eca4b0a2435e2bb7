"""How far cloning comes with the expert's true actions: agreement on episodes that it has not seen, and return.

    python -m benchmarks.cloning --games asterix breakout seaquest --seeds 0 1 2 --out results/rivals/cloning.json

One in ten of an expert's episodes is held out. The rest, and the first third of it, are cloned for 30 passes by this
package's network; actions are inferred nowhere, so what a clone lacks it lacks whatever the inference. It is evaluated
at the expert's ε of 0.01, and beside it stands how often the clone agrees with the expert on either part.
"""

import argparse
from pathlib import Path

import torch

from benchmarks.turns import write
from diiqn_lightning.algorithm.cloning import cloning_loss
from diiqn_lightning.arithmetic import set_up_arithmetic
from diiqn_lightning.callbacks.expert_sampling import held_out_transitions
from diiqn_lightning.envs import Evaluation, make_gym_env
from diiqn_lightning.experts import files
from diiqn_lightning.networks import QNetwork, as_features

BATCH = 256
LEARNING_RATE = 1e-3


def cloned(observation, action, num_actions, passes, seed):
    """A network that has seen these pairs ``passes`` times."""
    torch.manual_seed(seed)
    network = QNetwork(observation.shape[1:], num_actions)
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    for _ in range(passes):
        for some in torch.randperm(len(action)).split(BATCH):
            optimizer.zero_grad()
            known = torch.ones(len(some), dtype=torch.bool)
            cloning_loss(network(as_features(observation[some])), action[some], known).backward()
            optimizer.step()
    return network


@torch.no_grad()
def agreement(network, observation, action):
    """Share of the states in which the network takes the expert's action."""
    return (network(as_features(observation)).argmax(1) == action).float().mean().item()


def measure(game, skill, share, passes, seed, episodes):
    """One row: a clone of a share of an expert's episodes, none of which is held out."""
    dataset = files.load(Path("experts") / f"{game}-{skill}.expert")
    states, action = dataset.states, dataset.labels.action
    observation = states.observation(torch.arange(states.num_transitions))
    held_out = held_out_transitions(states.episode_lengths, 0.1)
    seen = torch.nonzero(~held_out).squeeze(1)
    seen = seen[: int(share * len(seen))]
    env_id = dataset.card["environment"]
    with make_gym_env(env_id) as env:
        num_actions = int(env.action_space.n)
    network = cloned(observation[seen], action[seen], num_actions, passes, seed)
    evaluation = Evaluation(
        "epsilon", env_id, episodes=range(episodes), epsilon=0.01, seed=seed, max_episode_steps=10_000
    )
    with torch.no_grad():
        played = evaluation.play(lambda frames: network(as_features(frames)).argmax(1))
    return {
        "game": game,
        "expert": skill,
        "transitions": len(seen),
        "seed": seed,
        "agreement_seen": agreement(network, observation[seen], action[seen]),
        "agreement_held_out": agreement(network, observation[held_out], action[held_out]),
        "return": played.mean,
        "expert_return": dataset.card["return_mean"],
    }


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--games", nargs="+", default=["asterix", "breakout", "seaquest"])
    options.add_argument("--expert", default="medium")
    options.add_argument("--shares", nargs="+", type=float, default=[1 / 3, 1.0])
    options.add_argument("--passes", type=int, default=30)
    options.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    options.add_argument("--episodes", type=int, default=100)
    options.add_argument("--out", type=Path, required=True)
    arguments = options.parse_args()
    set_up_arithmetic(1)
    rows = []
    for game in arguments.games:
        for share in arguments.shares:
            for seed in arguments.seeds:
                rows.append(measure(game, arguments.expert, share, arguments.passes, seed, arguments.episodes))
                print(rows[-1], flush=True)
    write({"passes": arguments.passes, "runs": rows}, arguments.out, threads=1, script="cloning")


if __name__ == "__main__":
    main()
