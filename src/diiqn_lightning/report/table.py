"""A table as a CSV file and as Markdown."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def write_table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]], path: Path) -> str:
    """Write rows as CSV.

    Args:
        columns: their names, in order; underscores are spaces in Markdown.
        rows: a cell for each column.
        path: the CSV file.

    Returns:
        The same as a Markdown table.
    """
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(str(row[name]) for name in columns) + " |" for row in rows]
    return "\n".join(lines).replace("_", " ")
