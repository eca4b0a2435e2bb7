import json

import pytest

from diiqn_lightning.errors import InputError
from diiqn_lightning.sweeps.cells import Cell, RunFacts
from diiqn_lightning.sweeps.cost import cost


@pytest.fixture
def cell(tmp_path):
    return Cell("a", ("--x=1",), tmp_path / "run", RunFacts("key", "dqn", "breakout", 0, 1000))


def checkpoint(cell, frames):
    folder = cell.folder.checkpoints / f"{frames:010d}-0000000001"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps({"frames": frames}))
    cell.folder.last_checkpoint.unlink(missing_ok=True)
    cell.folder.last_checkpoint.symlink_to(folder.name)
    return folder


def test_goes_on_from_the_last_checkpoint(cell):
    assert cell.command == ["fit", "--x=1", f"--run_dir={cell.run_dir}"]
    checkpoint(cell, 500)
    assert cell.command[-1] == "--ckpt_path=last"
    assert cell.frames_done() == 500
    assert not cell.finished()


def test_a_run_killed_between_its_last_checkpoint_and_its_summary_goes_on_from_the_one_before(cell):
    before = checkpoint(cell, 500)
    checkpoint(cell, 1000)
    assert cell.command[-1] == f"--ckpt_path={before}/model.ckpt"
    assert cell.frames_done() == 500


def test_goes_on_from_an_older_checkpoint_where_the_last_one_cannot_be_read(cell):
    before = checkpoint(cell, 400)
    (checkpoint(cell, 500) / "manifest.json").write_text("{")
    assert cell.command[-1] == f"--ckpt_path={before}/model.ckpt"
    cell.folder.last_checkpoint.unlink()
    assert cell.command[-1] == f"--ckpt_path={before}/model.ckpt"


def test_is_finished_with_a_summary_of_enough_frames(cell):
    checkpoint(cell, 500)
    cell.folder.summary.write_text('{"frames": 500}')
    assert not cell.finished()  # more frames are wanted now
    assert cell.command[-1] == "--ckpt_path=last"
    cell.folder.summary.write_text('{"frames": 1024}')
    assert cell.finished()


def test_clears_away_what_cannot_go_on_and_nothing_else(cell):
    cell.run_dir.mkdir()
    cell.folder.metrics.write_text("frames\n")
    cell.prepare(alone=True)
    assert not cell.run_dir.exists()
    checkpoint(cell, 500)
    cell.prepare(alone=True)
    assert cell.folder.last_checkpoint.exists()


def test_what_has_just_begun_is_not_cleared_where_it_may_be_anothers(cell):
    cell.prepare(alone=False)
    cell.run_dir.mkdir()
    cell.folder.metrics.write_text("frames\n")
    with pytest.raises(InputError, match="delete it if no other session works on it"):
        cell.prepare(alone=False)
    assert cell.folder.metrics.exists()


def test_the_cost_counts_what_is_left_and_says_where_its_speed_is_from(cell):
    checkpoint(cell, 400)
    assert cost([cell] * 2, lambda algorithm, environment: [100.0, 300.0], 2) == [
        "1,200 frames, less than 0.1 hours with 2 at a time",
        "  by measured frames/s (median in the ledgers): dqn in breakout",
    ]
    assert "assumed and not measured: dqn in breakout" in cost([cell], lambda algorithm, environment: [], 1)[1]
    assert cost([], lambda algorithm, environment: [], 1) == ["nothing is left to run"]


def test_a_run_that_was_interrupted_beyond_the_frames_that_are_wanted_now_is_refused(cell):
    # One that has all frames, of a run that died before its summary, is not thrown away either.
    checkpoint(cell, 1000)
    with pytest.raises(InputError, match="unfinished run of 1,000 frames and no checkpoint before 1,000"):
        cell.prepare(alone=True)
    checkpoint(cell, 1500)
    with pytest.raises(InputError, match="1,500 frames"):
        cell.prepare(alone=True)
    checkpoint(cell, 500)
    cell.prepare(alone=True)
    assert cell.folder.last_checkpoint.exists()


def test_a_run_that_can_go_on_or_is_finished_is_not_refused(cell):
    cell.prepare(alone=True)
    checkpoint(cell, 1500)
    cell.folder.summary.write_text('{"frames": 1500}')
    cell.prepare(alone=True)
    assert cell.folder.last_checkpoint.exists()
