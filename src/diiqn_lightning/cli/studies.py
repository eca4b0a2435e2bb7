"""Which experiment the runs of a report belong to."""

from collections.abc import Sequence
from pathlib import Path

from diiqn_lightning.report.study import Study
from diiqn_lightning.sweeps.experiment_file import read_experiment

COPY = "experiment.yaml"
"""What ``experiment`` writes beside its ledger: the file that it read."""


def study_of(sources: Sequence[Path]) -> Study:
    """Of the experiment whose ledger is the one source of a report.

    Args:
        sources: run folders, ledgers or exports.

    Returns:
        An empty study for other sources.

    Raises:
        InputError: if the copy of the experiment's file cannot be read: claims would be judged without it.
    """
    copy = sources[0].parent / COPY
    if len(sources) > 1 or sources[0].suffix != ".csv" or not copy.is_file():
        return Study()
    return read_experiment(copy).study
