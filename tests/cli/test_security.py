"""Files of a stranger run none of their code."""

import hashlib
import json
import os
import pickle
import struct
import sys

import numpy as np
import pytest
import torch
import yaml
from gymnasium.envs.registration import EnvSpec

from diiqn_lightning.experts import files
from tests.cli.conftest import CORRIDOR
from tests.cli.test_training import fit
from tests.conftest import walk


class Payload:
    """Makes a file when it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.system, (f"touch {self.mark}",)


@pytest.fixture
def mark(tmp_path):
    """The file that a payload would make."""
    return tmp_path / "executed"


@pytest.fixture
def finished(run, tmp_path):
    """A finished run."""
    assert run(*fit("dqn", tmp_path / "run", *CORRIDOR, "--video=null"))[0] == 0
    return tmp_path / "run"


def test_the_payload_works(mark):
    pickle.loads(pickle.dumps(Payload(mark)))
    assert mark.exists()


def infected(checkpoint, name, mark):
    """Put a payload into a file of a checkpoint, with the right checksum."""
    path = checkpoint / name
    content = torch.load(path, weights_only=True)
    content["payload"] = Payload(mark)
    torch.save(content, path)
    manifest = json.loads((checkpoint / "manifest.json").read_text())
    manifest["sha256"][name] = hashlib.sha256(path.read_bytes()).hexdigest()
    (checkpoint / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize("name", ["model.ckpt", "rank-0.pt"])
@pytest.mark.parametrize("use", ["resume", "validate", "record", "export", "watch"])
def test_checkpoints(name, use, run, finished, mark, tmp_path):
    last = finished / "checkpoints" / "last"
    infected(last, name, mark)
    commands = {
        "resume": fit("dqn", finished, *CORRIDOR, "--video=null", "--ckpt_path=last", frames=600),
        "validate": ["validate", "--config", finished / "config.yaml", f"--ckpt_path={last / 'model.ckpt'}"],
        "record": ["record", "--checkpoint", last, "--out", tmp_path / "new.expert", "--transitions=50"],
        "export": ["export", last, "--out", tmp_path / "exported", "--states=2"],
        "watch": ["watch", last, "--out", tmp_path / "a.gif", "--max_steps=2"],
    }
    code, _, complaint = run(*commands[use])
    assert not mark.exists()
    if name == "model.ckpt" or use == "resume":  # the others have no use for the other file
        assert code == 2
        assert len(complaint.strip().splitlines()) == 1


FOREIGN = {
    "optimizer": {"model": {"init_args": {"optimizer": {"class_path": "theirs.Made"}}}},
    "callback": {"trainer": {"callbacks": [{"class_path": "theirs.Made"}]}},
    "model": {"model": {"class_path": "theirs.Made"}},
    "optimizer by name": {"model": {"init_args": {"optimizer": "theirs.Made"}}},
    "callback by name": {"trainer": {"callbacks": ["theirs.Made"]}},
    "logger by name": {"trainer": {"logger": "theirs.Made"}},
    "sampling by name": {"expert_sampling": "theirs.Made"},
    "what a module of ours imports": {"model": {"class_path": "diiqn_lightning.cli.training.os.system"}},
    "a file of the trainer's options": {"trainer": "theirs.yaml"},
    "the same without an ending": {"trainer": "theirs"},
    "a file of more options": {"config": "theirs.yaml"},
    "a file in place of a class": {"model": "theirs"},
    "a file in place of a block": {"confidence": "theirs"},
    "a file in place of a value": {"model": {"init_args": {"exploration": "theirs.yaml"}}},
}
"""Changes of a run's configuration by which it would load code, or more options from a file."""


@pytest.fixture
def theirs(finished, mark, tmp_path, monkeypatch):
    """A module in reach of the interpreter that leaves a mark when it is imported, and files that name it."""
    there = tmp_path / "there"
    there.mkdir()
    (there / "theirs.py").write_text(
        f"import pathlib, lightning\npathlib.Path({str(mark)!r}).touch()\nclass Made(lightning.Callback): pass\n"
    )
    monkeypatch.syspath_prepend(there)
    monkeypatch.delitem(sys.modules, "theirs", raising=False)
    for folder in (finished, there):
        for name in ("theirs.yaml", "theirs"):
            (folder / name).write_text("callbacks: [{class_path: theirs.Made}]\nclass_path: theirs.Made\n")
    monkeypatch.chdir(there)
    return finished


@pytest.mark.parametrize("change", FOREIGN)
def test_the_configuration_beside_a_checkpoint(change, run, theirs, mark, tmp_path):
    path = theirs / "config.yaml"
    content = yaml.safe_load(path.read_text())
    merge(content, FOREIGN[change])
    path.write_text(yaml.safe_dump(content))
    last = theirs / "checkpoints" / "last"
    weights = f"--ckpt_path={last / 'model.ckpt'}"
    for command in (
        ["record", "--checkpoint", last, "--out", tmp_path / "new.expert", "--transitions=50"],
        ["export", last, "--out", tmp_path / "exported", "--states=2"],
        ["watch", last, "--out", tmp_path / "a.gif", "--max_steps=2"],
        ["validate", "--config", path, weights],
        ["test", f"--config={path}", weights],
        ["fit", "-c", path, f"--run_dir={tmp_path / 'new'}"],
        ["fit", f"-c{path}", f"--run_dir={tmp_path / 'new'}"],
    ):
        code, _, complaint = run(*command)
        assert code == 2, command
        assert "only classes of diiqn_lightning and torch.optim" in complaint, command
        assert len(complaint.strip().splitlines()) == 1
        assert not mark.exists(), command


def test_classes_of_ones_own_are_built_where_the_user_vouches_for_them(run, theirs, mark, monkeypatch):
    path = theirs / "config.yaml"
    content = yaml.safe_load(path.read_text())
    merge(content, FOREIGN["callback"])
    path.write_text(yaml.safe_dump(content))
    monkeypatch.setenv("DIIQN_LIGHTNING_TRUSTED", "others, theirs")
    weights = f"--ckpt_path={theirs / 'checkpoints' / 'last' / 'model.ckpt'}"
    code, _, complaint = run("validate", "--config", path, weights)
    assert code == 0, complaint
    assert mark.exists()


@pytest.mark.parametrize("verb", ["record", "export", "watch"])
def test_the_environments_module_is_imported_for_the_user_alone(verb, run, finished, mark, tmp_path, monkeypatch):
    (tmp_path / "theirs.py").write_text(
        f"import gymnasium, pathlib\nfrom tests.conftest import Corridor\npathlib.Path({str(mark)!r}).touch()\n"
        "gymnasium.register('Theirs-v0', Corridor, max_episode_steps=20)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "theirs", raising=False)
    path = finished / "config.yaml"
    path.write_text(path.read_text().replace("Corridor-v0", "theirs:Theirs-v0"))
    command = {
        "record": ["record", "--checkpoint", finished / "checkpoints" / "last", "--transitions=20", "--out"],
        "export": ["export", finished, "--states=2", "--out"],
        "watch": ["watch", finished, "--max_steps=2", "--out"],
    }[verb] + [tmp_path / {"record": "new.expert", "export": "exported", "watch": "a.gif"}[verb]]
    code, _, complaint = run(*command)
    assert code == 2
    assert "--env theirs:Theirs-v0" in complaint
    assert not mark.exists()
    code, _, complaint = run(*command, "--env=theirs:Theirs-v0")
    assert code == 0, complaint
    assert mark.exists()


def test_a_configuration_with_python_in_it(run, finished, mark, tmp_path):
    (finished / "config.yaml").write_text(f"model: !!python/object/apply:os.system ['touch {mark}']")
    last = finished / "checkpoints" / "last"
    code, _, complaint = run("record", "--checkpoint", last, "--out", tmp_path / "new.expert", "--transitions=50")
    assert code == 2
    assert "it cannot be read" in complaint
    assert not mark.exists()
    code, _, _ = run("fit", "--config", finished / "config.yaml")
    assert code == 2
    assert not mark.exists()


@pytest.mark.parametrize("verb", ["sweep", "experiment"])
def test_files_that_start_runs_with_python_in_them(verb, run, mark, tmp_path):
    path = tmp_path / "theirs.yaml"
    path.write_text(f"name: !!python/object/apply:os.system ['touch {mark}']")
    code, _, complaint = run(verb, path, "--dry_run")
    assert code == 2
    assert len(complaint.strip().splitlines()) == 1
    assert not mark.exists()


def merge(content, change):
    for key, value in change.items():
        if isinstance(value, dict) and isinstance(content.get(key), dict):
            merge(content[key], value)
        else:
            content[key] = value


def folder_of_objects(path, mark):
    path.mkdir()
    np.save(path / "0.npy", np.array([Payload(mark)] * 3, dtype=object))


DATASETS = {
    "a folder of objects": ("bad", folder_of_objects),
    "an expert file that is a pickle": ("bad.expert", lambda path, mark: path.write_bytes(pickle.dumps(Payload(mark)))),
    "an archive of objects": (
        "bad.npz",
        lambda path, mark: np.savez(path, observations=np.array([Payload(mark)] * 3, dtype=object), episode_ends=[3]),
    ),
}


@pytest.mark.parametrize("kind", DATASETS)
def test_datasets(kind, run, mark, tmp_path):
    name, write = DATASETS[kind]
    write(tmp_path / name, mark)
    for command in (
        ["inspect", tmp_path / name],
        ["convert", tmp_path / name, tmp_path / "new.expert"],
        fit("diiqn", tmp_path / "run", *CORRIDOR, "--expert", tmp_path / name),
    ):
        code, _, complaint = run(*command)
        assert code == 2, complaint
        assert not mark.exists()


@pytest.mark.filterwarnings("ignore::UserWarning:minari", "ignore::DeprecationWarning")
def test_a_minari_dataset_that_names_an_environment_of_its_own(run, mark, tmp_path, monkeypatch):
    pytest.importorskip("minari", reason="the extra [minari] is not installed")
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "store"))
    files.save(walk(), tmp_path / "walk.expert")
    code, _, complaint = run("convert", tmp_path / "walk.expert", "minari:theirs/walk-v0", "--env=Corridor-v0")
    assert code == 0, complaint
    (tmp_path / "theirs.py").write_text(
        f"import pathlib\npathlib.Path({str(mark)!r}).touch()\ndef make(**options): raise RuntimeError\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    (metadata,) = (tmp_path / "store").rglob("data/metadata.json")
    content = json.loads(metadata.read_text())
    content["env_spec"] = EnvSpec("Theirs-v0", entry_point="theirs:make").to_json()
    metadata.write_text(json.dumps(content))
    code, _, complaint = run("convert", "minari:theirs/walk-v0", tmp_path / "new.expert")
    assert code == 0, complaint
    assert "Theirs-v0" in str(files.load(tmp_path / "new.expert").card)
    assert not mark.exists()


def test_a_file_of_wandb_that_is_a_pickle(run, mark, tmp_path):
    payload = pickle.dumps(Payload(mark))
    record = struct.pack("<IHB", 0, len(payload), 1) + payload
    (tmp_path / "run-theirs.wandb").write_bytes(b":W&B\x00\x00\x00" + record)
    code, _, complaint = run("report", tmp_path / "run-theirs.wandb", "--out", tmp_path / "report")
    assert code == 2
    assert "no record of W&B" in complaint
    assert not mark.exists()
