"""``record``: an expert dataset from a trained agent or from a policy of the user's own."""

import argparse
import json
import shlex
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from diiqn_lightning.cli.verb import verb_parser
from diiqn_lightning.errors import InputError, require_seed

EXAMPLES = """examples
  python -m diiqn_lightning record --checkpoint runs/dqn/breakout/0/checkpoints/last --out experts/mine.expert
  python -m diiqn_lightning record --policy mypackage.policies:greedy --env CartPole-v1 --out cartpole.expert
  python -m diiqn_lightning record --policy random --env MinAtar/Breakout-v1 --out random.expert

A policy of your own is a function that takes observations (a tensor [B, ...]) and returns actions ([B] int64),
or a class of such functions, which is built with the environment:
  python -m diiqn_lightning record --policy diiqn_lightning.envs.maze_planner:DetourPlanner --env Maze2D-v0 \\
    --env_kwargs '{"action_set": "king"}' --out maze.expert
"""


def parser() -> argparse.ArgumentParser:
    """The verb's options."""
    options = verb_parser(
        "record",
        "Record whole episodes of an expert into one file: its states for learning, and its actions "
        "and rewards as labels that only metrics can reach. An interrupted recording goes on where it stopped.",
        EXAMPLES,
    )
    source = options.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--checkpoint", type=Path, help="checkpoint folder of a run, for example runs/…/checkpoints/last"
    )
    source.add_argument("--policy", help="MODULE:FUNCTION of your own policy, or random")
    options.add_argument("--out", type=Path, required=True, help="the file to write; ends in .expert")
    options.add_argument("--env", help="Gymnasium id; by default the checkpoint's environment")
    options.add_argument("--env_kwargs", type=_arguments, help="JSON object: arguments of the environment of a policy")
    options.add_argument("--transitions", type=int, default=30_000, help="at least so many, in whole episodes (30000)")
    options.add_argument("--epsilon", type=float, default=0.01, help="probability of a random action (0.01)")
    options.add_argument("--seed", type=int, default=0, help="seed of episodes and random actions (0)")
    options.add_argument("--max_episode_steps", type=int, default=10_000, help="cut episodes off there (10000)")
    options.add_argument("--licence", help="of the file, such as Apache-2.0, told in its card; by default none")
    options.add_argument("--sticky", choices=("on", "off"), default="on", help="MinAtar's sticky actions (on)")
    return options


def run(arguments: list[str]) -> int:
    """Run the verb."""
    options = parser().parse_args(arguments)
    from diiqn_lightning.experts.files import SUFFIX
    from diiqn_lightning.experts.recording import record

    if options.out.suffix != SUFFIX:
        raise InputError("--out", str(options.out), f"let the file's name end in {SUFFIX}")
    require_seed(**{"--seed": options.seed})
    if not options.out.parent.is_dir():
        raise InputError("--out", str(options.out), f"make the folder {options.out.parent} first")
    policy, env_id, env_kwargs, card = _source(options)
    if options.licence is not None:
        card = {**card, "licence": options.licence}
    if options.sticky == "off":
        env_kwargs = {**env_kwargs, "sticky_action_prob": 0.0}

    from rich.progress import Progress

    with Progress(transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("recording", total=options.transitions)
        dataset = record(
            policy,
            env_id,
            options.out,
            transitions=options.transitions,
            epsilon=options.epsilon,
            seed=options.seed,
            max_episode_steps=options.max_episode_steps,
            env_kwargs=env_kwargs,
            card=card,
            command=shlex.join(["python", "-m", "diiqn_lightning", "record", *arguments]),
            progress=lambda transitions: bar.update(task, completed=transitions),
        )
    facts = dataset.card
    print(
        f"{options.out}: {facts['transitions']:,} transitions in {facts['episodes']} episodes, "
        f"return {facts['return_mean']:.2f} ± {facts['return_standard_deviation']:.2f}, "
        f"{options.out.stat().st_size / 1024:.0f} KB"
    )
    return 0


def _source(options: argparse.Namespace) -> tuple[Callable[[Any], Any], str, dict[str, Any], dict[str, Any]]:
    """Policy, environment, its arguments, and what the card says of the policy."""
    if options.checkpoint is not None:
        if options.env_kwargs is not None:
            raise InputError("--env_kwargs", options.env_kwargs, "leave it out, a checkpoint has its run's")
        from diiqn_lightning.callbacks.manifest import read_manifest
        from diiqn_lightning.cli.agents import load_agent

        agent = load_agent(options.checkpoint, options.env)
        frames = read_manifest(options.checkpoint)["frames"]
        config = agent.config["validate"]
        _check_fit(options.env, config, agent.datamodule.spec)
        card = {"policy": config.algorithm, "trained_frames": frames, "training_seed": config.seed_everything}
        return agent.model.greedy, options.env or config.data.env, dict(config.data.env_kwargs or {}), card
    if options.env is None:
        raise InputError("--env", None, "give the environment that your policy plays in")
    env_kwargs = options.env_kwargs or {}
    if options.policy == "random":
        options.epsilon = 1.0
        import torch

        return lambda states: torch.zeros(len(states), dtype=torch.int64), options.env, env_kwargs, {"policy": "random"}
    policy = _imported(options.policy)
    if isinstance(policy, type):
        from diiqn_lightning.envs import make_gym_env

        environment = make_gym_env(options.env, env_kwargs=env_kwargs)
        try:
            policy = policy(environment)
        except (TypeError, ValueError, AttributeError, AssertionError) as error:
            remedy = f"choose one that can be built with {options.env} ({str(error) or type(error).__name__})"
            raise InputError("--policy", options.policy, remedy) from error
    return policy, options.env, env_kwargs, {"policy": options.policy}


def _check_fit(env_id: str | None, config: Any, trained_in: Any) -> None:
    """Refuse an environment that is named and that the agent cannot see or act in."""
    from diiqn_lightning.envs import make_gym_env, spec_of

    if env_id is None:
        return
    spec = spec_of(make_gym_env(env_id, env_kwargs=dict(config.data.env_kwargs or {})))
    if spec != trained_in:
        remedy = f"choose one with the observations and actions of {config.data.env}, in which the agent was trained"
        raise InputError("--env", env_id, remedy)


def _arguments(text: str) -> dict[str, Any]:
    try:
        arguments = json.loads(text)
    except json.JSONDecodeError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: give a JSON object ({error})") from error
    if not isinstance(arguments, dict):
        raise argparse.ArgumentTypeError(f'{text!r}: give a JSON object such as {{"layout": "small"}}')
    return arguments


def _imported(path: str) -> Callable[[Any], Any]:
    module_name, _, function = path.partition(":")
    sys.path.insert(0, "")
    try:
        policy = getattr(import_module(module_name), function)
    except (ImportError, AttributeError, ValueError, TypeError) as error:
        raise InputError("--policy", path, f"give MODULE:FUNCTION that can be imported ({error})") from error
    if not callable(policy):
        raise InputError("--policy", path, "name a function")
    return policy  # type: ignore[no-any-return]
