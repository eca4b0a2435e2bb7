"""Runs of different length: cut to the same number of frames before they are compared."""

import dataclasses
from collections.abc import Sequence

from diiqn_lightning.errors import InputError
from diiqn_lightning.report.finished_run import FinishedRun

OF_THE_WHOLE_RUN = ("seconds", "train_return")
"""Numbers of a run that say nothing of a part of it."""

TOLERANCE = 0.01
"""Evaluations whose frames differ by no more than this share count as evaluations at the same frames."""


def align(runs: Sequence[FinishedRun]) -> tuple[list[FinishedRun], list[str]]:
    """Cut the runs of each environment to the most frames at which all of them have been evaluated.

    A run that is cut has the evaluation at that frame as its return: what it did later does not count. Where all runs
    of an environment are equally long nothing changes.

    Args:
        runs: finished runs.

    Returns:
        The runs, in the same order, and a sentence for each environment in which runs were cut.

    Raises:
        InputError: if there is no such frame in an environment.
    """
    ends: dict[str, int] = {}
    notes = []
    for environment in dict.fromkeys(run.environment for run in runs):
        here = [run for run in runs if run.environment == environment]
        shortest, longest = min(run.frames for run in here), max(run.frames for run in here)
        if _same(shortest, longest):
            continue
        ends[environment] = end = _shared_end(environment, here)
        notes.append(
            f"{environment}: runs have {shortest:,} to {longest:,} frames, and all are compared at {end:,}; "
            f"--frames {longest} compares the longest ones alone."
        )
    return [_cut(run, ends[run.environment]) if run.environment in ends else run for run in runs], notes


def _shared_end(environment: str, runs: Sequence[FinishedRun]) -> int:
    shortest = min(runs, key=lambda run: run.frames)
    for end in sorted(shortest.curve[0], reverse=True):
        if all(any(_same(at, end) for at in run.curve[0]) for run in runs):
            return end
    raise InputError(
        "runs",
        " ".join(sorted({f"{run.label}: {run.frames}" for run in runs})),
        f"in {environment} they share no evaluation at the same frames; select runs of equal length with --frames",
    )


def _cut(run: FinishedRun, end: int) -> FinishedRun:
    last = max(at for at in run.curve[0] if at <= end * (1 + TOLERANCE))
    curve = [(at, value) for at, value in zip(*run.curve, strict=True) if at <= last]
    kept = {name: value for name, value in run.numbers.items() if name not in OF_THE_WHOLE_RUN}
    numbers = kept | {"eval_return": curve[-1][1]}
    points = ([at for at, _ in curve], [value for _, value in curve])
    return dataclasses.replace(run, frames=last, numbers=numbers, curve=points)


def _same(one: int, other: int) -> bool:
    return abs(one - other) <= TOLERANCE * max(one, other)
