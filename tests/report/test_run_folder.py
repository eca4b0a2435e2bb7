import threading

import pytest

from diiqn_lightning.errors import InputError
from diiqn_lightning.report.run_folder import RunFolder


def test_a_refused_run_takes_back_the_folders_that_it_made(tmp_path):
    folder = RunFolder(tmp_path / "runs" / "diiqn" / "0")
    folder.prepare_new()
    folder.config.write_text("a: 1")
    folder.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_refused_run_leaves_its_neighbours_alone(tmp_path):
    refused, neighbour = (RunFolder(tmp_path / "runs" / name) for name in ("refused", "neighbour"))
    refused.prepare_new()
    neighbour.prepare_new()
    neighbour.metrics.write_text("frames\n")
    refused.discard()
    assert list((tmp_path / "runs").iterdir()) == [neighbour.path]


def test_a_folder_that_was_there_before_stays(tmp_path):
    folder = RunFolder(tmp_path)
    folder.prepare_new()
    folder.discard()
    assert tmp_path.exists()


def test_a_run_that_has_begun_is_kept(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.prepare_new()
    folder.metrics.write_text("frames\n")
    folder.discard()
    assert folder.metrics.exists()


def test_a_folder_is_held_by_one_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr("diiqn_lightning.report.run_folder.LOCK_SECONDS", 0.1)
    mine, other = RunFolder(tmp_path), RunFolder(tmp_path)
    mine.hold()
    mine.hold()
    with pytest.raises(InputError, match="a run is at work there"):
        other.hold()
    mine.release()
    other.hold()
    other.release()


def test_who_is_started_again_waits_until_a_lost_node_has_let_go(tmp_path, monkeypatch):
    monkeypatch.setattr("diiqn_lightning.report.run_folder.LOCK_SECONDS", 0.0)
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    lost, requeued = RunFolder(tmp_path), RunFolder(tmp_path)
    lost.hold()
    end = threading.Timer(0.3, lost.release)
    end.start()
    requeued.hold()
    end.join()
    requeued.release()


def test_a_folder_that_is_not_there_yet_is_held_by_nobody(tmp_path):
    RunFolder(tmp_path / "run").hold()
    assert not (tmp_path / "run").exists()
