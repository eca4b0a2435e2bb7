"""Runs that are killed with SIGKILL, once at a random moment and once while a checkpoint is written; and stopped."""

import os
import signal

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


def test_a_run_that_a_scheduler_stops_ends_like_one_that_was_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(kill_and_resume, "start", processes.start)
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    kill_and_resume.finish(kill_and_resume.command("diiqn", 1, whole, 2400), whole)
    arguments = kill_and_resume.command("diiqn", 1, stopped, 2400)
    process = kill_and_resume.start(arguments, resume=False)
    kill_and_resume.wait_until((stopped / "checkpoints" / "last").exists, process, 120)
    os.kill(process.pid, signal.SIGTERM)
    _, complaint = process.communicate()
    assert process.returncode == 0, complaint
    assert not (stopped / "summary.json").exists()
    kill_and_resume.finish(arguments, stopped)
    assert kill_and_resume.differences(whole, stopped) == []
