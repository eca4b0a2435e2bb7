"""What the parsers of the small verbs have in common."""

import argparse
from collections.abc import Iterable, Iterator
from itertools import chain, count
from pathlib import Path


def verb_parser(verb: str, description: str, examples: str) -> argparse.ArgumentParser:
    """A parser whose ``--help`` teaches: what the verb does, its options, examples.

    Args:
        verb: as it is called.
        description: what it does.
        examples: shown as they are, below the options.
    """
    return argparse.ArgumentParser(
        allow_abbrev=False,  # --seed, an option of another verb, is no short form of --seeds
        prog=f"python -m diiqn_lightning {verb}",
        description=description,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_agent(options: argparse.ArgumentParser) -> None:
    """Add what names a trained agent: ``source``, a run or a checkpoint, and ``--env``."""
    options.add_argument("source", type=Path, metavar="RUN_OR_CHECKPOINT", help="a run's folder, or a checkpoint's")
    options.add_argument("--env", help="the run's environment, where its id names a module that has to be imported")


def positive(text: str) -> int:
    """A whole number of at least 1, for argparse."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: give a whole number of at least 1")
    return int(text)


def distinct(names: Iterable[str]) -> Iterator[str]:
    """The same names, with numbers behind those that came before: a, b, a-2."""
    taken: set[str] = set()
    for name in names:
        free = next(each for each in chain([name], (f"{name}-{n}" for n in count(2))) if each not in taken)
        taken.add(free)
        yield free
