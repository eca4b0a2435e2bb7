import json

import pytest
from lightning.pytorch.loops.training_epoch_loop import _TrainingEpochLoop

from diiqn_lightning.callbacks.checkpoint import CheckpointSettings
from diiqn_lightning.callbacks.manifest import read_manifest
from diiqn_lightning.errors import InputError
from tests.cli.test_training import CORRIDOR, fit


@pytest.fixture
def checkpoints(run, tmp_path):
    """Checkpoints of a short run: one every 150 frames, two kept."""
    assert run(*fit("dqn", tmp_path / "run", *CORRIDOR, "--video=null", frames=600))[0] == 0
    return tmp_path / "run" / "checkpoints"


def test_the_last_two_are_kept_and_last_is_the_newest(checkpoints):
    names = sorted(path.name for path in checkpoints.iterdir())
    assert names == ["0000000452-0000000088", "0000000600-0000000125", "last"]
    assert (checkpoints / "last").resolve().name == names[1]
    assert read_manifest(checkpoints / "last")["frames"] == 600


def test_the_question_of_lightnings_that_ranks_are_spared_is_still_called_so():
    assert callable(_TrainingEpochLoop._broadcast_sigterm_tensor)


@pytest.mark.parametrize("field", ["every_n_frames", "keep"])
def test_settings_below_one_are_refused(field):
    with pytest.raises(InputError, match=f"checkpoint.{field} is 0"):
        CheckpointSettings(**{field: 0})


def test_a_damaged_newest_one_falls_back_to_the_one_before(checkpoints, run):
    damage(checkpoints / "last" / "rank-0.pt")
    again = fit("dqn", checkpoints.parent, *CORRIDOR, "--video=null", "--ckpt_path=last", frames=800)
    code, _, complaint = run(*again)
    assert code == 0, complaint
    assert "the newest checkpoint is not whole" in complaint
    assert "going on from the one before" in complaint
    assert "0000000452-0000000088" in complaint
    assert read_manifest(checkpoints / "last")["frames"] == 800


def test_the_damaged_one_goes_before_the_whole_one_that_the_run_went_on_from(checkpoints, run):
    damage(checkpoints / "last" / "rank-0.pt")
    again = fit("dqn", checkpoints.parent, *CORRIDOR, "--video=null", "--ckpt_path=last", frames=560)
    code, _, complaint = run(*again)
    assert code == 0, complaint
    frames = sorted(int(path.name.split("-")[0]) for path in checkpoints.iterdir() if path.name != "last")
    assert frames == [452, 560]


def test_when_none_is_whole_nothing_starts_from_scratch(checkpoints, run):
    for folder in ("0000000452-0000000088", "0000000600-0000000125"):
        damage(checkpoints / folder / "model.ckpt")
    before = (checkpoints.parent / "metrics.csv").read_bytes()
    again = fit("dqn", checkpoints.parent, *CORRIDOR, "--video=null", "--ckpt_path=last", frames=800)
    code, _, complaint = run(*again)
    assert code == 2
    assert "a file in it is damaged" in complaint
    assert (checkpoints.parent / "metrics.csv").read_bytes() == before


def damage(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_limit_of_the_trainers_ends_a_run_with_a_checkpoint(run, tmp_path):
    whole = ["--checkpoint.every_n_frames=5000", "--data.frames_per_epoch=200", "--video=null"]
    code, _, complaint = run(*fit("dqn", tmp_path / "run", *CORRIDOR, *whole, "--trainer.max_epochs=2", frames=800))
    assert code == 0, complaint
    frames = read_manifest(tmp_path / "run" / "checkpoints" / "last")["frames"]
    assert 400 <= frames < 800
    assert frames == json.loads((tmp_path / "run" / "summary.json").read_text())["frames"]
