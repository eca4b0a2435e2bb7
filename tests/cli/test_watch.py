import re
import shutil
from collections import Counter
from types import SimpleNamespace

import imageio.v3 as imageio
import pytest

from diiqn_lightning.cli.advisers import dataset_of, load_advice
from diiqn_lightning.cli.agents import load_agent
from diiqn_lightning.envs import make_gym_env
from diiqn_lightning.errors import InputError
from diiqn_lightning.report.watching import Tally, agents_episode

BRIEF = ["--max_steps=12"]


def test_an_agent_beside_its_expert(run, breakout_run, tmp_path):
    out = tmp_path / "both.gif"
    code, printed, complaint = run("watch", breakout_run, "--out", out, "--beside=expert", "--episodes=2", *BRIEF)
    assert code == 0, complaint
    film = imageio.imread(out)
    assert f"{len(film)} frames" in printed
    assert film.shape[2] == 2 * 264  # two pictures of 240 with their borders
    # MinAtar's grids stand in the middle of the borders: the wall of bricks is in both.
    assert all((film[0, 50:90, left : left + 200] > 0).any() for left in (20, 284))
    shares = [int(share) for share in re.findall(r"(\d+)% of \d+ actions", printed)]
    assert len(shares) == 3
    assert sum(shares) == pytest.approx(100, abs=2)


def test_another_run_beside_it(run, cartpole_run, corridor_run, tmp_path):
    code, printed, complaint = run(
        "watch", corridor_run, "--out", tmp_path / "a.gif", "--beside", corridor_run, "--epsilon=0"
    )
    assert code == 0, complaint
    returns = re.findall(r"return (\S+)", printed)
    assert len(returns) == 2
    assert returns[0] == returns[1]  # the same policy in the same episode
    code, _, complaint = run("watch", corridor_run, "--out", tmp_path / "b.gif", "--beside", cartpole_run)
    assert code == 2
    assert "give a run of Corridor-v0" in complaint
    assert [path.name for path in tmp_path.iterdir()] == ["a.gif"]


@pytest.mark.parametrize("goes", [0, 1])
def test_marks_where_an_agent_leaves_the_advice(goes, corridor_run):
    agent = load_agent(corridor_run / "checkpoints" / "last")
    config = agent.config["validate"]
    dataset = dataset_of(config)
    advice = load_advice(corridor_run / "checkpoints" / "last", config, dataset)
    tally, env = Tally([], Counter()), make_gym_env("Corridor-v0", render_mode="rgb_array")

    def policy(states):
        return states[:, 0].long() * 0 + goes

    shots = list(agents_episode(env, policy, 0, tally, epsilon=0.0, seed=0, max_steps=9, advice=advice))
    # The expert goes right in the cells 3 to 5, and was never in those to the left of them.
    if goes == 1:
        assert [shot.mark for shot in shots] == ["follows"] * 3 + [None]
        assert [shot.returned for shot in shots] == [0, 0, 0, 1]
        assert shots[-1].note == "the end"
    else:
        assert [shot.mark for shot in shots[:2]] == ["leaves", "no advice"]
        assert shots[-1].note == "cut off at 9 frames"
    assert tally.marks.total() == len(shots) - 1


def test_an_expert_that_is_gone_costs_the_marks_and_not_the_film(run, corridor_run, tmp_path):
    shutil.copytree(corridor_run, tmp_path / "run", symlinks=True)
    text = (tmp_path / "run" / "config.yaml").read_text()
    (tmp_path / "run" / "config.yaml").write_text(text.replace("walk.expert", "gone.expert"))
    code, printed, complaint = run("watch", tmp_path / "run", "--out", tmp_path / "a.gif", *BRIEF)
    assert code == 0
    assert "no advice is marked" in complaint
    assert "follows" not in printed
    there = ["--expert", corridor_run.parent / "walk.expert"]
    code, printed, _ = run("watch", tmp_path / "run", "--out", tmp_path / "a.gif", *BRIEF, *there)
    assert code == 0
    assert "follows" in printed


def test_refuses_the_advice_of_another_dataset(corridor_run, breakout_run):
    agent = load_agent(breakout_run / "checkpoints" / "last")
    config = agent.config["validate"]
    other = dataset_of(SimpleNamespace(expert="medium", data=config.data, expert_transitions=None))
    with pytest.raises(InputError, match="another dataset"):
        load_advice(breakout_run / "checkpoints" / "last", config, other)


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["none", "--out=a.gif"], "give a run's folder"),
        (["RUN", "--out=a.avi"], ".gif or .mp4"),
        (["RUN", "--out=none/a.gif"], "make the folder"),
        (["RUN", "--out=a.gif", "--episodes=0"], "larger than 0"),
        (["RUN", "--out=a.gif", "--similarity_threshold=2"], "from 0 to 1"),
        (["RUN", "--out=a.gif", "--beside=expert"], "this run has no expert"),
        (["RUN", "--out=a.gif", "--beside=none.expert"], "none.expert"),
    ],
)
def test_refuses_in_one_sentence(arguments, hint, run, cartpole_run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, complaint = run("watch", *(str(cartpole_run) if word == "RUN" else word for word in arguments))
    assert code == 2
    assert hint in complaint
    assert complaint.count("\n") == 1
    assert not list(tmp_path.iterdir())
