import sys

import pytest

from diiqn_lightning.experts import files
from tests.cli.conftest import CORRIDOR
from tests.cli.test_training import fit

SMALL = ["--transitions=30", "--max_episode_steps=20"]


def test_records_a_checkpoint(run, tmp_path):
    run(*fit("dqn", tmp_path / "run", *CORRIDOR, "--video=null"))
    checkpoint = tmp_path / "run" / "checkpoints" / "last"
    code, printed, complaint = run("record", "--checkpoint", checkpoint, "--out", tmp_path / "a.expert", *SMALL)
    assert code == 0, complaint
    card = files.load(tmp_path / "a.expert").card
    assert card["environment"] == "Corridor-v0"
    assert (card["policy"], card["trained_frames"], card["epsilon"]) == ("dqn", 400, 0.01)
    assert "return" in printed
    assert "licence" not in card  # nobody has said under which one


def test_an_agent_plays_where_it_sees_and_acts_as_where_it_was_trained(run, tmp_path):
    run(*fit("dqn", tmp_path / "run", *CORRIDOR, "--video=null"))
    last, out = tmp_path / "run" / "checkpoints" / "last", tmp_path / "a.expert"
    code, _, complaint = run("record", "--checkpoint", last, "--env=CartPole-v1", "--out", out)
    assert code == 2
    assert "--env is 'CartPole-v1': choose one with the observations and actions of Corridor-v0" in complaint


def test_a_licence_is_stated_where_it_is_given(run, tmp_path):
    run("record", "--policy=random", "--env=Corridor-v0", "--out", tmp_path / "r.expert", *SMALL, "--licence=CC0-1.0")
    assert files.load(tmp_path / "r.expert").card["licence"] == "CC0-1.0"


def test_records_a_random_policy(run, tmp_path):
    code, _, complaint = run("record", "--policy=random", "--env=Corridor-v0", "--out", tmp_path / "r.expert", *SMALL)
    assert code == 0, complaint
    dataset = files.load(tmp_path / "r.expert")
    assert dataset.card["epsilon"] == 1.0
    assert 0 < dataset.labels.action.float().mean() < 1


def test_records_a_policy_of_ones_own(run, tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text("import torch\n\ndef right(states):\n    return torch.ones(len(states)).long()\n")
    monkeypatch.syspath_prepend(tmp_path)
    code, _, complaint = run(
        "record", "--policy=mine:right", "--env=Corridor-v0", "--epsilon=0", "--out", tmp_path / "m.expert", *SMALL
    )
    assert code == 0, complaint
    assert bool((files.load(tmp_path / "m.expert").labels.action == 1).all())


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        ("[0] * len(states)", "is 'list'"),
        ("torch.zeros(len(states))", "torch.float32"),
        ("torch.full((len(states),), 7)", "actions from 7 to 7"),
    ],
)
def test_refuses_a_policy_that_answers_no_actions(answer, hint, run, tmp_path, monkeypatch):
    (tmp_path / "wrong.py").write_text(f"import torch\n\ndef policy(states):\n    return {answer}\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "wrong", raising=False)
    code, _, complaint = run(
        "record", "--policy=wrong:policy", "--env=Corridor-v0", "--epsilon=0", "--out", tmp_path / "m.expert", *SMALL
    )
    assert code == 2
    assert hint in complaint
    assert "from 0 to 1" in complaint


def test_an_environments_own_time_limit_holds(run, tmp_path):
    more = ["--transitions=30", "--max_episode_steps=1000"]
    assert run("record", "--policy=random", "--env=Corridor-v0", "--out", tmp_path / "r.expert", *more)[0] == 0
    assert int(files.load(tmp_path / "r.expert").states.episode_lengths.max()) <= 20


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["--policy=random", "--env=Corridor-v0", "--out=a.npz"], ".expert"),
        (["--policy=random", "--env=Corridor-v0", "--out=/none/a.expert"], "make the folder"),
        (["--policy=random", "--out=a.expert"], "--env"),
        (["--policy=no.such:thing", "--env=Corridor-v0", "--out=a.expert"], "MODULE:FUNCTION"),
        (["--checkpoint=none", "--out=a.expert"], "no whole checkpoint"),
        (["--policy=random", "--env=Corridor-v0", "--out=a.expert", "--seed=-1"], "--seed is -1"),
        (["--policy=./mine.py:act", "--env=Corridor-v0", "--out=a.expert"], "MODULE:FUNCTION"),
        (
            ["--policy=diiqn_lightning.envs.maze_planner:DetourPlanner", "--env=Corridor-v0", "--out=a.expert"],
            "can be built with Corridor-v0",
        ),
    ],
)
def test_refuses_in_one_sentence(arguments, hint, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, complaint = run("record", *arguments)
    assert code == 2
    assert hint in complaint
    assert "Traceback" not in complaint
