"""What the parsers of the small verbs have in common."""

import argparse
from pathlib import Path


def verb_parser(verb: str, description: str, examples: str) -> argparse.ArgumentParser:
    """A parser whose ``--help`` teaches: what the verb does, its options, examples.

    Args:
        verb: as it is called.
        description: what it does.
        examples: shown as they are, below the options.
    """
    return argparse.ArgumentParser(
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
