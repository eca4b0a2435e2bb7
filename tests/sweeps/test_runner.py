import fcntl
import os
import signal
import threading

import pytest

from diiqn_lightning.sweeps.cells import Cell, RunFacts
from diiqn_lightning.sweeps.runner import CellRunner, State


@pytest.fixture
def cell(tmp_path):
    return Cell("a", ("--no_such_option=1",), tmp_path / "run", RunFacts("key", "dqn", "breakout", 0, 1000))


def test_a_run_that_a_killed_session_left_behind_is_not_started_twice(cell):
    """Its process holds the log's lock until it ends; then its summary is there, and it counts as finished."""
    left_behind = cell.log.open("ab")
    fcntl.flock(left_behind, fcntl.LOCK_EX)
    seen = []

    def end():
        cell.run_dir.mkdir()
        cell.folder.summary.write_text('{"frames": 1000}')
        left_behind.close()

    def watch(runs):
        seen.append((runs[0].state, runs[0].elsewhere))
        if len(seen) == 3:
            threading.Thread(target=end).start()

    finished = []
    (run,) = CellRunner([cell], 1, finished.append, watch).run()
    assert seen[:3] == [(State.WAITING, True)] * 3
    assert run.state is State.FINISHED
    assert finished == [cell]
    assert run.process is None
    assert cell.log.read_bytes() == b""


def test_a_run_that_cannot_go_on_stops_no_other(cell, tmp_path):
    checkpoint = cell.folder.checkpoints / "0000001500-0000000001"
    checkpoint.mkdir(parents=True)
    (checkpoint / "manifest.json").write_text('{"frames": 1500}')
    other = Cell("b", cell.arguments, tmp_path / "other", cell.facts)
    runs = CellRunner([cell, other], 1, lambda finished: None, lambda runs: None).run()
    assert [(run.state, run.process is None) for run in runs] == [(State.FAILED, True), (State.FAILED, False)]
    assert "no checkpoint before 1,000; ask for more frames" in cell.log.read_text()
    assert checkpoint.exists()


class StopsTheSession(Cell):
    """Ctrl-C comes while this one is being started."""

    def prepare(self, alone):
        os.kill(os.getpid(), signal.SIGINT)


def test_a_session_that_is_stopped_while_it_starts_cells_starts_no_more(cell, tmp_path):
    first = StopsTheSession("a", cell.arguments, cell.run_dir, cell.facts)
    other = Cell("b", cell.arguments, tmp_path / "other", cell.facts)
    runs = CellRunner([first, other], 2, lambda finished: None, lambda runs: None).run()
    assert [run.process is None for run in runs] == [False, True]
    assert runs[0].process.wait() != 0
    assert runs[1].state is State.INTERRUPTED


def test_a_session_under_nohup_goes_on_when_the_terminal_is_closed(cell):
    """`nohup` starts it with SIGHUP ignored."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    left_behind = cell.log.open("ab")
    fcntl.flock(left_behind, fcntl.LOCK_EX)
    rounds = []

    def hang_up(runs):
        rounds.append(runs[0].shown)
        if len(rounds) == 1:
            os.kill(os.getpid(), signal.SIGHUP)
        if len(rounds) == 3:
            cell.run_dir.mkdir()
            cell.folder.summary.write_text('{"frames": 1000}')
            left_behind.close()

    try:
        runner = CellRunner([cell], 1, lambda finished: None, hang_up)
        (run,) = runner.run()
    finally:
        signal.signal(signal.SIGHUP, before)
    assert (run.state, runner.stop_signal) == (State.FINISHED, None)
