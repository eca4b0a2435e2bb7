"""``experiment``: the runs that answer a question, and the report on them."""

import argparse
from pathlib import Path

from diiqn_lightning.cli.verb import positive, verb_parser
from diiqn_lightning.errors import InputError, writing

EXAMPLES = """examples
  python -m diiqn_lightning experiment configs/experiments/rivals.yaml --dry_run
  python -m diiqn_lightning experiment configs/experiments/confidence.yaml --seeds 1 --max_frames 100000 --workers 2
  python -m diiqn_lightning experiment configs/experiments/minatar.yaml --variants dqn diiqn --environments breakout
"""


def parser() -> argparse.ArgumentParser:
    """The verb's options."""
    options = verb_parser(
        "experiment",
        "Run an experiment: its variants in its environments over its seeds, and compare them. Says first what it "
        "costs. Runs of the ledgers with the same configuration and seed, evaluated after as many frames, are not run "
        "again. Called again, it goes on where it was.",
        EXAMPLES,
    )
    options.add_argument("file", type=Path, help="the experiment, for example configs/experiments/rivals.yaml")
    options.add_argument("--variants", nargs="+", metavar="NAME", help="some of the file's variants (all)")
    options.add_argument("--environments", nargs="+", metavar="NAME", help="some of the file's environments (all)")
    options.add_argument("--seeds", type=positive, metavar="N", help="how many, in place of the file's")
    options.add_argument("--max_frames", type=positive, metavar="N", help="frames of each run, in place of the file's")
    options.add_argument("--workers", type=positive, default=1, metavar="N", help="runs at a time (1)")
    options.add_argument("--runs", type=Path, metavar="DIR", help="where runs are kept (runs/experiments/NAME)")
    options.add_argument("--out", type=Path, metavar="DIR", help="where the report goes (reports/NAME)")
    options.add_argument("--ledger", type=Path, metavar="FILE", help="where its runs get a row (OUT/ledger.csv)")
    options.add_argument(
        "--reuse",
        type=Path,
        nargs="*",
        metavar="LEDGER",
        help="ledgers whose runs serve again (results/ledger.csv and results/*/ledger.csv)",
    )
    options.add_argument("--dry_run", action="store_true", help="check everything, say the cost, print the commands")
    return options


def shipped_ledgers() -> list[Path]:
    """All of ``results/``, the one of all runs first."""
    return [Path("results/ledger.csv"), *sorted(Path("results").glob("*/ledger.csv"))]


def run(arguments: list[str]) -> int:
    """Run the verb."""
    options = parser().parse_args(arguments)
    from diiqn_lightning.cli import report
    from diiqn_lightning.cli.cell_running import PlannedRun, make_cells, print_commands, run_cells
    from diiqn_lightning.cli.experiment_parts import (
        not_recorded,
        once_each,
        record_experts,
        refuse_twins,
        write_measures,
    )
    from diiqn_lightning.cli.studies import COPY
    from diiqn_lightning.sweeps.cells import Cell
    from diiqn_lightning.sweeps.cost import cost
    from diiqn_lightning.sweeps.experiment_file import read_experiment
    from diiqn_lightning.sweeps.experiment_ledger import ExperimentLedger, ReusableRuns

    whole = read_experiment(options.file)
    experiment = whole.only(options.variants, options.environments)
    folder = options.runs or Path("runs/experiments") / experiment.name
    out = options.out or Path("reports") / experiment.name
    path = options.ledger or out / "ledger.csv"
    report_arguments = [str(path), "--out", str(out), *experiment.report]
    report.parser().parse_args(report_arguments)
    for ledger in options.reuse or ():
        if not ledger.is_file():
            raise InputError("--reuse", str(ledger), "give ledgers that are there")
    ledgers = options.reuse if options.reuse is not None else shipped_ledgers()
    reusable = ReusableRuns([*ledgers, path])
    planned = list(experiment.runs(folder / "experts", options.seeds, options.max_frames))
    print(f"{experiment.question}\n{len(planned)} runs; checking their options …", flush=True)
    if not options.dry_run:
        record_experts(experiment, planned, folder / "experts")
    unknown = not_recorded(experiment, planned, folder / "experts")
    places = {run.name: run for run in planned if run not in unknown}
    cells = make_cells(
        [PlannedRun(name, run.options, folder / run.environment / run.variant) for name, run in places.items()]
    )
    refuse_twins(cells, places)
    hits = {
        cell.name: hit
        for cell in cells
        if not cell.finished() and (hit := reusable.find(cell.facts.key, cell.facts.seed, cell.facts.max_frames))
    }
    same = once_each(cell for cell in cells if cell.name not in hits)
    own = [cell for cell, *_ in same.values()]
    to_run = [cell for cell in own if not cell.finished()]
    begun = sum(cell.frames_done() > 0 for cell in to_run)
    print(f"{len(hits)} from ledgers, {len(own) - len(to_run)} finished before, {len(to_run)} to run ({begun} go on)")
    if others := len(cells) - len(hits) - len(own):
        print(f"{others} more are the same runs in another environment of the file, and are not run again")
    if to_run or not unknown:
        print("\n".join(cost(to_run, reusable.frames_per_second, options.workers)), flush=True)
    keys = {
        (places[cell.name].environment, places[cell.name].variant, str(cell.facts.seed)): cell.facts.key
        for cell in cells
    }
    ledger = ExperimentLedger(path, experiment.measures, whole.environments, whole.variants, keys)
    for cell in cells:
        run = places[cell.name]
        ledger.refuse_shorter(run.environment, run.variant, cell.facts.seed, cell.facts.max_frames)
    if options.dry_run:
        print_commands(to_run)
        if unknown:
            print(f"# and {len(unknown)} runs that learn from experts which are recorded first")
        return 0
    with writing("--out", out):
        out.mkdir(parents=True, exist_ok=True)
    with writing("--ledger", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / COPY).write_text(options.file.read_text())
        for name, hit in hits.items():
            ledger.add(places[name].environment, places[name].variant, *hit)

    def keep(cell: Cell) -> None:
        with writing("--ledger", path):
            for each in same[cell.name]:
                run = places[each.name]
                ledger.add_run(run.environment, run.variant, cell.folder, cell.facts.max_frames)

    _, code = run_cells(own, options.workers, keep, ["experiment", *arguments])
    if ledger.rows:
        report.run(report_arguments)
        if experiment.measures:
            print(f"\n{write_measures(ledger, experiment.measures, out / 'measures.csv')}\n\n{out / 'measures.csv'}")
    return code
