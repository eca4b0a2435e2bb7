"""Everything that ``report`` writes, made aside and moved into place when it is whole."""

import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from diiqn_lightning.errors import InputError
from diiqn_lightning.report.alignment import align
from diiqn_lightning.report.comparison import summary, write_summary_table
from diiqn_lightning.report.finished_run import FinishedRun
from diiqn_lightning.report.gains import gain_rows, interquartile_means, write_gains
from diiqn_lightning.report.ledger import without_places
from diiqn_lightning.report.page import Material, notes_on, write_page
from diiqn_lightning.report.study import Study
from diiqn_lightning.report.verdicts import Verdict, verdicts


def write_report(
    whole: Sequence[FinishedRun],
    left_out: Sequence[str],
    baseline: str,
    command: str,
    out: Path,
    study: Study = Study(),  # noqa: B008 - frozen
) -> tuple[str, list[str]]:
    """Write a report's folder; files of the same names are replaced.

    Args:
        whole: finished runs, as long as they are.
        left_out: a sentence for each run that is not among them.
        baseline: label of the baseline.
        command: that makes the report.
        out: the folder; made if it is missing.
        study: that the runs belong to.

    Returns:
        What to tell the user, and the names of what was written.

    Raises:
        InputError: if runs of different length share no evaluation, or the folder is a run's.
    """
    if any((out / name).exists() for name in ("config.yaml", "sessions.json", "checkpoints")):
        raise InputError("--out", str(out), "it holds a run, whose summary.json would be lost; give another folder")
    runs, notes = align(whole)
    out.parent.mkdir(parents=True, exist_ok=True)
    near = out if out.is_dir() else out.parent  # on the same disk, and a place that can be written
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", suffix=".partial", dir=near) as name:
        aside = Path(name)
        told = [write_summary_table(runs, aside / "returns.csv")]
        written = ["returns.csv", "summary.json", "curves.png"]
        figures = summary(runs)
        means = interquartile_means(runs, baseline)
        if len(gains := gain_rows(runs, baseline)) > 1:
            told.append(write_gains(gains, aside / "gains.csv"))
            figures["normalised"] = means
            written.append("gains.csv")
        judged = verdicts(runs, whole, baseline, study.stands_for)
        figures["claims"] = [_as_json(verdict) for verdict in judged]
        (aside / "summary.json").write_text(json.dumps(figures, indent=2) + "\n")
        notes = [*notes, *notes_on(runs, baseline)]
        material = Material(runs, whole, baseline, means, judged, notes, left_out, without_places(command), study)
        written += write_page(material, aside)
        shutil.copyfile(aside / "figures" / "curves.png", aside / "curves.png")
        for path in sorted(path for path in aside.rglob("*") if path.is_file()):
            place = out / path.relative_to(aside)
            place.parent.mkdir(parents=True, exist_ok=True)
            path.replace(place)
    told += [f"note: {sentence}" for sentence in notes] + [f"left out: {sentence}" for sentence in left_out]
    return "\n\n".join(told), written


def _as_json(verdict: Verdict) -> dict[str, object]:
    measured = [None if value != value else round(value, 3) for value in verdict.measured or ()]
    return {
        "claim": verdict.claim.statement,
        "environment": verdict.environment,
        "algorithm": verdict.label,
        "measured": measured,
        "seeds": list(verdict.seeds),
        "verdict": verdict.verdict,
    }
