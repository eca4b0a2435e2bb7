import io

import pytest
from rich.console import Console

from diiqn_lightning.sweeps.cells import Cell, RunFacts
from diiqn_lightning.sweeps.live_table import LiveTable, progress, seconds_left
from diiqn_lightning.sweeps.runner import CellRun, State


@pytest.fixture
def runs(tmp_path):
    """A running cell that has logged, and two others."""
    cells = [Cell(name, (), tmp_path / name, RunFacts("k", "dqn", "breakout", 0, 10_000)) for name in "abc"]
    cells[0].run_dir.mkdir()
    cells[0].folder.metrics.write_text("frames,eval/return,train/frames_per_second\n2000,,90\n4000,7.25,\n5000,,50\n")
    return [CellRun(cell, state) for cell, state in zip(cells, State, strict=False)]


def test_progress_is_read_from_the_runs_metrics(runs):
    runs[0].state = State.RUNNING
    # 5,000 frames are left, at 50 a second 100 seconds.
    assert progress(runs[0].cell, running=True) == ("5,000 / 10,000", "50", "2 min", "7.25")
    assert progress(runs[1].cell, running=False) == ("0 / 10,000", "", "", "")


def test_the_time_left_is_that_of_all_cells_at_the_speed_of_those_that_run(runs):
    for run, state in zip(runs, (State.RUNNING, State.WAITING, State.FINISHED), strict=True):
        run.state = state
    assert seconds_left(runs) == (5_000 + 10_000) / 50
    assert seconds_left(runs[1:]) is None


def test_a_terminal_gets_a_table_with_what_runs_first(runs):
    runs[0].state, runs[1].state = State.RUNNING, State.FAILED
    screen = io.StringIO()
    with LiveTable(Console(file=screen, force_terminal=True, width=100, height=30)) as table:
        table(runs)
    shown = screen.getvalue()
    assert "about 2 min left" in shown
    assert shown.index("5,000 / 10,000") < shown.index("failed") < shown.rindex("1 running, 1 finished, 1 failed")


def test_a_log_gets_a_line_for_each_change(runs):
    log = io.StringIO()
    with LiveTable(Console(file=log, force_terminal=False)) as table:
        table(runs)
        table(runs)
        runs[0].state = State.FINISHED
        table(runs)
    assert [line.split()[:2] for line in log.getvalue().splitlines()] == [
        ["running", "b"], ["finished", "c"], ["finished", "a"],
    ]  # fmt: skip
