"""``report``: finished runs side by side."""

import argparse
import shlex
from pathlib import Path

from diiqn_lightning.cli.verb import verb_parser
from diiqn_lightning.errors import InputError, writing

EXAMPLES = """examples
  python -m diiqn_lightning report runs/dqn/breakout runs/diiqn/breakout --out reports/breakout
  python -m diiqn_lightning report results/ledger.csv --algorithm dqn diiqn --environment breakout --out reports/ledger
  python -m diiqn_lightning report exported.csv --out reports/wandb            # an export of W&B: docs/report.md
  python -m diiqn_lightning report runs/mine/wandb/offline-run-* --out reports/offline   # what W&B wrote offline

Open report.html: it needs no other file. docs/report.md defines each number.
"""


def parser() -> argparse.ArgumentParser:
    """The verb's options."""
    options = verb_parser(
        "report",
        "Compare finished runs on one page (report.html, and report.md with figures/): learning curves with "
        "bootstrap bands, final returns and gains, IQM, probability of improvement, performance profiles, frames "
        "to a return, confidence and inference accuracy, and the paper's claims beside what was measured. The "
        "numbers are in returns.csv, gains.csv and summary.json, the learning curves in curves.png. Runs of the "
        "same algorithm, environment, expert and settings are taken as seeds of one another; runs of other "
        "length are cut to the same frames.",
        EXAMPLES,
    )
    options.add_argument(
        "runs", type=Path, nargs="+", metavar="RUNS", help="folders with runs in them, ledgers, or exports of W&B"
    )
    options.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write to")
    options.add_argument("--algorithm", nargs="+", help="only these algorithms")
    options.add_argument("--environment", nargs="+", help="only these environments")
    options.add_argument("--expert", nargs="+", help="only runs with these experts (skills or names) or with none")
    options.add_argument("--frames", type=int, nargs="+", help="only runs of so many frames")
    options.add_argument("--key", nargs="+", help="only runs whose key in the ledger begins with one of these")
    options.add_argument("--baseline", default="dqn", help="algorithm that gains are measured against (dqn)")
    return options


def run(arguments: list[str]) -> int:
    """Run the verb."""
    options = parser().parse_args(arguments)
    from diiqn_lightning.cli.studies import study_of
    from diiqn_lightning.report.finished_run import named_without_a_shared_skill
    from diiqn_lightning.report.sources import collect
    from diiqn_lightning.report.write import write_report

    collected, study = collect(options.runs), study_of(options.runs)
    runs = [
        run
        for run in collected.runs
        if (not options.algorithm or run.algorithm in options.algorithm)
        and (not options.environment or run.environment in options.environment)
        and (not options.frames or run.frames in options.frames)
        and (not options.key or run.key.startswith(tuple(options.key)))
        and (not options.expert or not run.expert or run.expert.endswith(tuple(options.expert)))
    ]
    if not runs:
        raise InputError("runs", " ".join(map(str, options.runs)), "none is of that algorithm, environment and frames")
    runs = named_without_a_shared_skill(runs)
    command = shlex.join(["python", "-m", "diiqn_lightning", "report", *arguments])
    with writing("--out", options.out):
        told, written = write_report(runs, collected.left_out, options.baseline, command, options.out, study)
    print(told)
    print("\n" + "\n".join(str(options.out / name) for name in written))
    return 0
