"""The paper's claims beside what was measured: a verdict for each, by one rule."""

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from diiqn_lightning.report.claims import CLAIMS, EQUAL_WITHIN, OURS, Claim
from diiqn_lightning.report.comparison import grouped
from diiqn_lightning.report.finished_run import FinishedRun
from diiqn_lightning.report.speed_up import level_near_best, speed_up
from diiqn_lightning.report.statistics import Interval, difference_of_means, ratio_above

LEAST_SEEDS = 3
"""Seeds that each side needs for a verdict: a design choice."""

EXCEEDED, REPRODUCED, NOT_REPRODUCED, NOT_MEASURED = "exceeded", "reproduced", "not reproduced", "not measured"

RULE = f"""A claim of a to b percent is *exceeded* where the whole 95 % interval is above b, *reproduced* where the
estimate is at least a and the interval is above 0, and otherwise *not reproduced*. A claim of being about equal is
exceeded where the whole interval is above {EQUAL_WITHIN:g} %, and reproduced where the estimate is at least
−{EQUAL_WITHIN:g} %. A claim of ending above something is reproduced where the interval of the difference is above 0.
The largest gain is judged when all its games are measured, or when one is large enough. *Not measured* is what has
fewer than {LEAST_SEEDS} seeds on a side, no run at all, or nothing to be measured by, and a lower bound ("at least",
where the reference never gets there) below what is claimed: it decides nothing."""


class Verdict(NamedTuple):
    """A row of the table.

    Args:
        claim: the paper's.
        environment, label: where and by what it was measured, or where it was not, and then no label.
        measured: in percent or in return.
        at_least: the measured number is a lower bound.
        seeds: of ours and of the reference (0: a single number, the expert's).
        verdict: one of the four.
    """

    claim: Claim
    environment: str
    label: str
    measured: Interval | None
    at_least: bool
    seeds: tuple[int, int]
    verdict: str


def verdicts(
    runs: Sequence[FinishedRun],
    whole: Sequence[FinishedRun],
    baseline: str = "dqn",
    stands_for: Mapping[str, str] | None = None,
) -> list[Verdict]:
    """Verdicts on all claims, at least one row for each, and one for the environments that it was not measured in.

    Args:
        runs: finished runs of equal length in each environment.
        whole: the same, not cut: frames to a return are counted on these.
        baseline: label that stands for DQN, if it is none of the paper's own algorithms.
        stands_for: algorithms of this software by the names that runs have in an experiment.
    """
    stands_for = stands_for or {}
    rows: list[Verdict] = []
    for claim in CLAIMS:
        own = [row for row in _measurements(claim, runs, whole, baseline, stands_for) if row is not None]
        if claim.kind == "largest_gain" and own:
            own = [_largest(claim, own)]
        rows += own
        absent = [name for name in claim.environments if not any(_is_of(row.environment, name) for row in own)]
        if not own or (absent and claim.kind != "largest_gain"):
            rows.append(Verdict(claim, ", ".join(absent), "", None, False, (0, 0), NOT_MEASURED))
    return rows


def judge(claim: Claim, measured: Interval) -> str:
    """The verdict on a measured number with its interval, by ``RULE``."""
    if claim.kind == "equal":
        if measured.low > EQUAL_WITHIN:
            return EXCEEDED
        return REPRODUCED if measured.estimate >= -EQUAL_WITHIN else NOT_REPRODUCED
    if claim.kind != "higher" and measured.low > claim.high:
        return EXCEEDED
    return REPRODUCED if measured.estimate >= claim.low and measured.low > 0 else NOT_REPRODUCED


def _measurements(
    claim: Claim,
    runs: Sequence[FinishedRun],
    whole: Sequence[FinishedRun],
    baseline: str,
    stands_for: Mapping[str, str],
) -> list[Verdict | None]:
    groups, uncut = grouped(runs), grouped(whole)
    rows: list[Verdict | None] = []
    for (environment, label), group in groups.items():
        if not _is_ours(group[0], claim.algorithm, stands_for):
            continue
        if claim.environments and not any(_is_of(environment, name) for name in claim.environments):
            continue
        if claim.reference == "expert":
            known = [run.numbers["expert_return"] for run in group if "expert_return" in run.numbers]
            rows.append(_higher(claim, environment, label, group, [statistics.fmean(known)]) if known else None)
            continue
        here = {name: others for (place, name), others in groups.items() if place == environment}
        for name, others in here.items():
            if _is_reference(claim, name, others, group, baseline, stands_for):
                if claim.kind == "faster":
                    level = level_near_best(list(here.values()))
                    both = uncut[environment, label], uncut[environment, name]
                    rows.append(_faster(claim, environment, label, *both, level) if level is not None else None)
                else:
                    rows.append(_against(claim, environment, label, group, others))
    return rows


def _is_of(environment: str, name: str) -> bool:
    """Whether an environment is the named one; experiments add to its name what they vary, as in maze2d_strong."""
    return environment == name or environment.startswith(f"{name}_")


def _is_ours(run: FinishedRun, algorithm: str, stands_for: Mapping[str, str]) -> bool:
    """Whether a run is of what stands for one of the paper's algorithms."""
    return stands_for.get(run.algorithm, run.algorithm) in OURS[algorithm]


def _is_reference(
    claim: Claim,
    name: str,
    others: Sequence[FinishedRun],
    group: Sequence[FinishedRun],
    baseline: str,
    stands_for: Mapping[str, str],
) -> bool:
    """Whether a group is what the claim compares with: the baseline, or an algorithm that has the same expert."""
    if claim.reference == "dqn":
        return name == baseline and not any(_is_ours(others[0], algorithm, stands_for) for algorithm in OURS)
    return others[0].algorithm == claim.reference and others[0].expert == group[0].expert


def _against(
    claim: Claim,
    environment: str,
    label: str,
    group: Sequence[FinishedRun],
    others: Sequence[FinishedRun],
) -> Verdict | None:
    own, reference = ([run.numbers["eval_return"] for run in some] for some in (group, others))
    seeds = (len(group), len(others))
    if claim.kind == "higher":
        return _row(claim, environment, label, difference_of_means(own, reference), seeds)
    # Percent of a return that is not positive mean nothing.
    return _row(claim, environment, label, ratio_above(own, reference), seeds) if min(reference) > 0 else None


def _faster(
    claim: Claim,
    environment: str,
    label: str,
    group: Sequence[FinishedRun],
    others: Sequence[FinishedRun],
    level: float,
) -> Verdict:
    found = speed_up(group, others, level)
    return _row(claim, environment, label, found.percent, (len(group), len(others)), found.at_least)


def _higher(claim: Claim, environment: str, label: str, group: Sequence[FinishedRun], level: list[float]) -> Verdict:
    own = [run.numbers["eval_return"] for run in group]
    return _row(claim, environment, label, difference_of_means(own, level), (len(group), 0))


def _row(
    claim: Claim, environment: str, label: str, measured: Interval, seeds: tuple[int, int], at_least: bool = False
) -> Verdict:
    few = min(count for count in seeds if count) < LEAST_SEEDS
    # A run that never gets to the level was measured, and learns no faster.
    verdict = NOT_MEASURED if few else NOT_REPRODUCED if math.isnan(measured.estimate) else judge(claim, measured)
    if at_least and verdict == NOT_REPRODUCED and not math.isnan(measured.estimate):
        verdict = NOT_MEASURED
    return Verdict(claim, environment, label, measured, at_least, seeds, verdict)


def _largest(claim: Claim, rows: Sequence[Verdict]) -> Verdict:
    """The largest gain; short of the claim it is no verdict while an environment has none."""
    judged = [row for row in rows if row.verdict != NOT_MEASURED]
    largest = max(judged or rows, key=lambda row: row.measured.estimate if row.measured else -math.inf)
    complete = {row.environment for row in judged} == set(claim.environments)
    if largest.verdict == NOT_REPRODUCED and not complete:
        return largest._replace(verdict=NOT_MEASURED)
    return largest
