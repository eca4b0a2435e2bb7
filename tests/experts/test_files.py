import os
import random
import struct

import pytest
import torch

from diiqn_lightning.errors import InputError
from diiqn_lightning.experts import ExpertDataset, ExpertStates, files


@pytest.fixture
def path(tmp_path, corridor_expert):
    path = tmp_path / "walk.expert"
    files.save(corridor_expert, path)
    return path


@pytest.mark.parametrize(
    "tensor",
    [torch.rand(6, 3, 5, 2) < 0.5, torch.randint(0, 255, (6, 7), dtype=torch.uint8), torch.randn(6, 4)],
    ids=["bool", "uint8", "float32"],
)
def test_comes_back_as_it_was(tmp_path, tensor):
    dataset = ExpertDataset(ExpertStates(tensor, torch.tensor([4, 6])), card={"environment": "x", "seeds": [1, 2]})
    files.save(dataset, tmp_path / "a.expert")
    back = files.load(tmp_path / "a.expert")
    assert back.states.states.dtype == tensor.dtype
    assert torch.equal(back.states.states, tensor)
    assert back.states.content_hash == dataset.states.content_hash
    assert back.card == dataset.card
    assert back.labels is None


def test_labels_come_back(path, corridor_expert):
    labels = files.load(path).labels
    for name in ("action", "executed_action", "reward", "terminated", "truncated"):
        assert torch.equal(getattr(labels, name), getattr(corridor_expert.labels, name))


def test_binary_observations_take_an_eighth_before_compression(tmp_path):
    noise = torch.rand(1000, 400) < 0.5  # cannot be compressed
    files.save(ExpertDataset(ExpertStates(noise, torch.tensor([1000]))), tmp_path / "n.expert")
    assert (tmp_path / "n.expert").stat().st_size < 1000 * 400 / 8 * 1.02


def test_nothing_appears_under_the_final_name_when_writing_fails(tmp_path, corridor_expert, monkeypatch):
    def no_space(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(InputError, match="No space left"):
        files.save(corridor_expert, tmp_path / "a.expert")
    assert list(tmp_path.iterdir()) == []


def refusal(path):
    with pytest.raises(InputError) as error:
        files.load(path)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_states_of_a_type_that_cannot_be_read_again_are_not_written(tmp_path):
    states = ExpertStates(torch.zeros(3, 1, dtype=torch.float64), torch.tensor([3]))
    with pytest.raises(InputError, match="type of states is 'float64'"):
        files.save(ExpertDataset(states), tmp_path / "a.expert")
    assert not any(tmp_path.iterdir())


def test_refuses_a_missing_file(tmp_path):
    assert "no such file" in refusal(tmp_path / "none.expert")


def test_refuses_a_folder(tmp_path):
    assert "folder" in refusal(tmp_path)


def test_refuses_another_file_type_under_the_right_name(tmp_path):
    (tmp_path / "a.expert").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    assert "convert" in refusal(tmp_path / "a.expert")


def test_refuses_a_truncated_file(path):
    content = path.read_bytes()
    for length in (0, 7, 8, 20, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        refusal(path)


def test_refuses_a_version_it_does_not_know(path):
    import hashlib

    body = bytearray(path.read_bytes()[:-32])
    struct.pack_into("<I", body, 8, 99)
    path.write_bytes(bytes(body) + hashlib.sha256(body).digest())
    assert "version 99" in refusal(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_refuses_a_file_that_may_not_be_read(path):
    path.chmod(0)
    assert "readable" in refusal(path)


def test_a_mutated_file_is_read_whole_or_refused(path):
    """Mutations with a right checksum reach the parser itself: 2,000 of them."""
    import hashlib

    content, chance = path.read_bytes(), random.Random(0)
    whole = files.load(path).states.content_hash
    for _ in range(2000):
        body = bytearray(content[:-32])
        for _ in range(chance.randint(1, 4)):
            kind, at = chance.random(), chance.randrange(8, len(body))
            if kind < 0.6:
                body[at] = chance.randrange(256)
            elif kind < 0.8:
                del body[at : at + chance.randint(1, 20)]
            else:
                body[at:at] = chance.randbytes(chance.randint(1, 20))
            if len(body) < 40:
                break
        path.write_bytes(bytes(body) + hashlib.sha256(body).digest())
        try:
            loaded = files.load(path)
        except InputError as error:
            assert "\n" not in str(error)
        else:
            assert loaded.states.num_transitions > 0
    path.write_bytes(content)
    assert files.load(path).states.content_hash == whole
