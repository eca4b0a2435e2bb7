"""The Markdown page of ``benchmarks.gpu``."""


def markdown(result):
    """Tables of checks, updates and whole runs."""
    updates = [
        [row["config"], row["batch"], row["variant"], f"{row['median']:.3g}", row["microseconds_per_transition"],
         f"{row.get('over_eager', 1):.2f}"]
        for row in result["updates"]
    ]  # fmt: skip
    updates += [[*entry["name"], f"not measured: {entry['reason']}", "", ""] for entry in result["not_measured"]]
    parts = [
        f"# {result['device']}",
        "## The same as on the CPU",
        _table(
            ["algorithm", "how", "quantity", "difference", "at most", "holds"],
            [
                [row["config"], row["variant"], row["quantity"], _number(row, "difference"), _number(row, "tolerance"),
                 {True: "yes", False: "**no**", None: ""}[row.get("holds")]]
                for row in result["checks"]
            ],
        ),
        "## One update",
        _table(["algorithm", "batch", "how", "ms", "µs a transition", "over eager"], updates),
        "## Whole runs",
        _table(
            ["algorithm", "accelerator", "frames/s", "over the CPU's"],
            [
                [row["config"], row["accelerator"], f"{row['median']:,.0f}", f"{row.get('over_cpu', 1):.2f}"]
                for row in result["whole_runs"]
            ],
        )
        if result["whole_runs"]
        else "Not measured.",
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def _number(row, name):
    return f"{row[name]:.2g}" if name in row else ""


def _table(header, lines):
    rows = [header, ["---"] * len(header), *lines]
    return "\n".join("| " + " | ".join(str(entry) for entry in row) + " |" for row in rows)
