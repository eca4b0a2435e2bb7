import json

import pytest

from diiqn_lightning.callbacks.manifest import MANIFEST, read_manifest, write_manifest
from diiqn_lightning.errors import InputError


@pytest.fixture
def checkpoint(tmp_path):
    """Folder of a checkpoint with one file."""
    (tmp_path / "model.ckpt").write_bytes(b"weights")
    write_manifest(tmp_path, {"frames": 600})
    return tmp_path


def test_a_whole_checkpoint_says_what_it_is(checkpoint):
    manifest = read_manifest(checkpoint)
    assert manifest["frames"] == 600
    assert list(manifest["sha256"]) == ["model.ckpt"]


def test_a_damaged_file_is_found_before_it_is_loaded(checkpoint):
    (checkpoint / "model.ckpt").write_bytes(b"weighty")
    with pytest.raises(InputError, match="damaged"):
        read_manifest(checkpoint)


def test_a_manifest_that_is_no_manifest_is_refused(checkpoint):
    (checkpoint / MANIFEST).write_text(json.dumps([1, 2]))
    with pytest.raises(InputError, match="cannot be read"):
        read_manifest(checkpoint)


def test_a_checkpoint_that_lacks_a_file_is_not_whole(checkpoint):
    (checkpoint / "model.ckpt").unlink()
    with pytest.raises(InputError, match="no whole checkpoint"):
        read_manifest(checkpoint)


@pytest.mark.parametrize("format", [None, 1])
def test_a_checkpoint_of_another_version_is_refused(format, checkpoint):
    facts = json.loads((checkpoint / MANIFEST).read_text())
    del facts["format"]
    (checkpoint / MANIFEST).write_text(json.dumps(facts | ({} if format is None else {"format": format})))
    with pytest.raises(InputError, match="format 1 .* the version that wrote it"):
        read_manifest(checkpoint)
