import json

import pytest

from diiqn_lightning.callbacks.checkpoint import MANIFEST, CheckpointSettings, check_identity, read_manifest
from diiqn_lightning.errors import InputError
from tests.cli.test_training import CORRIDOR, fit

IDENTITY = {"algorithm": "DIIQN", "environment": "A-v0", "ranks": 1, "expert": "ab12", "expert_name": "mine"}


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


def test_a_damaged_file_is_found_before_it_is_loaded(checkpoints):
    model = checkpoints / "last" / "model.ckpt"
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)
    with pytest.raises(InputError, match="damaged"):
        read_manifest(checkpoints / "last")


def test_a_manifest_that_is_no_manifest_is_refused(checkpoints):
    (checkpoints / "last" / MANIFEST).write_text(json.dumps([1, 2]))
    with pytest.raises(InputError, match="cannot be read"):
        read_manifest(checkpoints / "last")


def test_the_same_run_may_go_on():
    check_identity(IDENTITY, dict(IDENTITY))
    check_identity(IDENTITY, IDENTITY | {"expert_name": "the same file under another name"})


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        ({"algorithm": "DQN"}, "'DQN'.*DIIQN"),
        ({"environment": "B-v0"}, "'B-v0'.*A-v0"),
        ({"ranks": 2}, "is 2.*: 1"),
        ({"expert": "cd34", "expert_name": "other"}, r"'other \(cd34\)'.*mine \(ab12\)"),
    ],
)
def test_another_run_may_not(change, hint):
    with pytest.raises(InputError, match=hint):
        check_identity(IDENTITY, IDENTITY | change)


@pytest.mark.parametrize("field", ["every_n_frames", "keep"])
def test_settings_below_one_are_refused(field):
    with pytest.raises(InputError, match=f"checkpoint.{field} is 0"):
        CheckpointSettings(**{field: 0})
