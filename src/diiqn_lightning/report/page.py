"""A whole report: the document, and its HTML, Markdown and figures."""

import platform
from collections.abc import Collection, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from diiqn_lightning.report.aggregate import FEW_SEEDS, shown
from diiqn_lightning.report.claims import SOURCE
from diiqn_lightning.report.comparison import grouped
from diiqn_lightning.report.definitions import DEFINITIONS
from diiqn_lightning.report.document import Block, Code, Document, Items, Section, Table, Text
from diiqn_lightning.report.finished_run import FinishedRun
from diiqn_lightning.report.html_page import html_page
from diiqn_lightning.report.markdown_page import FIGURES, markdown_page
from diiqn_lightning.report.page_results import (
    curves_section,
    frames_section,
    games_section,
    guidance_section,
    returns_section,
)
from diiqn_lightning.report.study import Study
from diiqn_lightning.report.verdicts import RULE, Verdict

WRITERS = ("diiqn-lightning", "numpy", "scipy", "matplotlib")


class Material(NamedTuple):
    """What a report is made of.

    Args:
        runs: of equal length in each environment.
        whole: the same, not cut.
        baseline: label of the baseline.
        means: of :func:`diiqn_lightning.report.gains.interquartile_means`.
        verdicts: on the paper's claims.
        notes, left_out: sentences on what was cut and on what is not in the report.
        command: that made it.
        study: that the runs belong to.
    """

    runs: Sequence[FinishedRun]
    whole: Sequence[FinishedRun]
    baseline: str
    means: dict[str, dict[str, Any]]
    verdicts: Sequence[Verdict]
    notes: Sequence[str]
    left_out: Sequence[str]
    command: str
    study: Study


def write_page(material: Material, out: Path) -> list[str]:
    """Write ``report.html``, ``report.md`` and ``figures/``.

    Args:
        material: of the report.
        out: folder that is there.

    Returns:
        Names of what was written, folders last.
    """
    figures = out / FIGURES
    figures.mkdir(exist_ok=True)
    document = build(material, figures)
    (out / "report.html").write_text(html_page(document), encoding="utf-8")
    (out / "report.md").write_text(markdown_page(document), encoding="utf-8")
    return ["report.html", "report.md", f"{FIGURES}/"]


def build(material: Material, figures: Path) -> Document:
    """The document; its figures are drawn.

    Args:
        material: of the report.
        figures: folder for them.
    """
    runs, baseline = material.runs, material.baseline
    environments = ", ".join(sorted({run.environment for run in runs}))
    return Document(
        f"Runs on {environments}",
        [
            _compared(material),
            curves_section(material.whole, baseline, figures),
            returns_section(runs, baseline),
            games_section(runs, baseline, material.means, figures),
            frames_section(runs, material.whole, baseline),
            guidance_section(material.whole, baseline, figures),
            _claims(material.verdicts),
            Section("How each number is computed", [Items(DEFINITIONS)]),
            _commands(material),
        ],
    )


def notes_on(runs: Sequence[FinishedRun], baseline: str) -> list[str]:
    """Sentences on what a reader should know of the runs before reading any number.

    Args:
        runs: finished runs.
        baseline: label of the baseline.
    """
    groups = grouped(runs)
    notes = []
    for environment in sorted({run.environment for run in runs}):
        variants = [label for place, label in groups if place == environment and label.startswith(f"{baseline} [")]
        if variants:
            notes.append(
                f"{environment}: {' and '.join(variants)} have other settings, so that none is the baseline; "
                f"--key takes the runs whose key begins with what is in brackets."
            )
        elif (environment, baseline) not in groups:
            notes.append(
                f"{environment}: there is no run of {baseline}, so nothing is measured against it "
                "(--baseline names another)."
            )
        if not any("random_return" in run.numbers for run in runs if run.environment == environment):
            notes.append(f"{environment}: a random agent's return is not known, so that no score is normalised.")
    lengths = {
        environment: _range([run.frames for run in runs if run.environment == environment])
        for environment in sorted({run.environment for run in runs})
    }
    if len(set(lengths.values())) > 1:
        each = ", ".join(f"{environment} {frames}" for environment, frames in lengths.items())
        notes.append(f"Environments have runs of different length ({each} frames); figures over all games mix them.")
    single = [name for name, group in groups.items() if len(group) == 1]
    few = [name for name, group in groups.items() if 1 < len(group) < FEW_SEEDS]
    if single:
        notes.append(f"A single seed, and so no interval: {_places(single, groups)}.")
    if few:
        notes.append(f"Fewer than {FEW_SEEDS} seeds, whose intervals are too narrow: {_places(few, groups)}.")
    return notes


def _places(some: Sequence[tuple[str, str]], groups: Collection[tuple[str, str]]) -> str:
    """Environments and labels, in fewer words where they are all of them."""
    return "all" if len(some) == len(groups) else ", ".join(f"{label} on {environment}" for environment, label in some)


def _compared(material: Material) -> Section:
    rows = [
        [
            environment,
            label,
            " ".join(str(run.seed) for run in group),
            _range([run.frames for run in group]),
            group[0].expert,
        ]
        for (environment, label), group in grouped(material.whole).items()
    ]
    blocks: list[Block] = []
    if material.study.question:
        blocks.append(Text(material.study.question))
    if material.study.claim:
        blocks.append(Text(f"The claim: {material.study.claim}"))
    blocks.append(Table("Finished runs.", ("environment", "algorithm", "seeds", "frames", "expert"), rows))
    if material.notes:
        blocks += [Text("*To be known before reading on:*"), Items(material.notes)]
    if material.left_out:
        blocks += [Text("*Left out:*"), Items(material.left_out)]
    return Section("What is compared", blocks)


def _claims(verdicts: Sequence[Verdict]) -> Section:
    units = {"higher": "in return", "faster": "% fewer frames"}
    rows, untouched = [], []
    for each in verdicts:
        if not each.label:
            untouched.append(each.claim.statement + (f" ({each.environment})" if each.environment else ""))
            continue
        measured = ""
        if each.measured is not None:
            least = min(count for count in each.seeds if count)
            unit = units.get(each.claim.kind, "%")
            measured = f"{'at least ' if each.at_least else ''}{shown(each.measured, 1, least)} {unit}"
        rows.append([each.claim.statement, each.claim.known_from, each.environment, each.label, measured, each.verdict])
    columns = ("claim of the paper", "known from", "environment", "ours", "measured", "verdict")
    source = (
        f"Claims of {SOURCE}. The paper's full text was not at hand: its numbers for single games are not known here."
    )
    blocks: list[Block] = [Table(source, columns, rows), Text(RULE.replace("\n", " "))] if rows else [Text(source)]
    if untouched:
        blocks.append(Text(f"Not measured by these runs: {'; '.join(untouched)}."))
    return Section("The paper's claims beside ours", blocks)


def _commands(material: Material) -> Section:
    made = f"{material.command}\n# " + ", ".join(f"{name} {version(name)}" for name in WRITERS)
    blocks: list[Block] = [Text("This report:"), Code(f"{made}, Python {platform.python_version()}")]
    commands = sorted({run.command for run in material.whole if run.command})
    if commands:
        blocks += [Text("The runs:"), Code("\n".join(commands))]
    revisions = sorted({run.git_revision for run in material.whole if run.git_revision})
    if revisions:
        blocks.append(Text(f"Revisions of the source: {', '.join(f'`{each}`' for each in revisions)}."))
    versions = sorted({f"{name} {number}" for run in material.whole for name, number in run.versions.items()})
    known = ", ".join(versions) if versions else "not known: exports and older ledgers do not have them"
    silent = sum(not run.versions for run in material.whole)
    some = f"; {silent} of {len(material.whole)} do not say" if versions and silent else ""
    blocks.append(Text(f"Versions that the runs were made with: {known}{some}."))
    return Section("Commands and versions", blocks)


def _range(frames: Sequence[int]) -> str:
    low, high = min(frames), max(frames)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
