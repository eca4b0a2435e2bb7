"""``convert``: expert datasets from and to other formats."""

import argparse
from pathlib import Path

from diiqn_lightning.cli.verb import verb_parser
from diiqn_lightning.errors import InputError, writing

EXAMPLES = """examples
  python -m diiqn_lightning convert states.npz mine.expert
  python -m diiqn_lightning convert folder_of_episodes/ mine.expert
  python -m diiqn_lightning convert minari:my/dataset-v0 mine.expert
  python -m diiqn_lightning convert mine.expert mine.npz
  python -m diiqn_lightning convert mine.expert minari:my/dataset-v0 --env MinAtar/Breakout-v1
"""


def parser() -> argparse.ArgumentParser:
    """The verb's options."""
    options = verb_parser(
        "convert",
        "Convert expert datasets. Into .expert: from .npz, a folder with a file for each episode, or "
        "Minari. Out of .expert: to .npz or Minari. Actions and rewards, where there are any, become labels that only "
        "metrics can reach.",
        EXAMPLES,
    )
    options.add_argument("source", help=".expert, .npz, a folder, a Minari folder, or minari:ID")
    options.add_argument("target", help=".expert, .npz, or minari:ID")
    options.add_argument("--env", help="Gymnasium id, for Minari and for the card")
    return options


def run(arguments: list[str]) -> int:
    """Run the verb."""
    options = parser().parse_args(arguments)
    from diiqn_lightning.experts import ExpertDataset, files
    from diiqn_lightning.experts.arrays import write_npz
    from diiqn_lightning.experts.minari_datasets import write_minari
    from diiqn_lightning.experts.sources import MINARI, load_any

    target = Path(options.target)
    if not options.target.startswith(MINARI):
        if target.suffix not in (files.SUFFIX, ".npz"):
            raise InputError("target", options.target, f"let it end in {files.SUFFIX} or .npz, or give minari:ID")
        if not target.parent.is_dir():
            raise InputError("target", options.target, f"make the folder {target.parent} first")
    dataset = load_any(options.source)
    card = {**dataset.card, "content_hash": dataset.states.content_hash}
    dataset = ExpertDataset(
        dataset.states, dataset.labels, card | ({"environment": options.env} if options.env else {})
    )
    env_id = options.env or dataset.card.get("environment")
    if options.target.startswith(MINARI):
        if env_id is None:
            raise InputError(
                "--env", None, "give the environment that the dataset was recorded in; Minari wants its spaces"
            )
        where = str(write_minari(dataset, options.target.removeprefix(MINARI), env_id))
    else:
        with writing("target", target):
            write_npz(dataset, target) if target.suffix == ".npz" else files.save(dataset, target)
        where = options.target
    print(f"{where}: {dataset.states.num_transitions:,} transitions in {len(dataset.states.episode_ends)} episodes")
    return 0
