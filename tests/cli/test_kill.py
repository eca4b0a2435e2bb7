"""Runs that are killed with SIGKILL, once at a random moment and once in the middle of writing a checkpoint."""

import pytest

from benchmarks import kill_and_resume
from tests import processes

pytestmark = pytest.mark.own_processes


@pytest.mark.parametrize(("case", "ranks"), [*((case, 1) for case in kill_and_resume.CASES), ("diiqn", 2)])
def test_a_killed_and_resumed_run_ends_like_one_that_was_left_alone(case, ranks, tmp_path, monkeypatch):
    if ranks == 1:
        monkeypatch.setattr(kill_and_resume, "start", processes.start)
    kills, differences = kill_and_resume.trial(case, ranks, kills=2, frames=2400, folder=tmp_path, seed=ranks)
    assert len(kills) == 2
    assert differences == []
