import csv

import numpy as np
import pytest

from diiqn_lightning.experts import files
from tests.conftest import walk


def test_inspect_prints_a_table_and_draws_a_figure(run, tmp_path, expert_path):
    code, printed, complaint = run("inspect", expert_path, "--against=Corridor-v0", "--out", tmp_path / "a.png")
    assert code == 0, complaint
    assert "suggested τ" in printed
    assert "random agent" in printed
    assert (tmp_path / "a.png").exists()


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["none.expert"], "no such file"),
        (["{data}", "--against=Nowhere-v0"], "Nowhere-v0"),
        (["{data}", "--frames=0", "--against=Corridor-v0"], "--frames is 0"),
        (["{data}", "--out=/none/a.png"], "can be written"),
        (["{data}", "--table=/none/a.csv"], "can be written"),
        (["{data}", "{data}", "--out=a.png"], "single dataset"),
        (["none.expert", "--out=x"], ".png, .svg, .pdf"),
        (["none.expert", "--out=x.txt"], ".png, .svg, .pdf"),
    ],
)
def test_inspect_refuses_in_one_sentence(arguments, hint, run, expert_path):
    code, _, complaint = run("inspect", *(argument.format(data=expert_path) for argument in arguments))
    assert code == 2
    assert hint in complaint
    assert "Traceback" not in complaint


def test_inspect_draws_a_figure_of_each_dataset_under_a_name_of_its_own(run, tmp_path, expert_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other").mkdir()
    files.save(walk(episodes=5), tmp_path / "other" / "walk.expert")
    code, printed, complaint = run("inspect", expert_path, tmp_path / "other" / "walk.expert")
    assert code == 0, complaint
    assert "figure: inspect-walk-2.png" in printed
    assert {path.name for path in tmp_path.glob("*.png")} == {"inspect-walk.png", "inspect-walk-2.png"}


@pytest.mark.parametrize(("ends", "size"), [([4, 9], 3e38), ([4, 9], 1e20), ([9], 3e38)])
def test_inspect_refuses_states_whose_distances_overflow(ends, size, run, tmp_path):
    states = np.eye(9, dtype=np.float32) * np.float32(size)
    np.savez(tmp_path / "a.npz", observations=states - states[::-1], episode_ends=ends)
    code, _, complaint = run("inspect", tmp_path / "a.npz", "--out", tmp_path / "a.png")
    assert code == 2
    assert "scale them" in complaint
    assert complaint.count("\n") == 1
    assert not (tmp_path / "a.png").exists()


def test_inspect_writes_a_table_of_several_datasets(run, tmp_path, expert_path):
    files.save(walk(episodes=5), tmp_path / "more.expert")
    code, printed, complaint = run("inspect", expert_path, tmp_path / "more.expert", "--table", tmp_path / "a.csv")
    assert code == 0, complaint
    with (tmp_path / "a.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["dataset"], row["transitions"], row["distinct_states"]) for row in rows] == [
        ("walk", "9", "4"),
        ("more", "15", "4"),
    ]
    assert "more" in printed


def test_convert_goes_to_numpy_and_back(run, tmp_path, expert_path):
    assert run("convert", expert_path, tmp_path / "a.npz")[0] == 0
    code, printed, complaint = run("convert", tmp_path / "a.npz", tmp_path / "b.expert", "--env=Corridor-v0")
    assert code == 0, complaint
    assert "9 transitions in 3 episodes" in printed
    back = files.load(tmp_path / "b.expert")
    assert back.states.content_hash == walk().states.content_hash
    assert back.card["environment"] == "Corridor-v0"


def test_convert_takes_states_without_actions(run, tmp_path):
    np.savez(tmp_path / "a.npz", observations=np.eye(9, dtype=np.float32), episode_ends=[4, 9])
    assert run("convert", tmp_path / "a.npz", tmp_path / "b.expert")[0] == 0
    assert files.load(tmp_path / "b.expert").labels is None


@pytest.mark.filterwarnings("ignore::UserWarning:minari", "ignore::DeprecationWarning")
def test_convert_goes_to_minari_and_back(run, tmp_path, expert_path, monkeypatch):
    pytest.importorskip("minari", reason="the extra [minari] is not installed")
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))
    (tmp_path / "minari").mkdir()
    code, _, complaint = run("convert", expert_path, "minari:test/walk-v0")
    assert code == 0, complaint
    assert run("convert", "minari:test/walk-v0", tmp_path / "b.expert")[0] == 0
    assert files.load(tmp_path / "b.expert").states.content_hash == walk().states.content_hash


def test_convert_leaves_nothing_behind_where_it_cannot_write(run, tmp_path, expert_path):
    (tmp_path / "folder.npz").mkdir()
    code, _, complaint = run("convert", expert_path, tmp_path / "folder.npz")
    assert code == 2
    assert "can be written" in complaint
    assert not list(tmp_path.glob("*.partial"))


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["{data}", "out.hdf5"], ".npz"),
        (["{data}", "/none/out.expert"], "make the folder"),
        (["none.npz", "out.expert"], "no such file"),
        (["{npz}", "minari:test/a-v0"], "--env"),
    ],
)
def test_convert_refuses_in_one_sentence(arguments, hint, run, tmp_path, expert_path):
    np.savez(tmp_path / "a.npz", observations=np.eye(9, dtype=np.float32), episode_ends=[9])
    names = {"data": expert_path, "npz": tmp_path / "a.npz"}
    code, _, complaint = run("convert", *(argument.format(**names) for argument in arguments))
    assert code == 2
    assert hint in complaint
    assert "Traceback" not in complaint
