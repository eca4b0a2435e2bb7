"""``watch``: an agent at play, as a film that marks where it leaves its expert's advice."""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from diiqn_lightning.cli.verb import add_agent, verb_parser
from diiqn_lightning.errors import InputError, require_positive, require_seed, require_within

EXAMPLES = """examples
  python -m diiqn_lightning watch runs/diiqn/breakout/0 --out agent.gif
  python -m diiqn_lightning watch runs/diiqn/breakout/0 --out both.gif --beside expert
  python -m diiqn_lightning watch runs/diiqn/breakout/0 --out both.mp4 --beside runs/dqn/breakout/0 --episodes 3

Where the run has an expert, the border says what the action does to the expert's advice: solid, it follows; striped, it
leaves; dotted, there is no advice. Advice is the action that the run has inferred, with a confidence of at least 0.5,
for the expert's nearest state, where that is as similar as the run's similarity threshold.
"""


def parser() -> argparse.ArgumentParser:
    """The verb's options."""
    options = verb_parser(
        "watch",
        "Film an agent at play (GIF or MP4), alone or beside its expert or another agent, and mark where it leaves the "
        "expert's advice.",
        EXAMPLES,
    )
    add_agent(options)
    options.add_argument("--out", type=Path, required=True, metavar="FILE", help="ends in .gif or .mp4")
    options.add_argument("--beside", help="expert (the run's), a dataset, or another run of the same environment")
    options.add_argument("--episodes", type=int, default=1, help="one after another (1)")
    options.add_argument("--epsilon", type=float, default=0.01, help="probability of a random action (0.01)")
    options.add_argument("--seed", type=int, default=0, help="seed of episodes and random actions (0)")
    options.add_argument("--max_steps", type=int, default=500, help="frames of an episode that are filmed (500)")
    options.add_argument("--frames_per_second", type=int, default=15, help="of the film (15)")
    options.add_argument("--expert", help="where the run's dataset is, if it is no longer where the run found it")
    options.add_argument(
        "--similarity_threshold", type=float, metavar="TAU", help="of advice, from 0 to 1 (the run's); 1: equal states"
    )
    return options


def run(arguments: list[str]) -> int:
    """Run the verb."""
    options = parser().parse_args(arguments)
    for name in ("episodes", "max_steps", "frames_per_second"):
        require_positive(**{f"--{name}": getattr(options, name)})
    require_within(0, 1, **{"--epsilon": options.epsilon})
    require_seed(**{"--seed": options.seed})
    if options.similarity_threshold is not None:
        require_within(0, 1, **{"--similarity_threshold": options.similarity_threshold})

    from diiqn_lightning.report import film
    from diiqn_lightning.report.watching import Tally

    film.check_ending(options.out)

    from diiqn_lightning.cli.agents import checkpoint_in, load_agent

    checkpoint = checkpoint_in(options.source)
    agent = load_agent(checkpoint, options.env)
    advice = _advice(options, checkpoint, agent)
    tallies = {"agent": Tally([], Counter())}
    players = [_player(agent, options, tallies["agent"], advice)]
    titles = [agent.config["validate"].algorithm]
    if options.beside:
        title, player = _beside(options, agent, advice, tallies)
        titles.append(title)
        players.append(player)

    episodes = (film.side_by_side(titles, [player(number) for player in players]) for number in range(options.episodes))
    frames = film.write_film(options.out, chain.from_iterable(episodes), options.frames_per_second)
    print(f"{options.out}: {frames} frames")
    for (name, tally), title in zip(tallies.items(), titles, strict=False):
        print(f"  {name} ({title}): return {', '.join(f'{value:.4g}' for value in tally.returns)}")
        total = tally.marks.total()
        for mark, sign in film.SIGNS.items() if total else ():
            print(f"    {sign:27} {tally.marks[mark] / total:4.0%} of {total} actions")
    return 0


def _player(agent: Any, options: argparse.Namespace, tally: Any, advice: Any) -> Callable[[int], Iterator[Any]]:
    """Plays episodes of an agent by their number."""
    from diiqn_lightning.report.watching import agents_episode

    env = _environment(agent, options.seed)
    settings = {"epsilon": options.epsilon, "seed": options.seed, "max_steps": options.max_steps}
    return lambda number: agents_episode(env, agent.model.greedy, number, tally, advice=advice, **settings)


def _environment(agent: Any, seed: int) -> Any:
    from diiqn_lightning.envs import make_gym_env
    from diiqn_lightning.envs.episodes import EVALUATION

    data = agent.datamodule
    return make_gym_env(data.env, seed=seed, purpose=EVALUATION, env_kwargs=data.env_kwargs, render_mode="rgb_array")


def _advice(options: argparse.Namespace, checkpoint: Path, agent: Any) -> Any:
    """The expert's advice, if the run infers actions; a dataset that is gone costs the marks and not the film."""
    from diiqn_lightning.cli.advisers import dataset_of, load_advice

    config = agent.config["validate"]
    if config.expert is None or config.action_inference is None:
        return None
    try:
        dataset = dataset_of(config, options.expert)
        return load_advice(checkpoint, config, dataset, options.similarity_threshold)
    except InputError as error:
        if options.expert is not None:
            raise
        reason = str(error).rstrip(".")
        print(f"warning: no advice is marked ({reason}); name the dataset with --expert.", file=sys.stderr)
        return None


def _beside(
    options: argparse.Namespace, agent: Any, advice: Any, tallies: dict[str, Any]
) -> tuple[str, Callable[[int], Iterator[Any]]]:
    """Title and player of what is shown beside the agent."""
    from diiqn_lightning.cli.advisers import dataset_of
    from diiqn_lightning.cli.agents import checkpoint_in, load_agent
    from diiqn_lightning.report.watching import Tally, experts_episode

    config, data, source = agent.config["validate"], agent.datamodule, Path(options.beside)
    if (source / "config.yaml").exists() or (source / "manifest.json").exists():
        other = load_agent(checkpoint_in(source), options.env)
        if other.datamodule.env != data.env:
            raise InputError(
                "--beside", options.beside, f"give a run of {data.env}, this one is of {other.datamodule.env}"
            )
        same_actions = other.datamodule.env_kwargs == data.env_kwargs
        tallies["beside"] = Tally([], Counter())
        player = _player(other, options, tallies["beside"], advice if same_actions else None)
        return other.config["validate"].algorithm, player
    name = options.expert if options.beside == "expert" else options.beside
    if name is None and config.expert is None:
        raise InputError("--beside", options.beside, "name a dataset or a run: this run has no expert")
    dataset = dataset_of(config, name)
    dataset.check_fits(data.spec.observation_shape, data.spec.observation_dtype, data.env)
    env = _environment(agent, options.seed)
    title = f"expert {Path(name or config.expert).stem}"
    return title, lambda number: experts_episode(env, dataset, number, options.max_steps)
