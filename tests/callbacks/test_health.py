"""Warnings of runs that really go wrong."""

from tests.cli.conftest import CORRIDOR
from tests.cli.test_training import diiqn_on_corridor, fit


def test_says_that_no_state_has_guidance(run, tmp_path, expert_path):
    # The corridor's observations carry a mark of the episode that the expert's do not: at τ = 1 none is equal.
    strict = ["--expert_sampling.expert_draw=neighbour", "--expert_sampling.similarity_threshold=1",
              "--expert_sampling.distance=l2"]  # fmt: skip
    code, _, complaint = run(*fit("diiqn", tmp_path / "run", *diiqn_on_corridor(expert_path), *strict, frames=600))
    assert code == 0, complaint
    assert complaint.count("warning: no sampled state has guidance") == 1
    assert "similarity_threshold" in complaint


def test_says_that_values_diverge(run, tmp_path):
    steep = ["--model.optimizer.init_args.lr=3", "--video=null"]
    code, _, complaint = run(*fit("dqn", tmp_path / "run", *CORRIDOR, *steep, frames=2000))
    assert code == 0, complaint
    assert complaint.count("they diverge") == 1


def test_says_that_the_return_stays_on_the_experts_level(run, tmp_path, expert_path):
    # Every episode of the corridor that ends in time returns 1, the expert's too: constant trust is never over.
    constant = ["--model.confidence=FixedConfidence", "--model.exploration.frames=300", "--model.exploration.end=0"]
    code, _, complaint = run(
        *fit("diiqn", tmp_path / "run", *diiqn_on_corridor(expert_path), *constant, "--video=null", frames=4000)
    )
    assert code == 0, complaint
    assert complaint.count("on the expert's level") == 1
    assert "expert_weight" in complaint


def test_says_nothing_of_a_run_that_is_well(run, tmp_path, expert_path):
    code, _, complaint = run(*fit("diiqn", tmp_path / "run", *diiqn_on_corridor(expert_path), "--video=null"))
    assert code == 0
    assert "warning" not in complaint
