"""``report``: finished runs side by side."""

import argparse
import json
from pathlib import Path

from diiqn_lightning.cli.verb import verb_parser
from diiqn_lightning.errors import InputError, writing

EXAMPLES = """examples
  python -m diiqn_lightning report runs/dqn/breakout runs/diiqn/breakout --out reports/breakout
  python -m diiqn_lightning report results/ledger.csv --algorithm dqn diiqn --environment breakout --out reports/ledger
"""


def parser() -> argparse.ArgumentParser:
    """The verb's options."""
    options = verb_parser(
        "report",
        "Compare finished runs: learning curves (curves.png) and final evaluations at ε = 0.01 over "
        "seeds (returns.csv, summary.json); and what is gained over a baseline in return, in normalised scores with "
        "bootstrap intervals, and in frames (gains.csv). Runs of the same algorithm, environment and expert are "
        "taken as seeds of one another.",
        EXAMPLES,
    )
    options.add_argument("runs", type=Path, nargs="+", metavar="RUNS", help="folders with runs in them, or a ledger")
    options.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write to")
    options.add_argument("--algorithm", nargs="+", help="only these algorithms")
    options.add_argument("--environment", nargs="+", help="only these environments")
    options.add_argument("--expert", nargs="+", help="only runs with these experts (skills or names) or with none")
    options.add_argument("--frames", type=int, nargs="+", help="only runs of so many frames")
    options.add_argument("--baseline", default="dqn", help="algorithm that gains are measured against (dqn)")
    return options


def run(arguments: list[str]) -> int:
    """Run the verb."""
    options = parser().parse_args(arguments)
    from diiqn_lightning.report.comparison import collect, summary, write_summary_table
    from diiqn_lightning.report.comparison_figure import draw_comparison
    from diiqn_lightning.report.gains import gain_rows, interquartile_means, write_gains

    runs = [
        run
        for run in collect(options.runs)
        if (not options.algorithm or run.algorithm in options.algorithm)
        and (not options.environment or run.environment in options.environment)
        and (not options.frames or run.frames in options.frames)
        and (not options.expert or not run.expert or run.expert.endswith(tuple(options.expert)))
    ]
    if not runs:
        raise InputError("runs", " ".join(map(str, options.runs)), "none is of that algorithm, environment and frames")
    with writing("--out", options.out):
        options.out.mkdir(parents=True, exist_ok=True)
        written = ["returns.csv", "summary.json", "curves.png"]
        print(write_summary_table(runs, options.out / "returns.csv"))
        figures = summary(runs)
        if len(gains := gain_rows(runs, options.baseline)) > 1:
            print("\n" + write_gains(gains, options.out / "gains.csv"))
            figures["normalised"] = interquartile_means(runs, options.baseline)
            written.append("gains.csv")
        (options.out / "summary.json").write_text(json.dumps(figures, indent=2) + "\n")
        draw_comparison(runs, options.out / "curves.png")
    print("\n" + "\n".join(str(options.out / name) for name in written))
    return 0
