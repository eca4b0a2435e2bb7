"""``sweep``: W&B's sweep files without W&B's server."""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from diiqn_lightning.cli.verb import distinct, positive, verb_parser
from diiqn_lightning.errors import writing

EXAMPLES = """examples
  python -m diiqn_lightning sweep configs/sweeps/beta.yaml --workers 2
  python -m diiqn_lightning sweep configs/sweeps/c_max.yaml --seeds 3 --max_frames 100000 --dry_run

With an account of W&B the same file goes to its server, and agents on any machines take runs from it:
  wandb sweep configs/sweeps/beta.yaml
  wandb agent ENTITY/PROJECT/SWEEP_ID
"""


def parser() -> argparse.ArgumentParser:
    """The verb's options."""
    options = verb_parser(
        "sweep",
        "Run a W&B sweep file on this machine, without a server: grid and random. All options of all cells are "
        "checked before the first starts. Each cell is a process of its own with one thread. Called again, it goes on: "
        "finished cells are left alone, interrupted ones resume. Ctrl-C has the running cells write checkpoints.",
        EXAMPLES,
    )
    options.add_argument("file", type=Path, help="the sweep, a YAML file as `wandb sweep` takes it")
    options.add_argument("--workers", type=positive, default=1, metavar="N", help="runs at a time (1)")
    options.add_argument("--runs", type=Path, metavar="DIR", help="where they are kept (runs/sweeps/NAME)")
    options.add_argument("--ledger", type=Path, metavar="FILE", help="where finished runs get a row (RUNS/ledger.csv)")
    options.add_argument("--seeds", type=positive, metavar="N", help="run each cell with the seeds 0 to N - 1")
    options.add_argument("--max_frames", type=positive, metavar="N", help="frames of each run")
    options.add_argument("--run_cap", type=positive, metavar="N", help="most cells, in place of the file's run_cap")
    options.add_argument("--draw_seed", type=int, default=0, metavar="N", help="seed of a random sweep's draws (0)")
    options.add_argument("--dry_run", action="store_true", help="check the options and print the commands")
    return options


def run(arguments: list[str]) -> int:
    """Run the verb."""
    options = parser().parse_args(arguments)
    from diiqn_lightning.cli.cell_running import PlannedRun, make_cells, print_commands, run_cells
    from diiqn_lightning.report.ledger import read_ledger, write_ledger
    from diiqn_lightning.report.table import write_table
    from diiqn_lightning.sweeps.cells import Cell
    from diiqn_lightning.sweeps.sweep_file import read_sweep

    sweep = read_sweep(options.file, options.run_cap)
    folder = options.runs or Path("runs/sweeps") / options.file.stem
    ledger = options.ledger or folder / "ledger.csv"
    more = [f"--max_frames={options.max_frames}"] if options.max_frames else []
    if ledger.exists():
        with writing("--ledger", ledger):
            read_ledger(ledger)  # what is none is refused now, and not when the first run has finished
    # Once each: settings that differed by the sweep's own seeds are alike with other ones in their place.
    settings = {sweep.command(each): each for each in _with_seeds(sweep.settings(options.draw_seed), options.seeds)}
    values = dict(zip(distinct(map(cell_name, settings.values())), settings.values(), strict=True))
    plans: list[PlannedRun] = []
    for name, (command, setting) in zip(values, settings.items(), strict=True):
        place = cell_name({option: value for option, value in setting.items() if option != "seed_everything"})
        plans.append(PlannedRun(name, (*command, *more), folder / place))
    print(f"checking the options of {len(plans)} runs …", flush=True)
    if sweep.early_terminate:
        print(f"note: early_terminate in {options.file} is left to W&B's server; here every cell runs to its end")
    cells = make_cells(plans)
    if options.dry_run:
        print_commands(cells)
        return 0
    with writing("--ledger", ledger):
        ledger.parent.mkdir(parents=True, exist_ok=True)

    def keep(cell: Cell) -> None:
        with writing("--ledger", ledger):
            write_ledger(ledger, [cell.folder])

    again = ["sweep", *arguments]
    runs, code = run_cells(cells, options.workers, keep, again)
    finished = [(run.cell.name, run.cell.folder.read_summary()) for run in runs if run.state == "finished"]
    if finished:
        columns = [*dict.fromkeys(name for whole in values.values() for name in whole), "frames", "eval/return"]
        rows = [
            {**dict.fromkeys(columns, ""), **values[name], "frames": facts["frames"], "eval/return": _return(facts)}
            for name, facts in finished
        ]
        rows.sort(key=lambda row: (row["eval/return"] == "", -float(row["eval/return"] or 0)))
        print(f"\n{write_table(columns, rows, folder / 'cells.csv')}\n\n{folder / 'cells.csv'}\n{ledger}")
    return code


def _with_seeds(settings: list[dict[str, Any]], seeds: int | None) -> Iterator[dict[str, Any]]:
    """The settings as they are, or each with so many seeds in place of the sweep's own."""
    for setting in settings:
        if seeds is None:
            yield setting
        else:
            yield from ({**setting, "seed_everything": seed} for seed in range(seeds))


def _return(summary: dict[str, Any]) -> float | str:
    """Nothing of a run that was never evaluated."""
    mean = summary["eval"]["epsilon"]["mean"]
    return "" if mean is None else round(float(mean), 3)


def cell_name(setting: dict[str, Any]) -> str:
    """A cell's name and its folder's: the values of its options, by the last part of their names where that tells."""
    lasts = [name.rsplit(".", 1)[-1] for name in setting]
    parts = []
    for name, value in setting.items():
        last = name.rsplit(".", 1)[-1]
        short = "seed" if name == "seed_everything" else last if lasts.count(last) == 1 else name
        parts.append(f"{short}={value}")
    return re.sub(r"[^\w.=,+-]+", "-", ",".join(parts)) or "all"
