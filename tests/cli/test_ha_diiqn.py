"""HA-DIIQN through the real command line, in a small maze with an expert that also goes diagonally."""

import csv
import json

import pytest
import torch

from tests.cli.conftest import SHORT
from tests.cli.test_training import CONFIGS, assert_same, curve, fit

MAZE = {"layout": "small", "action_set": "cardinal"}


@pytest.fixture
def expert(run, tmp_path):
    """A recorded planner with the king's moves."""
    path = tmp_path / "king.expert"
    code, _, complaint = run(
        "record", "--policy", "diiqn_lightning.envs.maze_planner:DetourPlanner", "--env", "Maze2D-v0",
        "--env_kwargs", json.dumps({**MAZE, "action_set": "king"}), "--transitions=300", "--epsilon=0.2",
        "--out", path,
    )  # fmt: skip
    assert code == 0, complaint
    return path


def in_maze(expert, tmp_path, *more, name="run", frames=1500, **env_kwargs):
    arguments = [
        "--config", CONFIGS / "env" / "maze2d.yaml", f"--data.env_kwargs={json.dumps(MAZE | env_kwargs)}",
        "--expert", expert, *SHORT, "--video=null", "--action_inference.relabel_every_n_frames=200",
        "--bridging.refresh_every_n_frames=200", "--bridge_figure.at_frames=[500,900]",
    ]  # fmt: skip
    return fit("ha_diiqn", tmp_path / name, *arguments, *more, frames=frames)


def last_row(folder):
    with (folder / "metrics.csv").open() as file:
        return list(csv.DictReader(file))[-1]


def test_it_finds_what_is_infeasible_and_bridges_it(run, tmp_path, expert):
    code, _, complaint = run(*in_maze(expert, tmp_path, "--wandb=null", frames=2400))
    assert code == 0, complaint
    row = last_row(tmp_path / "run")
    assert float(row["bridging/precision"]) == 1
    assert float(row["bridging/recall"]) > 0.5
    assert 0 < float(row["bridging/bridged"]) <= float(row["bridging/infeasible"])
    assert float(row["bridging/infeasible"]) <= float(row["bridging/infeasible_truth"])
    assert 1 <= float(row["bridging/length"]) <= 5
    assert float(row["bridging/age"]) > 0
    assert float(row["bridging/search_seconds"]) > 0
    assert (tmp_path / "run" / "bridges.png").stat().st_size > 1000


@pytest.mark.parametrize("target", ["first_step", "whole_path"])
def test_a_resumed_run_ends_like_one_that_never_stopped(target, run, tmp_path, expert):
    more = [f"--bridging.bridge_target={target}", "--data.replay_capacity=800"]
    run(*in_maze(expert, tmp_path, *more, name="whole", frames=1500))
    run(*in_maze(expert, tmp_path, *more, name="parts", frames=1000))
    code, _, complaint = run(*in_maze(expert, tmp_path, *more, "--ckpt_path=last", name="parts", frames=1500))
    assert code == 0, complaint
    assert curve(tmp_path / "parts") == curve(tmp_path / "whole")
    for file in ("model.ckpt", "rank-0.pt"):
        one, other = (tmp_path / name / "checkpoints" / "last" / file for name in ("whole", "parts"))
        assert_same(torch.load(one, weights_only=True), torch.load(other, weights_only=True))


def test_the_published_confidence_on_bridges_runs(run, tmp_path, expert):
    published = ["--model.bridge_confidence=PublishedConfidence", "--model.bridge_confidence.agent_action=greedy"]
    code, _, complaint = run(*in_maze(expert, tmp_path, *published))
    assert code == 0, complaint
    assert float(last_row(tmp_path / "run")["expert/q_divergence"]) > 0


BAD = {
    "spread of one head on bridges": (
        ["--model.bridge_confidence=ReturnConfidence", "--model.bridge_confidence.deviations=1"],
        "model.value_heads is 1",
    ),
    "k": (["--bridging.max_steps=0"], "bridging.max_steps is 0"),
    "n": (["--bridging.max_rejoin=0"], "bridging.max_rejoin is 0"),
    "steps of a bridge": (["--bridging.bridge_steps=last"], "bridging.bridge_steps is 'last'"),
    "no bridging": (["--bridging=null"], "bridging is None"),
    "no feasibility": (["--feasibility=null"], "feasibility is None"),
    "distance of numbers": (['--feasibility.distance=cosinus'], "feasibility.distance is 'cosinus'"),
    "negative tolerance": (["--feasibility.tolerance=-1"], "feasibility.tolerance"),
    "errors the wrong way round": (["--feasibility.feasible_error=3"], "feasible_error is 3.0"),
    "tolerances of another number": (["--feasibility.tolerance=[1,2]"], "give one number, or 243"),
    "unordered pictures": (["--bridge_figure.at_frames=[5,1]"], "at_frames"),
    "unknown moves": (['--data.env_kwargs={"action_set": "queen"}'], "action_set is 'queen'"),
    "bridges without the module": (["--model=DIIQN"], "HADIIQN"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_gets_one_sentence(name, run, tmp_path, expert):
    arguments, hint = BAD[name]
    code, _, complaint = run(*in_maze(expert, tmp_path, *arguments))
    assert code == 2
    assert hint in complaint
    assert "Traceback" not in complaint
    assert not (tmp_path / "run").exists()


def test_a_tolerance_that_merges_neighbouring_states_is_refused(run, tmp_path):
    path = tmp_path / "coordinates.expert"
    kwargs = {**MAZE, "observation": "coordinates"}
    policy = ["--policy", "diiqn_lightning.envs.maze_planner:DetourPlanner", "--env", "Maze2D-v0"]
    run("record", *policy, "--env_kwargs", json.dumps(kwargs), "--transitions=60", "--out", path)
    wide = ["--feasibility.distance=l2", "--feasibility.tolerance=0.5"]
    code, _, complaint = run(*in_maze(path, tmp_path, *wide, observation="coordinates"))
    assert code == 2
    assert "feasibility.tolerance" in complaint
    fine = ["--feasibility.distance=l2", "--feasibility.tolerance=0.01", "--feasibility.infeasible_error=0.05"]
    code, _, complaint = run(*in_maze(path, tmp_path, *fine, observation="coordinates"))
    assert code == 0, complaint
    assert float(last_row(tmp_path / "run")["bridging/infeasible"]) == 0


def test_an_agent_that_cannot_reach_the_goal_is_warned_of(run, tmp_path, expert):
    code, _, complaint = run(*in_maze(expert, tmp_path, action_set="north+west"))
    assert code == 0, complaint
    assert "warning: the goal of this maze cannot be reached" in complaint


def test_minatar_with_fewer_actions_learns_from_the_whole_sets_expert(run, tmp_path):
    actions = ['--data.env_kwargs={"actions": ["l", "r"]}', "--expert_transitions=500", "--video=null"]
    code, _, complaint = run(*fit("ha_diiqn", tmp_path / "run", *actions, frames=1200))
    assert code == 0, complaint
    assert last_row(tmp_path / "run")["bridging/infeasible"] != ""


def test_point_maze_merges_states_within_its_own_tolerance(run, tmp_path):
    pytest.importorskip("mujoco")
    layer = ["--config", CONFIGS / "env" / "point_maze.yaml", "--expert_transitions=1000", *SHORT, "--video=null"]
    code, _, complaint = run(*fit("ha_diiqn", tmp_path / "run", *layer, "--bridge_figure=null", frames=2400))
    assert code == 0, complaint
    row = last_row(tmp_path / "run")
    assert float(row["bridging/precision"]) > 0.9
    # Braked, states of a node differ in their places alone: by its diagonal, √(4 · 0.12²), and a little speed.
    assert 0 < float(row["bridging/gap"]) < 0.4
