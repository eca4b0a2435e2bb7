"""One report of the runs that the repository holds, for all tests that look at a report."""

from pathlib import Path

import pytest

from diiqn_lightning.report.sources import collect
from diiqn_lightning.report.write import write_report

LEDGER = Path(__file__).parents[2] / "results" / "ledger.csv"


@pytest.fixture(scope="package")
def report(tmp_path_factory):
    """The folder of a report on Breakout: DQN, DIIQN and the published DQN, three seeds or more of each."""
    out = tmp_path_factory.mktemp("report") / "out"
    runs = [run for run in collect([LEDGER]).runs if run.key[:4] in ("8651", "670e", "2241")]
    write_report([run for run in runs if run.environment == "breakout"], ["one: it is <left> out."], "dqn", "cmd", out)
    return out
