"""What the parsers of the small verbs have in common."""

import argparse


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


def positive(text: str) -> int:
    """A whole number of at least 1, for argparse."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: give a whole number of at least 1")
    return int(text)
