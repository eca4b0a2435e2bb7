"""``inspect``: what a dataset is like, in a table and a picture."""

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING

from diiqn_lightning.cli.verb import distinct, verb_parser
from diiqn_lightning.errors import InputError, writing

if TYPE_CHECKING:
    from torch import Tensor

FIGURES = (".png", ".svg", ".pdf")
EXAMPLES = """examples
  python -m diiqn_lightning inspect experts/breakout-medium.expert
  python -m diiqn_lightning inspect my_states.npz --against MinAtar/Breakout-v1 --out mine.png
  python -m diiqn_lightning inspect minari:my/dataset-v0
  python -m diiqn_lightning inspect experts/*.expert --table experts.csv
"""


def parser() -> argparse.ArgumentParser:
    """The verb's options."""
    options = verb_parser(
        "inspect",
        "Look at an expert dataset before learning from it: episodes, returns, duplicates, neighbours, "
        "suggested τ and err_max, and what to mend.",
        EXAMPLES,
    )
    options.add_argument("datasets", nargs="+", metavar="DATASET", help=".expert, .npz, a folder, or minari:ID")
    options.add_argument("--table", type=Path, help="CSV file: one row for each dataset, and no figures")
    options.add_argument("--against", metavar="ENV", help="Gymnasium id: let a random agent try how well it fits")
    options.add_argument("--frames", type=int, default=5_000, help="frames of the random agent (5000)")
    options.add_argument(
        "--distance", choices=("hamming", "l2", "cosine", "jaccard"), help="by default by the data's type"
    )
    options.add_argument(
        "--out", type=Path, help="PNG, SVG or PDF file of a single dataset; by default inspect-NAME.png here"
    )
    return options


def run(arguments: list[str]) -> int:
    """Run the verb."""
    options = parser().parse_args(arguments)

    if options.frames < 1:
        raise InputError("--frames", options.frames, "give a whole number of at least 1")
    if options.out and len(options.datasets) > 1:
        raise InputError("--out", str(options.out), "leave it out, or give a single dataset")
    if options.out and options.out.suffix.lower() not in FIGURES:
        raise InputError("--out", str(options.out), f"let it end in {', '.join(FIGURES)}")
    if options.table:
        from diiqn_lightning.report.expert_table import write_expert_table

        print(write_expert_table(options.datasets, options.table))
        return 0
    names = distinct(Path(source).stem.replace(":", "-") for source in options.datasets)
    for source, name in zip(options.datasets, names, strict=True):
        _inspect(source, name, options)
    return 0


def _inspect(source: str, name: str, options: argparse.Namespace) -> None:
    from diiqn_lightning.experts.sources import load_any
    from diiqn_lightning.report.inspection import as_table, cover_environment, inspect_dataset
    from diiqn_lightning.report.inspection_figure import draw_inspection

    dataset = load_any(source)
    inspection = inspect_dataset(dataset, options.distance)
    _refuse_overflow(source, dataset.states.states, inspection.nearest)
    if options.against:
        cover_environment(inspection, dataset, options.against, options.frames)
    print(as_table(name, dataset, inspection))
    path = options.out or Path(f"inspect-{name}.png")
    with writing("--out", path):
        draw_inspection(name, dataset, inspection, path)
    print(f"  figure: {path}")


def _refuse_overflow(source: str, states: "Tensor", nearest: "Tensor") -> None:
    """Refuse finite states whose distances are infinite: nothing could be drawn or suggested."""
    from diiqn_lightning.experts.neighbours import largest_distance

    if not (math.isfinite(largest_distance(states.flatten(1), "l2")) and bool(nearest.isfinite().all())):
        value = f"numbers up to {float(states.abs().max()):.3g}"
        raise InputError(f"observations of {source}", value, "scale them, the distances between them overflow")
