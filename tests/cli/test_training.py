import csv
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

import wandb
from diiqn_lightning.experts import files
from diiqn_lightning.report import run_folder
from diiqn_lightning.report.run_folder import RunFolder
from tests.cli.conftest import CORRIDOR, SHORT
from tests.conftest import walk

CONFIGS = Path(__file__).parents[2] / "configs"
WHOLE_RUNS = sorted(path.stem for path in CONFIGS.glob("*.yaml"))
ENVIRONMENTS = sorted(path.stem for path in (CONFIGS / "env").glob("*.yaml"))


def fit(config, run_dir, *more, frames=400):
    """A short run: layers of configuration first, which set lengths of their own, then what makes it short."""
    parts = [str(part) for part in more]
    layers = [word for i, part in enumerate(parts) if part == "--config" for word in parts[i : i + 2]]
    options = [part for i, part in enumerate(parts) if part != "--config" and (i == 0 or parts[i - 1] != "--config")]
    first = CONFIGS / f"{config}.yaml"
    return ["fit", "--config", first, *layers, *SHORT, f"--max_frames={frames}", "--run_dir", run_dir, *options]


def diiqn_on_corridor(expert_path):
    return [*CORRIDOR, "--expert", str(expert_path), "--action_inference.relabel_every_n_frames=80"]


def metrics(run_dir):
    with (run_dir / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("config", WHOLE_RUNS)
def test_every_shipped_algorithm_runs(config, run, tmp_path):
    code, printed, complaint = run(*fit(config, tmp_path / "run"))
    assert code == 0, complaint
    folder = tmp_path / "run"
    for name in ("config.yaml", "metrics.csv", "summary.json", "curve.png", "checkpoints/last/model.ckpt"):
        assert (folder / name).exists(), name
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["algorithm"] == config
    assert summary["environment"] == "breakout"
    assert summary["frames"] == 416  # the first multiple of 32 environments from 400 on
    assert summary["updates"] == 79
    assert str(folder) in printed
    rows = metrics(folder)
    assert [row["frames"] for row in rows if row["eval/return"]] == ["224", "416"]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_shipped_environment_runs(environment, run, tmp_path):
    layer = ["--config", CONFIGS / "env" / f"{environment}.yaml", "--video=null"]
    code, _, complaint = run(*fit("diiqn", tmp_path / "run", *layer))
    assert code == 0, complaint
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["environment"] == environment
    assert summary["expert"]["name"] == f"{environment}-medium"


def test_an_algorithm_without_an_expert_leaves_the_environments_one_aside(run, tmp_path):
    code, _, complaint = run(
        *fit("dqn", tmp_path / "run", "--config", CONFIGS / "env" / "breakout.yaml", "--video=null")
    )
    assert code == 0, complaint
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["expert"] is None


def test_diiqn_logs_what_it_does(run, tmp_path, expert_path):
    code, printed, complaint = run(*fit("diiqn", tmp_path / "run", *diiqn_on_corridor(expert_path)))
    assert code == 0, complaint
    last = metrics(tmp_path / "run")[-1]
    for column in (
        "train/return", "train/loss", "train/frames_per_second", "eval/return_greedy", "eval/return",
        "expert/weight", "expert/guidance_rate", "inference/accuracy", "inference/coverage",
    ):  # fmt: skip
        assert last[column] != "", column
    assert float(last["expert/guidance_rate"]) == 1
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["expert"]["name"] == "walk"
    assert summary["expert"]["hash"] == walk().states.content_hash
    assert "expert walk" in printed
    assert "random agent" in printed


@pytest.mark.parametrize("votes", ["false", "true"])
def test_nearest_inference_finds_the_right_actions(votes, run, tmp_path, expert_path):
    nearest = [
        "--action_inference=NearestTransition",
        f"--action_inference.votes={votes}",
        "--action_inference.distance=l2",
        "--action_inference.error_max=3",
    ]
    code, _, complaint = run(
        *fit("diiqn", tmp_path / "run", *CORRIDOR, "--expert", expert_path, *nearest, "--model.labeller=null")
    )
    assert code == 0, complaint
    # The agent's states carry a mark of their episode, so no match is exact; the nearest is near enough.
    assert float(metrics(tmp_path / "run")[-1]["inference/accuracy"]) > 0.9


def test_a_short_run_learns_the_corridor(run, tmp_path):
    """From a fixed seed, 6,000 frames suffice to walk straight to the reward in 3 of up to 20 steps."""
    fast = ["--model.exploration.frames=3000", "--model.optimizer.lr=0.003", "--data.frames_per_epoch=6000"]
    code, _, complaint = run(*fit("dqn", tmp_path / "run", *CORRIDOR, *fast, "--video=null", frames=6000))
    assert code == 0, complaint
    last = metrics(tmp_path / "run")[-1]
    assert float(last["eval/return_greedy"]) == 1
    assert float(last["eval/episode_length_greedy"]) == 3


def test_cartpole_trains(run, tmp_path):
    code, _, complaint = run(*fit("dqn", tmp_path / "run", "--data.env=CartPole-v1"))
    assert code == 0, complaint  # with or without the library that draws its pictures
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["environment"] == "cart_pole"


def test_layers_override_in_order_and_the_resolved_configuration_repeats_the_run(run, tmp_path):
    layer = tmp_path / "layer.yaml"
    layer.write_text("model:\n  init_args:\n    discount: 0.5\ndata:\n  num_envs: 2\n")
    code, _, complaint = run(
        *fit("dqn", tmp_path / "run", *CORRIDOR, "--config", layer, "--data.num_envs=8", "--video=null")
    )
    assert code == 0, complaint
    resolved = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert resolved["model"]["init_args"]["discount"] == 0.5
    assert resolved["data"]["num_envs"] == 8
    assert resolved["algorithm"] == "dqn"
    code, _, complaint = run("fit", "--config", tmp_path / "run" / "config.yaml", "--run_dir", tmp_path / "again")
    assert code == 0, complaint
    assert curve(tmp_path / "again") == curve(tmp_path / "run")


def test_annealing_lowers_the_learning_rate_of_the_q_network_alone(run, tmp_path, expert_path):
    annealing = "--model.annealing={start: 1, end: 0.1, frames: 500}"
    run(*fit("diiqn", tmp_path / "run", *diiqn_on_corridor(expert_path), "--video=null", annealing, frames=600))
    rates = [float(row["train/learning_rate"]) for row in metrics(tmp_path / "run")]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] > 1.5e-4
    assert rates[-1] == pytest.approx(2.5e-5)
    checkpoint = torch.load(tmp_path / "run" / "checkpoints" / "last" / "model.ckpt", weights_only=True)
    q_network, labeller = checkpoint["optimizer_states"][0]["param_groups"]
    assert (q_network["lr"], labeller["lr"]) == (pytest.approx(2.5e-5), 1e-3)


def test_what_has_faded_costs_and_weighs_nothing(run, tmp_path, expert_path):
    line = "{start: 1, end: 0, frames: 500}"
    fading = f"--model.fading={{td: {line}, imitation: {line}}}"
    run(*fit("diiqn", tmp_path / "run", *diiqn_on_corridor(expert_path), "--video=null", fading, frames=700))
    rows = metrics(tmp_path / "run")
    weights = [float(row["expert/weight"]) for row in rows]
    assert max(weights) > 0
    assert weights[-1] == 0
    assert rows[-1]["expert/loss"] == ""


OPTIONS = {
    "n-step": ["--expert_sampling.n_step=3"],
    "augmented backup": ["--expert_sampling.augmented_backup=true"],
    "squared margin": ["--model.expert_loss.margin_shape=squared"],
    "certain labels": ["--action_inference.certainty=above_chance", "--model.expert_loss.imitation_weight=certainty"],
    "uniform labels": ["--model.labeller.largest_action_weight=20"],
    "labels by more states": ["--model.labeller.history=2"],
    "shaping": ["--model.shaping={}"],
    "fading": ["--model.fading.td={start: 1, end: 0, frames: 200}"],
    "lower bound": ["--model.expert_loss.lower_bound=1"],
    "returns": ["--model.confidence=ReturnConfidence"],
    "uncertainty": ["--model.confidence=ReturnConfidence", "--model.confidence.deviations=1", "--model.value_heads=3"],
    "next steps": ["--model.confidence=ReturnConfidence", "--model.confidence.horizon=n_step"],
    "carry-over": ["--model.carry_over={}", "--expert_sampling.held_out=0.2"],
    "own values": ["--model.confidence.value_beta=5"],
    "one head": ["--model.value_heads=0", "--model.value_network=shared", "--model.acting=policy"],
    "two heads of one network": ["--model.value_network=shared", "--model.trusting_exploration=0"],
    "prioritized": ["--data.prioritized.alpha=0.6", "--model.priority=mixed"],
}


@pytest.mark.parametrize("option", OPTIONS)
def test_options_of_the_experts_side_run(option, run, tmp_path, expert_path):
    more = [*diiqn_on_corridor(expert_path), "--video=null", *OPTIONS[option]]
    code, _, complaint = run(*fit("diiqn", tmp_path / "run", *more, frames=300))
    assert code == 0, complaint
    assert 0 < float(metrics(tmp_path / "run")[-1]["expert/weight"]) < 1


def test_another_confidence_can_be_named_on_the_command_line(run, tmp_path, expert_path):
    more = [*diiqn_on_corridor(expert_path), "--video=null", "--model.confidence=EpisodeConfidence"]
    code, _, complaint = run(*fit("diiqn", tmp_path / "run", *more))
    assert code == 0, complaint
    confidence = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())["model"]["init_args"]["confidence"]
    assert confidence["class_path"].endswith(".EpisodeConfidence")
    assert metrics(tmp_path / "run")[-1]["expert/lead"]


def curve(folder):
    return [{k: v for k, v in row.items() if "second" not in k} for row in metrics(folder)]


def test_environments_in_workers_make_the_same_run(run, tmp_path):
    for name, workers, frames in (("one", 0, 400), ("two", 2, 400)):
        code, _, complaint = run(
            *fit("dqn", tmp_path / name, *CORRIDOR, f"--data.workers={workers}", "--video=null", frames=frames)
        )
        assert code == 0, complaint
    assert curve(tmp_path / "one") == curve(tmp_path / "two")
    for file in ("model.ckpt", "rank-0.pt"):
        one, two = (tmp_path / name / "checkpoints" / "last" / file for name in ("one", "two"))
        assert_same(torch.load(one, weights_only=True), torch.load(two, weights_only=True))


@pytest.mark.parametrize("config", ["dqn", "diiqn"])
def test_a_run_whose_steps_overlap_its_updates_is_resumed_bit_by_bit(config, run, tmp_path, expert_path):
    more = [*(diiqn_on_corridor(expert_path) if config == "diiqn" else CORRIDOR), "--video=null", "--data.workers=1"]
    more.append("--model.exploration={start: 0.3, end: 0.3, frames: 1}")  # so that actions are the network's
    for name, lengths in (("whole", [400]), ("cut", [200, 400])):
        for length in lengths:
            resume = [] if length == lengths[0] else ["--ckpt_path=last"]
            arguments = fit(config, tmp_path / name, *more, "--data.overlap=true", *resume, frames=length)
            code, _, complaint = run(*arguments)
            assert code == 0, complaint
    assert curve(tmp_path / "whole") == curve(tmp_path / "cut")


def test_another_seed_is_another_run(run, tmp_path):
    for seed in (1, 2):
        run(*fit("dqn", tmp_path / str(seed), *CORRIDOR, "--video=null", f"--seed_everything={seed}"))
    assert curve(tmp_path / "1") != curve(tmp_path / "2")


@pytest.mark.parametrize("config", ["dqn", "diiqn"])
def test_validate_and_test_play_a_checkpoint_with_more_episodes(config, run, tmp_path, expert_path):
    more = diiqn_on_corridor(expert_path) if config == "diiqn" else CORRIDOR
    run(*fit(config, tmp_path / "run", *more, "--video=null"))
    for verb in ("validate", "test"):
        code, printed, complaint = run(
            verb, "--config", tmp_path / "run" / "config.yaml", "--data.evaluation.episodes=7",
            "--ckpt_path", tmp_path / "run" / "checkpoints" / "last" / "model.ckpt",
        )  # fmt: skip
        assert code == 0, complaint
        assert "7 episodes" in printed
        assert "greedy" in printed
        tested = tmp_path / "run" / "test.json"
        assert tested.exists() == (verb == "test")
    evaluated = json.loads(tested.read_text())["eval"]["epsilon"]
    assert evaluated["episodes"] == 7
    assert f"{evaluated['mean']:.2f}" in printed
    assert str(tested) in printed


def test_both_evaluations_may_be_greedy(run, tmp_path):
    code, _, complaint = run(*fit("dqn", tmp_path / "run", *CORRIDOR, "--video=null", "--data.evaluation.epsilon=0"))
    assert code == 0, complaint
    evaluated = json.loads((tmp_path / "run" / "summary.json").read_text())["eval"]
    assert evaluated["greedy"] == evaluated["epsilon"]
    assert evaluated["greedy"]["mean"] is not None


def test_what_was_played_in_another_world_is_not_kept_with_the_run(run, tmp_path):
    run(*fit("dqn", tmp_path / "run", *CORRIDOR, "--video=null"))
    code, _, complaint = run(
        "test", "--config", tmp_path / "run" / "config.yaml", "--data.env_kwargs", '{"start_jitter": 1}',
        "--ckpt_path", tmp_path / "run" / "checkpoints" / "last" / "model.ckpt",
    )  # fmt: skip
    assert code == 0, complaint
    assert not (tmp_path / "run" / "test.json").exists()


def timed_frames(folder):
    return json.loads((folder / "checkpoints" / "last" / "manifest.json").read_text())["timed_frames"]


@pytest.mark.parametrize("config", ["dqn", "diiqn"])
def test_a_resumed_run_ends_like_one_that_never_stopped(config, run, tmp_path, expert_path):
    more = diiqn_on_corridor(expert_path) if config == "diiqn" else CORRIDOR
    more = [*more, "--model.annealing={start: 1, end: 0.1, frames: 900}", "--model.averaging=100"]
    if config == "diiqn":
        more += [
            "--model.fading.imitation={start: 1, end: 0, frames: 900}",
            "--model.fading.outgrown={frames: 5000, lead: 0.5}",
        ]
    run(*fit(config, tmp_path / "whole", *more, "--video=null", frames=1000))
    run(*fit(config, tmp_path / "parts", *more, "--video=null", frames=600))
    before = timed_frames(tmp_path / "parts")
    code, _, complaint = run(*fit(config, tmp_path / "parts", *more, "--video=null", "--ckpt_path=last", frames=1000))
    assert code == 0, complaint
    assert curve(tmp_path / "parts") == curve(tmp_path / "whole")
    # Each session's clock starts with its second batch.
    assert 300 < timed_frames(tmp_path / "parts") - before < 400
    for file in ("model.ckpt", "rank-0.pt"):
        one, other = (tmp_path / name / "checkpoints" / "last" / file for name in ("whole", "parts"))
        assert_same(torch.load(one, weights_only=True), torch.load(other, weights_only=True))


OTHERWISE = {
    "number of environments": ("--data.num_envs=8", ["data.num_envs is 8", "made with: 4"]),
    "network": ("--model.value_heads=2", ["value_heads is 2", "made with: 1"]),
    "averaged weights": ("--model.averaging=50", ["averaging is 50"]),
    "learning rate": ("--model.optimizer.lr=0.5", ["model.init_args.optimizer", "'lr': 0.5", "'lr': 0.00025"]),
    "dataset": ("--expert={tmp}/another.expert", ["expert is 'another (", "learned from: walk ("]),
    "environment": ("--data.env=Corridor-v1", ["data.env is 'Corridor-v1'", "Corridor-v0"]),
    "seed": ("--seed_everything=7", ["seed_everything is 7", "made with: 0"]),
    "options of the environment": ("--data.env_kwargs={start_jitter: 1}", ["data.env_kwargs is", "made with: None"]),
    "weighing by held-out episodes": ("--model.carry_over=null", ["model.init_args.carry_over is None"]),
    "number of processes": ("--trainer.devices=2", ["trainer.devices", "is 2", "as many processes: 1"]),
}


@pytest.mark.parametrize("what", OTHERWISE)
def test_resuming_with_something_else_is_refused(what, run, tmp_path, expert_path):
    files.save(walk(episodes=4), tmp_path / "another.expert")
    more = [*diiqn_on_corridor(expert_path), "--video=null", "--trainer.accelerator=cpu"]
    run(*fit("diiqn", tmp_path / "run", *more))
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*")}
    argument, hints = OTHERWISE[what]
    code, _, complaint = run(
        *fit("diiqn", tmp_path / "run", *more, "--ckpt_path=last", argument.replace("{tmp}", str(tmp_path)), frames=800)
    )
    assert code == 2
    for hint in hints:
        assert hint in complaint
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*")} == before


def test_a_run_that_was_killed_before_its_summary_makes_its_last_frames_again(run, tmp_path):
    for name in ("whole", "killed"):
        assert run(*fit("dqn", tmp_path / name, *CORRIDOR, "--video=null", frames=600))[0] == 0
    (tmp_path / "killed" / "summary.json").unlink()
    again = fit("dqn", tmp_path / "killed", *CORRIDOR, "--video=null", "--ckpt_path=last", frames=600)
    code, _, complaint = run(*again)
    assert code == 0, complaint
    assert "making its last frames again" in complaint
    assert curve(tmp_path / "killed") == curve(tmp_path / "whole")
    code, _, complaint = run(*again)
    assert code == 2
    assert "give more than the 600 frames of the checkpoint" in complaint


def test_a_run_whose_last_update_comes_early_has_all_its_frames_and_is_finished(run, tmp_path):
    arguments = fit("dqn", tmp_path / "run", *CORRIDOR, "--video=null", "--data.frames_per_update=64", frames=600)
    assert run(*arguments)[0] == 0
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["frames"] == 600
    assert summary["eval"]["epsilon"]["mean"] is not None
    code, _, complaint = run(*arguments, "--ckpt_path=last")
    assert code == 2
    assert "give more than the 600 frames of the checkpoint" in complaint


def test_a_run_that_keeps_one_checkpoint_has_one_to_go_on_from_until_it_has_its_summary(run, tmp_path, monkeypatch):
    once = fit("dqn", tmp_path / "run", *CORRIDOR, "--video=null", "--checkpoint.keep=1", frames=600)

    def killed(*_):
        raise SystemExit(137)

    with monkeypatch.context() as patch:
        patch.setattr("diiqn_lightning.cli.training.finish_run", killed)
        with pytest.raises(SystemExit):
            run(*once)
    assert len(list((tmp_path / "run" / "checkpoints").glob("[0-9]*"))) == 2
    code, _, complaint = run(*once, "--ckpt_path=last")
    assert code == 0, complaint
    assert len(list((tmp_path / "run" / "checkpoints").glob("[0-9]*"))) == 1
    assert (tmp_path / "run" / "summary.json").exists()


def test_a_run_that_was_killed_before_its_first_checkpoint_begins_anew_and_says_so(run, tmp_path):
    for name in ("whole", "killed"):
        assert run(*fit("dqn", tmp_path / name, *CORRIDOR, "--video=null", frames=600))[0] == 0
    shutil.rmtree(tmp_path / "killed" / "checkpoints")
    (tmp_path / "killed" / "summary.json").unlink()
    code, _, complaint = run(
        *fit("dqn", tmp_path / "killed", *CORRIDOR, "--video=null", "--ckpt_path=last", frames=600)
    )
    assert code == 0, complaint
    assert "was left before its first checkpoint; beginning it anew" in complaint
    assert curve(tmp_path / "killed") == curve(tmp_path / "whole")


def test_a_run_from_anothers_checkpoint_begins_from_it_again_where_it_was_killed_before_its_own(run, tmp_path):
    assert run(*fit("dqn", tmp_path / "one", *CORRIDOR, "--video=null"))[0] == 0
    theirs = tmp_path / "one" / "checkpoints" / "last" / "model.ckpt"

    def fork(name, checkpoint):
        more = [*CORRIDOR, "--video=null", f"--ckpt_path={checkpoint}"]
        return run(*fit("dqn", tmp_path / name, *more, frames=800))

    for name in ("whole", "killed"):
        assert fork(name, theirs)[0] == 0
    shutil.rmtree(tmp_path / "killed" / "checkpoints")
    (tmp_path / "killed" / "summary.json").unlink()
    code, _, complaint = fork("killed", "last")
    assert code == 2
    assert f"began from {theirs}" in complaint
    code, _, complaint = fork("killed", theirs)
    assert code == 0, complaint
    assert curve(tmp_path / "killed") == curve(tmp_path / "whole")


def test_weights_of_another_network_leave_the_run_as_it_was(run, tmp_path):
    """Nothing but the weights tells of an option that a checkpoint's manifest does not know yet."""
    folder = tmp_path / "run"
    assert run(*fit("dqn", folder, *CORRIDOR, "--video=null"))[0] == 0
    file = (folder / "checkpoints" / "last").resolve() / "manifest.json"
    manifest = json.loads(file.read_text())
    del manifest["identity"]["structure"]["model.init_args.hidden"]
    file.write_text(json.dumps(manifest))
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    wider = ["--ckpt_path=last", "--model.hidden=[16]"]
    code, _, complaint = run(*fit("dqn", folder, *CORRIDOR, "--video=null", *wider, frames=800))
    assert code == 2
    assert "its weights do not fit the network" in complaint
    assert len(complaint.strip().splitlines()) == 1
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()} == before


def test_a_checkpoint_of_another_run_does_not_go_on_in_a_folder_that_holds_one(run, tmp_path):
    for name in ("one", "other"):
        assert run(*fit("dqn", tmp_path / name, *CORRIDOR, "--video=null"))[0] == 0
    theirs = tmp_path / "one" / "checkpoints" / "last" / "model.ckpt"
    code, _, complaint = run(
        *fit("dqn", tmp_path / "other", *CORRIDOR, "--video=null", f"--ckpt_path={theirs}", frames=800)
    )
    assert code == 2
    assert "it holds a run that" in complaint


def test_another_algorithm_cannot_go_on_with_a_checkpoint(run, tmp_path, expert_path):
    assert run(*fit("dqn", tmp_path / "run", *CORRIDOR, "--video=null"))[0] == 0
    more = [*diiqn_on_corridor(expert_path), "--video=null", "--ckpt_path=last"]
    code, _, complaint = run(*fit("diiqn", tmp_path / "run", *more, frames=800))
    assert code == 2
    assert "resume with the algorithm that the checkpoint is of: DQN" in complaint
    assert len(complaint.strip().splitlines()) == 1


def test_a_callback_of_lightnings_own_logs_beside_the_projects(run, tmp_path):
    monitor = ["--trainer.callbacks+=LearningRateMonitor", "--trainer.log_every_n_steps=20", "--wandb={}"]
    code, _, complaint = run(*fit("dqn", tmp_path / "run", *CORRIDOR, "--video=null", *monitor))
    assert code == 0, complaint
    rows = metrics(tmp_path / "run")
    assert [int(row["frames"]) for row in rows] == [104, 200, 300, 400]
    assert any(row["lr-LeanAdam"] and float(row["lr-LeanAdam"]) > 0 for row in rows)
    wandb.finish()  # until then the client may have written nothing
    (log,) = (tmp_path / "run" / "wandb").glob("offline-run-*/run-*.wandb")
    assert b"lr-LeanAdam" in log.read_bytes()


def test_with_fresh_data_a_run_goes_on_with_other_data(run, tmp_path, expert_path):
    files.save(walk(episodes=4), tmp_path / "another.expert")
    more = [*diiqn_on_corridor(expert_path), "--video=null"]
    assert run(*fit("diiqn", tmp_path / "run", *more))[0] == 0
    before = json.loads((tmp_path / "run" / "summary.json").read_text())
    other = [*more, "--ckpt_path=last", f"--expert={tmp_path / 'another.expert'}", "--data.num_envs=8"]
    code, _, complaint = run(*fit("diiqn", tmp_path / "run", *other, frames=800))
    assert code == 2
    assert "--fresh_data true" in complaint
    code, _, complaint = run(*fit("diiqn", tmp_path / "run", *other, "--fresh_data=true", frames=490))
    assert code == 2
    assert "give at least 504: 400 of the checkpoint, 100 before it learns" in complaint
    in_whole_steps = ["--fresh_data=true", "--data.num_envs=96", "--data.learning_starts=1"]
    summary = (tmp_path / "run" / "summary.json").read_bytes()
    code, _, complaint = run(*fit("diiqn", tmp_path / "run", *other, *in_whole_steps, frames=410))
    assert code == 2  # both 400 and 410 frames are 480 in whole steps
    assert "give at least 485" in complaint
    assert (tmp_path / "run" / "summary.json").read_bytes() == summary
    code, _, complaint = run(*fit("diiqn", tmp_path / "run", *other, "--fresh_data=true", frames=800))
    assert code == 0, complaint
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["frames"] == 800
    # 100 of the 400 frames fill the new replay before it is learned from.
    assert summary["updates"] == before["updates"] + 300 // 4
    assert int(metrics(tmp_path / "run")[-1]["frames"]) == 800
    sessions = json.loads((tmp_path / "run" / "sessions.json").read_text())
    assert [session["expert"]["name"] for session in sessions] == ["walk", "another"]
    assert all(len(session["expert"]["hash"]) > 8 and session["versions"]["torch"] for session in sessions)
    assert "--fresh_data=true" in sessions[1]["command"]
    # From there it goes on like any other.
    code, _, complaint = run(*fit("diiqn", tmp_path / "run", *other, frames=1000))
    assert code == 0, complaint
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["updates"] == summary["updates"] + 50


@pytest.mark.parametrize("verb", ["validate", "test", "fit"])
def test_a_checkpoint_that_was_cut_off_is_said_to_be(verb, run, tmp_path):
    assert run(*fit("dqn", tmp_path / "run", *CORRIDOR, "--video=null"))[0] == 0
    file = tmp_path / "run" / "checkpoints" / "last" / "model.ckpt"
    file.write_bytes(file.read_bytes()[:1000])
    asked = ["--config", tmp_path / "run" / "config.yaml", f"--ckpt_path={file}"]
    more = [f"--run_dir={tmp_path / 'run'}", "--max_frames=800"] if verb == "fit" else []
    code, _, complaint = run(verb, *asked, *more)
    assert code == 2
    assert "a file in it is damaged" in complaint
    assert "Traceback" not in complaint


def test_what_to_go_on_with_has_to_be_named(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, complaint = run("fit", "--config", CONFIGS / "dqn.yaml", *CORRIDOR, "--ckpt_path=last")
    assert code == 2
    assert "run_dir is None: name the folder of the run" in complaint
    assert not list(tmp_path.iterdir())


def test_fresh_data_is_for_runs_that_go_on(run, tmp_path):
    code, _, complaint = run(*fit("dqn", tmp_path / "run", *CORRIDOR, "--fresh_data=true"))
    assert code == 2
    assert "fresh_data is True: name the checkpoint" in complaint


def assert_same(one, other):
    """Nested states are equal bit by bit."""
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_same(a, b)
    elif isinstance(one, torch.Tensor):
        assert torch.equal(one, other)
    else:
        assert one == other


BAD = {
    "more workers than environments": (["--data.workers=64"], "data.workers is 64"),
    "overlap without workers": (["--data.overlap=true"], "data.overlap is True: give data.workers"),
    "unknown game": (["--data.env=MinAtar/Brakeout-v1"], "MinAtar/Breakout-v1"),
    "continuous actions": (["--data.env=Pendulum-v1"], "discrete"),
    "negative size": (["--data.num_envs=-1"], "data.num_envs is -1"),
    "zero size": (["--data.batch_size=0"], "data.batch_size is 0"),
    "not a number": (["--data.num_envs=many"], "data.num_envs"),
    "unknown key": (["--data.no_such_key=1"], "no_such_key"),
    "unknown key of the model": (["--model.no_such_key=1"], "no_such_key"),
    "out of range": (["--model.discount=7"], "model.discount is 7"),
    "too few frames": (["--max_frames=100"], "max_frames is 100"),
    "unwritable folder": (["--run_dir=/proc/none"], "run_dir is '/proc/none'"),
    "clipped gradients": (["--trainer.gradient_clip_val=1"], "several updates"),
    "half precision": (["--trainer.precision=16-mixed"], "give bf16-mixed"),
    "double precision": (["--trainer.precision=64-true"], "give bf16-mixed"),
    "another strategy": (["--trainer.strategy=fsdp"], "give auto or ddp"),
    "devices that are no number": (["--trainer.devices=abc"], "trainer.devices is 'abc'"),
    "no threads": (["--threads=0"], "threads is 0"),
    "negative seed": (["--seed_everything=-1"], "seed_everything is -1: give a whole number from 0 to 4294967295"),
    "no such profiler": (["--trainer.profiler=foo"], "trainer is 'not as Lightning takes it'"),
    "no such accelerator": (["--trainer.accelerator=tpu"], "correct its options"),
    "validation never": (["--trainer.check_val_every_n_epoch=0"], "trainer.check_val_every_n_epoch is 0"),
    "validation seldom": (["--trainer.check_val_every_n_epoch=2"], "give data.frames_per_epoch"),
    "a limit by steps": (["--trainer.max_steps=5"], "trainer.max_steps is 5: leave it out and give max_frames"),
    "no batches": (["--trainer.limit_train_batches=0"], "trainer.limit_train_batches is 0"),
    "one batch": (["--trainer.limit_train_batches=1"], "trainer.limit_train_batches is 1"),
    "one stream for all epochs": (["--trainer.reload_dataloaders_every_n_epochs=0"], "sets each epoch's length"),
    "a folder without a name": (["--run_dir="], "run_dir is ''"),
    "no checkpoint's file": (["--ckpt_path=checkpoints/last/modle.ckpt"], "ckpt_path is 'checkpoints/last/modle.ckpt'"),
    "null by Python's name": (["--data.prioritized=None"], "data.prioritized: None is written null"),
    "nothing to resume": (["--ckpt_path=last"], "no whole checkpoint"),
    "a replay of less than a batch": (["--data.replay_capacity=10"], "give at least data.batch_size, 32"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_gets_one_sentence(name, run, tmp_path):
    arguments, hint = BAD[name]
    code, _, complaint = run(*fit("dqn", tmp_path / "run", *arguments))
    assert code == 2
    assert complaint.splitlines()[-1].startswith("error: ")
    assert hint in complaint
    assert "Traceback" not in complaint
    assert not (tmp_path / "run").exists()


def test_processes_that_know_nothing_of_each_other_are_refused(run, tmp_path, monkeypatch):
    for name, value in {"TORCHELASTIC_RUN_ID": "none", "WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    code, _, complaint = run(*fit("dqn", tmp_path / "run", *CORRIDOR, "--video=null"))
    assert code == 2
    assert "trainer.devices × trainer.num_nodes is 1: give as many as torchrun has started, which are 2" in complaint
    assert not (tmp_path / "run").exists()


def damaged_dataset(tmp_path):
    files.save(walk(), tmp_path / "whole.expert")
    (tmp_path / "broken.expert").write_bytes((tmp_path / "whole.expert").read_bytes()[:-10])
    return tmp_path / "broken.expert"


BAD_EXPERT = {
    "missing file": (lambda tmp: ["--expert", tmp / "none.expert"], "no such file"),
    "truncated file": (lambda tmp: ["--expert", damaged_dataset(tmp)], "truncated"),
    "another environment's": (lambda tmp: ["--expert", tmp / "walk.expert", "--data.env=CartPole-v1"], "CartPole-v1"),
    "τ above 1": (
        lambda tmp: ["--expert", tmp / "walk.expert", "--expert_sampling.expert_draw=neighbour",
                     "--expert_sampling.similarity_threshold=1.5"],
        "similarity_threshold is 1.5",
    ),
    "hamming of numbers": (
        lambda tmp: ["--expert", tmp / "walk.expert", "--expert_sampling.expert_draw=neighbour"],
        "expert_sampling.distance is 'hamming'",
    ),
    "carry-over of nothing": (
        lambda tmp: ["--expert", tmp / "walk.expert", "--model.carry_over={}", "--expert_sampling.held_out=0"],
        "held_out is 0",
    ),
    "an episode held out of one": (
        lambda tmp: ["--expert", tmp / "walk.expert", "--expert_transitions=2", "--expert_sampling.held_out=0.2"],
        "held_out is '0.2 of 1 episode'",
    ),
    "priorities of uniform replay": (
        lambda tmp: ["--expert", tmp / "walk.expert", "--data.prioritized=null", "--model.priority=mixed"],
        "model.priority is 'mixed'",
    ),
    "another game's": (lambda tmp: ["--expert", CONFIGS.parent / "experts" / "asterix-weak.expert",
                                    "--data.env=MinAtar/Breakout-v1"], "MinAtar/Asterix-v1"),
    "counts of a neighbourhood without neighbours": (
        lambda tmp: ["--expert", tmp / "walk.expert", "--expert_visits.count_scope=neighbourhood"], "neighbourhood",
    ),
    "K larger than the data": (
        lambda tmp: ["--expert", tmp / "walk.expert", "--expert_sampling.expert_draw=neighbour",
                     "--expert_sampling.distance=l2",
                     "--expert_sampling.neighbours=100"],
        "neighbours is 100",
    ),
    "no expert": (lambda tmp: ["--expert=null"], "expert is None"),
    "no sampling": (lambda tmp: ["--expert", tmp / "walk.expert", "--expert_sampling=null"], "expert_sampling is None"),
    "a labeller that nobody asks": (
        lambda tmp: ["--expert", tmp / "walk.expert", "--action_inference=NearestTransition"],
        "set it to null",
    ),
    "no labeller": (lambda tmp: ["--expert", tmp / "walk.expert", "--model.labeller=null"], "model.labeller is None"),
    "a skill that is not shipped": (lambda tmp: ["--expert=strong"], "corridor-strong"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_EXPERT)
def test_a_bad_expert_gets_one_sentence(name, run, tmp_path, expert_path):
    make, hint = BAD_EXPERT[name]
    code, _, complaint = run(*fit("diiqn", tmp_path / "run", *CORRIDOR, *make(tmp_path)))
    assert code == 2
    assert hint in complaint
    assert "Traceback" not in complaint
    assert not (tmp_path / "run").exists()


def test_a_folder_is_of_one_run_at_a_time(run, tmp_path, monkeypatch):
    monkeypatch.setattr(run_folder, "LOCK_SECONDS", 0.2)
    (tmp_path / "run").mkdir()
    other = RunFolder(tmp_path / "run")
    other.hold()
    for more in ([], ["--ckpt_path=last"]):
        code, _, complaint = run(*fit("dqn", tmp_path / "run", *CORRIDOR, "--video=null", *more))
        assert code == 2
        assert "a run is at work there" in complaint
        assert [path.name for path in (tmp_path / "run").iterdir()] == [".lock"]
    other.release()
    code, _, complaint = run(*fit("dqn", tmp_path / "run", *CORRIDOR, "--video=null"))
    assert code == 0, complaint
    other.hold()  # the run has let go of it
    other.release()


def test_a_configuration_of_the_users_own_is_not_replaced(run, tmp_path):
    own = tmp_path / "mine" / "config.yaml"
    own.parent.mkdir()
    own.write_text("max_frames: 400  # few\n")
    code, _, complaint = run(*fit("dqn", own.parent, *CORRIDOR, "--video=null", "--config", own))
    assert code == 2
    assert "holds a config.yaml that no run has written" in complaint
    assert own.read_text() == "max_frames: 400  # few\n"


def test_a_checkpoint_may_be_named_by_its_folder(run, tmp_path):
    run(*fit("dqn", tmp_path / "run", *CORRIDOR, "--video=null"))
    last = tmp_path / "run" / "checkpoints" / "last"
    code, _, complaint = run("test", "--config", tmp_path / "run" / "config.yaml", "--ckpt_path", last)
    assert code == 0, complaint
    code, _, complaint = run(*fit("dqn", tmp_path / "more", *CORRIDOR, "--video=null", "--ckpt_path", last, frames=600))
    assert code == 0, complaint


def test_a_finished_run_is_never_overwritten(run, tmp_path):
    run(*fit("dqn", tmp_path / "run", *CORRIDOR, "--video=null"))
    before = (tmp_path / "run" / "metrics.csv").read_bytes()
    code, _, complaint = run(*fit("dqn", tmp_path / "run", *CORRIDOR, "--video=null"))
    assert code == 2
    assert "holds a run already" in complaint
    code, _, complaint = run(*fit("dqn", tmp_path / "run", *CORRIDOR, "--video=null", "--ckpt_path=last"))
    assert code == 2
    assert "give more than the 400 frames" in complaint
    assert (tmp_path / "run" / "metrics.csv").read_bytes() == before


# In processes of their own: signals, W&B.

CORRIDOR_PROCESS = "import sys, tests.conftest; from diiqn_lightning.__main__ import main; sys.exit(main(sys.argv[1:]))"


def start(arguments, **changes):
    environment = {k: v for k, v in os.environ.items() if k != "DIIQN_LIGHTNING_RUN_DIR"}
    return subprocess.Popen(
        [sys.executable, "-c", CORRIDOR_PROCESS, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=CONFIGS.parent,
        env=environment | changes,
    )


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0), (signal.SIGUSR1, 0)])
def test_an_interrupted_run_saves_says_so_and_goes_on(number, code, run, tmp_path):
    arguments = fit("dqn", tmp_path / "run", *CORRIDOR, "--video=null", "--data.frames_per_epoch=1000", frames=100_000)
    process = start(arguments)
    assert process.stdout is not None
    process.stdout.readline()  # the first evaluation
    process.send_signal(number)
    _, complaint = process.communicate(timeout=60)
    assert process.returncode == code
    assert "interrupted" in complaint
    assert "--ckpt_path last" in complaint
    assert "Traceback" not in complaint
    frames = json.loads((tmp_path / "run" / "checkpoints" / "last" / "manifest.json").read_text())["frames"]
    assert frames >= 1000
    code, _, complaint = run(*fit("dqn", tmp_path / "run", *CORRIDOR, "--video=null", "--ckpt_path=last",
                                  frames=frames + 500))  # fmt: skip
    assert code == 0, complaint
    assert [int(row["frames"]) for row in metrics(tmp_path / "run")] == sorted(
        {int(row["frames"]) for row in metrics(tmp_path / "run")}
    )


def test_wandb_works_offline_and_has_the_resolved_configuration(tmp_path, expert_path):
    arguments = fit("diiqn", tmp_path / "run", *diiqn_on_corridor(expert_path), "--wandb.mode=offline")
    process = start(arguments, WANDB_SILENT="true")
    _, complaint = process.communicate(timeout=120)
    assert process.returncode == 0, complaint
    (log,) = (tmp_path / "run" / "wandb").glob("offline-run-*/run-*.wandb")
    content = log.read_bytes()
    for name in ("frames", "train/loss", "eval/return", "expert/weight", "expert/weight_histogram", "eval/video"):
        assert name.encode() in content, name
    parts = ("target_update_interval", "relabel_every_n_frames", "walk.expert", walk().states.content_hash)
    for part_of_the_configuration in parts:
        assert part_of_the_configuration.encode() in content
