"""Behavioural cloning of the true actions beside the `imitation` library's, on the same data, network and batches.

    pip install -c constraints.txt -e ".[benchmarks]" && pip install --no-deps imitation==1.0.1
    python -m benchmarks.peers.imitation_bc --games breakout --seeds 0 1 2 --out results/rivals/imitation_bc.json

The library asks for an older Gymnasium than this package, which its behavioural cloning does not need: hence --no-deps.
Both learn from batches of 32 with Adam at the same rate; the policies are evaluated on the same episodes at ε = 0.01.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import gymnasium as gym
import numpy as np
import torch

from benchmarks.turns import write
from diiqn_lightning.envs import Evaluation, make_gym_env
from diiqn_lightning.experts import files
from diiqn_lightning.networks import Body, as_features
from diiqn_lightning.report.names import environment_name

try:
    from imitation.algorithms import bc
    from imitation.data.types import Transitions
    from stable_baselines3.common.policies import ActorCriticPolicy
    from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
except ModuleNotFoundError as missing:
    sys.exit(f'{missing.name} is not installed: pip install -e ".[benchmarks]", then --no-deps imitation==1.0.1')

GAMES = ("Asterix", "Breakout", "Freeway", "Seaquest", "SpaceInvaders")
BATCH = 32
EPISODES = 50


class Features(BaseFeaturesExtractor):
    """This package's network below its last layer, as the library's policies take one."""

    def __init__(self, space):
        body = Body(space.shape, None)
        super().__init__(space, body.width)
        self.body = body

    def forward(self, observation):
        return self.body(as_features(observation))


def theirs(dataset, env_id, updates, seed):
    """The library's clone, as a function of observations."""
    torch.manual_seed(seed)
    with make_gym_env(env_id) as env:
        shape, actions = env.observation_space.shape, env.action_space
    space = gym.spaces.Box(0, 1, shape, np.float32)
    everything = torch.arange(dataset.states.num_transitions)
    data = Transitions(
        obs=dataset.states.observation(everything).float().numpy(),
        acts=dataset.labels.action.numpy(),
        infos=np.array([{}] * len(everything)),
        next_obs=dataset.states.next_observation(everything).float().numpy(),
        dones=dataset.states.is_last.numpy(),
    )
    policy = ActorCriticPolicy(
        space, actions, lambda _: 2.5e-4, net_arch=[], features_extractor_class=Features, normalize_images=False
    )
    trainer = bc.BC(
        observation_space=space, action_space=actions, rng=np.random.default_rng(seed), demonstrations=data,
        policy=policy, batch_size=BATCH, optimizer_kwargs={"lr": 2.5e-4, "eps": 3.125e-4},
    )  # fmt: skip
    trainer.train(n_batches=updates, progress_bar=False, log_interval=updates + 1)

    @torch.no_grad()
    def act(observation):
        return policy.get_distribution(observation.float()).distribution.logits.argmax(1)

    return act


def ours(env_id, updates, seed):
    """Mean return of the clone of this package's command line."""
    layer = f"configs/env/{environment_name(env_id)}.yaml"
    frames = 1000 + 4 * updates
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable, "-m", "diiqn_lightning", "fit", "--config=configs/bc_oracle.yaml", f"--config={layer}",
            f"--max_frames={frames}", f"--data.frames_per_epoch={frames}", f"--seed_everything={seed}", "--video=null",
            f"--run_dir={folder}/run", "--model.annealing=null", f"--data.evaluation.episodes={EPISODES}",
        ]  # fmt: skip
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return json.loads(Path(folder, "run", "summary.json").read_text())["eval"]["epsilon"]["mean"]


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--games", nargs="+", choices=[environment_name(f"{game}-v1") for game in GAMES])
    options.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    options.add_argument("--updates", type=int, default=10_000)
    options.add_argument("--out", type=Path, required=True)
    arguments = options.parse_args()
    torch.set_num_threads(1)
    results = []
    for game in GAMES:
        env_id = f"MinAtar/{game}-v1"
        name = environment_name(env_id)
        if arguments.games and name not in arguments.games:
            continue
        dataset = files.load(Path("experts") / f"{name}-medium.expert")
        for seed in arguments.seeds:
            evaluation = Evaluation(
                "epsilon", env_id, episodes=range(EPISODES), epsilon=0.01, seed=seed, max_episode_steps=10_000
            )
            library = evaluation.play(theirs(dataset, env_id, arguments.updates, seed)).mean
            own = ours(env_id, arguments.updates, seed)
            results.append({"game": name, "seed": seed, "imitation": library, "bc_oracle": own,
                            "expert": dataset.card["return_mean"]})  # fmt: skip
            print(json.dumps(results[-1]), flush=True)
    write({"runs": results}, arguments.out, threads=1, script="peers.imitation_bc")


if __name__ == "__main__":
    main()
