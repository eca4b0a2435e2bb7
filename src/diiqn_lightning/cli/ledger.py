"""``ledger``: one row for each finished run."""

import argparse
from pathlib import Path

EXAMPLES = """examples
  python -m diiqn_lightning ledger runs --out results/ledger.csv
  python -m diiqn_lightning ledger runs/dqn runs/diiqn --out results/ledger.csv
"""


def parser() -> argparse.ArgumentParser:
    """The verb's options."""
    options = argparse.ArgumentParser(
        prog="python -m diiqn_lightning ledger",
        description="Write one row for each finished run below some folders. A run's key is the hash of its "
        "resolved configuration without seed, folder, logger and frames, so that figures find runs again and a "
        "longer run serves a shorter figure. Rows of the file that are about other runs stay.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    options.add_argument("folders", type=Path, nargs="+", help="folders with runs in them")
    options.add_argument("--out", type=Path, required=True, help="the CSV file")
    return options


def run(arguments: list[str]) -> int:
    """Run the verb."""
    options = parser().parse_args(arguments)
    from diiqn_lightning.errors import InputError
    from diiqn_lightning.report.ledger import find_runs, write_ledger

    try:
        rows = write_ledger(options.out, find_runs(options.folders))
    except OSError as error:
        raise InputError("--out", str(options.out), f"choose a place that can be written ({error.strerror})") from error
    print(f"{options.out}: {rows} runs")
    return 0
