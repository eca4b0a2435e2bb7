"""``ledger``: one row for each finished run."""

import argparse
from pathlib import Path

from diiqn_lightning.cli.verb import verb_parser
from diiqn_lightning.errors import writing

EXAMPLES = """examples
  python -m diiqn_lightning ledger runs --out results/ledger.csv
  python -m diiqn_lightning ledger runs/dqn runs/diiqn --out results/ledger.csv
"""


def parser() -> argparse.ArgumentParser:
    """The verb's options."""
    options = verb_parser(
        "ledger",
        "Write one row for each finished run below some folders. A run's key is the hash of its "
        "resolved configuration without seed, folder, logger and frames, so that figures find runs again and a "
        "longer run serves a shorter figure. Rows of the file that are about other runs stay.",
        EXAMPLES,
    )
    options.add_argument("folders", type=Path, nargs="+", help="folders with runs in them")
    options.add_argument("--out", type=Path, required=True, help="the CSV file")
    return options


def run(arguments: list[str]) -> int:
    """Run the verb."""
    options = parser().parse_args(arguments)
    from diiqn_lightning.report.ledger import find_runs, write_ledger

    runs = find_runs(options.folders)
    with writing("--out", options.out):
        rows = write_ledger(options.out, runs)
    print(f"{options.out}: {rows} runs")
    return 0
