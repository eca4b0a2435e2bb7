"""A sweep that is stopped, called again and has a failing cell; its runs serve an experiment; W&B's agent takes it."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import pytest
import yaml
from wandb.wandb_agent import Agent

from diiqn_lightning.cli.experiment_parts import not_recorded, record_experts
from diiqn_lightning.errors import InputError
from diiqn_lightning.report.ledger import read_ledger
from diiqn_lightning.sweeps.experiment_file import read_experiment
from tests.cli.conftest import SHORT

pytestmark = pytest.mark.own_processes

ROOT = Path(__file__).parents[2]
FRAMES = 3000
QUICK = [*SHORT, "--data.num_envs=4", "--video=null", "--data.env=tests.conftest:Faulty-v0"]
SOUND, FAULTY = '{"fault": "raises", "after": 1000000}', '{"fault": "raises", "after": 50}'


def sweep_file(folder):
    path = folder / "fault.yaml"
    command = ["${env}", "${interpreter}", "-m", "diiqn_lightning", "fit", "--config", "configs/dqn.yaml", *QUICK]
    content = {
        "program": "main.py",
        "command": [*command, "${args}"],
        "method": "grid",
        "parameters": {"data.env_kwargs": {"values": [SOUND, FAULTY]}},
    }
    path.write_text(yaml.dump(content))
    return path


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A sweep that was stopped in its first cell."""
    folder = tmp_path_factory.mktemp("sweep")
    arguments = ["sweep", str(sweep_file(folder)), "--runs", str(folder / "runs"), f"--max_frames={FRAMES}"]
    process = subprocess.Popen(
        [sys.executable, "-m", "diiqn_lightning", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not list(folder.glob("runs/*/0/checkpoints/last")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    printed, complaint = process.communicate(timeout=60)
    return folder, arguments, process.returncode, printed, complaint


@pytest.fixture
def in_root(monkeypatch):
    """Configurations are named from the repository's root."""
    monkeypatch.chdir(ROOT)


def test_ctrl_c_lets_runs_save_and_says_how_to_go_on(stopped):
    folder, _, code, _, complaint = stopped
    assert code == 130
    assert "Traceback" not in complaint
    assert "2 of 2 runs are not finished. Go on with: python -m diiqn_lightning sweep" in complaint
    (last,) = folder.glob("runs/*/0/checkpoints/last")
    assert 0 < json.loads((last / "manifest.json").read_text())["frames"] < FRAMES
    (log,) = folder.glob("runs/*/0.log")
    assert "The run was interrupted; everything up to its last update is in" in log.read_text()


@pytest.fixture
def gone_on(stopped, run, in_root):
    """The same command once more."""
    folder, arguments, *_ = stopped
    return folder, run(*arguments)


def test_called_again_it_goes_on_and_a_failing_cell_stops_no_other(gone_on, stopped, run):
    folder, (code, printed, complaint) = gone_on
    assert code == 1
    assert "1 of 2 runs failed" in complaint
    assert "the corridor has collapsed" in complaint
    (summary,) = folder.glob("runs/*/0/summary.json")
    assert "--ckpt_path=last" in json.loads(summary.read_text())["command"]
    with (folder / "runs" / "cells.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert (row["data.env_kwargs"], row["frames"]) == (SOUND, str(FRAMES))
    assert [row["frames"] for row in read_ledger(folder / "runs" / "ledger.csv")] == [str(FRAMES)]
    # What is finished is not run again, and a dry run has the rest alone.
    written = summary.stat().st_mtime_ns
    code, printed, _ = run(*stopped[1], "--dry_run")
    assert code == 0
    assert printed.count("python -m diiqn_lightning fit") == 1
    assert FAULTY in printed
    assert summary.stat().st_mtime_ns == written
    check_an_experiment_uses_its_run(folder, run)


def check_an_experiment_uses_its_run(folder, run):
    """The finished run of the sweep is the experiment's first variant; the second one is run."""
    content = {
        "name": "tiny",
        "question": "Does the discount matter?",
        "claim": "It does.",
        "stands_for": {"short": "diiqn"},
        "base": ["--config=configs/dqn.yaml"],
        "arguments": [*QUICK, f"--data.env_kwargs={SOUND}"],
        "variants": {"long": [], "short": ["--model.discount=0.5"]},
        "environments": {"corridor": [], "again": []},
        "seeds": 1,
        "max_frames": 400,
        "report": ["--baseline=long"],
        "measures": ["train/loss"],
    }
    (folder / "tiny.yaml").write_text(yaml.dump(content))
    arguments = ["experiment", folder / "tiny.yaml", "--runs", folder / "experiment", "--out", folder / "report"]
    arguments += ["--reuse", folder / "runs" / "ledger.csv"]
    code, printed, complaint = run(*arguments)
    assert code == 0, complaint
    assert "2 from ledgers, 0 finished before, 1 to run (0 go on)" in printed
    assert "1 more are the same runs in another environment of the file, and are not run again" in printed
    assert "400 frames, less than 0.1 hours with 1 at a time\n  by measured frames/s" in printed
    assert "| corridor | long | 400 | 1 |" in printed
    assert "| corridor | short | 400 | 1 |" in printed
    assert "| again | short | 400 | 1 |" in printed
    assert len(list((folder / "experiment").glob("*/*/0/summary.json"))) == 1
    written = {path.name for path in (folder / "report").iterdir()}
    assert written >= {"ledger.csv", "curves.png", "returns.csv", "gains.csv", "measures.csv", "experiment.yaml"}
    page = (folder / "report" / "report.md").read_text()
    assert "Does the discount matter?\n\nThe claim: It does.\n" in page
    assert "Versions that the runs were made with: diiqn-lightning" in page
    code, printed, complaint = run(*arguments)
    assert "3 from ledgers, 1 finished before, 0 to run (0 go on)\nnothing is left to run" in printed
    content["variants"]["twin"] = ["--model.discount=0.99"]
    (folder / "tiny.yaml").write_text(yaml.dump(content))
    code, _, complaint = run(*arguments)
    assert code == 2
    assert "it is the same run as long" in complaint


def test_options_of_all_cells_are_checked_before_the_first_run(run, tmp_path, in_root):
    path = sweep_file(tmp_path)
    content = yaml.safe_load(path.read_text())
    content["parameters"] = {"data.env_kwargs": {"value": SOUND}, "model.discount": {"values": [0.9, 2.0]}}
    path.write_text(yaml.dump(content))
    code, _, complaint = run("sweep", path, "--runs", tmp_path / "runs", f"--max_frames={FRAMES}")
    assert code == 2
    assert ",discount=2.0: model.discount is 2.0: " in complaint
    assert complaint.count("\n") == 1
    assert not (tmp_path / "runs").exists()


def test_names_of_cells_that_would_be_alike_get_numbers(run, tmp_path, in_root):
    path = sweep_file(tmp_path)
    content = yaml.safe_load(path.read_text())
    alike = [SOUND, SOUND.replace("raises", "raises ")]
    content["parameters"] = {"data.env_kwargs": {"values": alike}, "seed_everything": {"values": [5, 6]}}
    path.write_text(yaml.dump(content))
    code, printed, complaint = run("sweep", path, "--runs", tmp_path / "runs", "--max_frames=400", "--dry_run")
    assert code == 0, complaint
    assert len(set(re.findall(r"--run_dir=(\S+)", printed))) == 4
    # With other seeds, the sweep's own make no difference.
    code, printed, _ = run("sweep", path, "--runs", tmp_path / "runs", "--max_frames=400", "--seeds=1", "--dry_run")
    assert printed.count("python -m diiqn_lightning fit") == 2


def test_a_file_that_is_no_ledger_is_refused_before_the_first_run(run, tmp_path, in_root):
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    code, _, complaint = run(
        "sweep", sweep_file(tmp_path), "--runs", tmp_path / "runs", "--ledger", tmp_path / "a.csv", "--max_frames=400"
    )
    assert code == 2
    assert "verb ledger" in complaint
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("verb", ["sweep", "experiment"])
def test_options_are_written_in_full(verb, capsys):
    with pytest.raises(SystemExit):
        import_module(f"diiqn_lightning.cli.{verb}").parser().parse_args(["a.yaml", "--seed", "3"])
    assert "unrecognized arguments: --seed 3" in capsys.readouterr().err


def test_two_workers_run_two_cells_at_a_time_and_never_a_third(run, tmp_path, in_root):
    path = sweep_file(tmp_path)
    content = yaml.safe_load(path.read_text())
    content["parameters"] = {"data.env_kwargs": {"value": SOUND}, "model.discount": {"values": [0.9, 0.95, 0.99]}}
    path.write_text(yaml.dump(content))
    out = tmp_path / "runs"
    code, _, shown = run("sweep", path, "--runs", out, "--max_frames=400", "--workers=2")
    assert code == 0, shown
    assert {int(count) for count in re.findall(r"(\d+) running of 3", shown)} >= {2}
    assert "3 running" not in shown
    with (out / "cells.csv").open() as file:
        assert sorted(row["model.discount"] for row in csv.DictReader(file)) == ["0.9", "0.95", "0.99"]
    # The third began when one was done; that two were alive at once is what the table says, for so short
    # runs need not overlap between their first and their last file.
    began = sorted(path.stat().st_mtime for path in out.glob("*/0/config.yaml"))
    done = sorted(path.stat().st_mtime for path in out.glob("*/0/summary.json"))
    assert len(began) == len(done) == 3
    assert done[0] < began[2]


def test_a_bayesian_sweep_names_the_command_of_the_server(run, in_root):
    code, _, complaint = run("sweep", "configs/sweeps/bayes.yaml")
    assert code == 2
    assert "`wandb sweep configs/sweeps/bayes.yaml`" in complaint


@pytest.fixture
def agents_environment(monkeypatch, tmp_path):
    """What an agent sets, and a folder of its own for runs and artifacts."""
    for name, value in {
        "WANDB_SWEEP_ID": "abcd1234", "WANDB_DIR": str(tmp_path), "WANDB_DATA_DIR": str(tmp_path / "data"),
        "WANDB_MODE": "offline", "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    for name in ("WANDB_RUN_ID", "DIIQN_LIGHTNING_RUN_DIR", "WANDB_SWEEP_PARAM_PATH"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    return tmp_path


def test_wandbs_agent_runs_a_shipped_sweep_on_two_ranks_under_its_own_id(agents_environment):
    content = yaml.safe_load((ROOT / "configs" / "sweeps" / "bayes.yaml").read_text())
    drawn = {
        "expert_sampling.similarity_threshold": 0.93, "expert_sampling.neighbours": 3,
        "model.confidence.count_max": 31234.5, "model.confidence.beta": 2.5,
    }  # fmt: skip
    assert drawn.keys() == content["parameters"].keys()
    quick = [word.removeprefix("--").split("=") for word in (*SHORT, "--max_frames=400", "--expert=weak")]
    quick += [("trainer.devices", 2), ("trainer.accelerator", "cpu")]
    given = {**drawn, **dict(quick), "video": "{}", "wandb": "{artifacts: [report, expert, checkpoint]}"}
    agent = Agent(None, None)
    agent._sweep_command = content["command"]
    agent._command_run(
        {"run_id": "r4nd0m1d", "program": content["program"], "args": {k: {"value": v} for k, v in given.items()}}
    )
    assert agent._run_processes["r4nd0m1d"].wait(timeout=200) == 0
    (folder,) = agents_environment.glob("runs/diiqn_literal/breakout/*")
    assert folder.name == "0-r4nd0m1d"
    resolved = yaml.safe_load((folder / "config.yaml").read_text())
    assert resolved["expert_sampling"]["neighbours"] == 3
    assert resolved["model"]["init_args"]["confidence"]["init_args"]["beta"] == 2.5
    (log,) = (folder / "wandb").glob("offline-run-*-r4nd0m1d/run-r4nd0m1d.wandb")
    logged = log.read_bytes()
    configuration = ("target_update_interval", json.loads((folder / "summary.json").read_text())["expert"]["hash"])
    artifacts = ("breakout-weak", "report-r4nd0m1d", "checkpoint-r4nd0m1d")
    metrics = ("frames", "train/loss", "eval/return", "expert/weight", "expert/weight_histogram", "eval/video")
    assert json.loads((folder / "checkpoints" / "last" / "manifest.json").read_text())["ranks"] == 2
    for name in (*configuration, *artifacts, *metrics, "diiqn_literal-breakout", "seed-0"):
        assert name.encode() in logged, name


def test_two_agents_on_one_machine_keep_out_of_each_others_way(agents_environment):
    command = [
        "${env}", "${interpreter}", "-m", "diiqn_lightning", "fit", "--config", "configs/dqn.yaml", "--video=null",
        "--wandb={artifacts: [report]}", *SHORT, "--max_frames=400", "${args}",
    ]  # fmt: skip
    agents = {"first001": Agent(None, None), "second02": Agent(None, None)}
    for discount, (run_id, agent) in zip((0.9, 0.95), agents.items(), strict=True):
        agent._sweep_command = command
        arguments = {"model.discount": {"value": discount}}
        agent._command_run({"run_id": run_id, "program": "main.py", "args": arguments})
    assert [agent._run_processes[run_id].wait(timeout=200) for run_id, agent in agents.items()] == [0, 0]
    folders = {path.name.rpartition("-")[2]: path for path in agents_environment.glob("runs/dqn/breakout/*")}
    assert folders.keys() == agents.keys()
    for discount, (run_id, folder) in zip((0.9, 0.95), sorted(folders.items()), strict=True):
        assert yaml.safe_load((folder / "config.yaml").read_text())["model"]["init_args"]["discount"] == discount
        assert json.loads((folder / "summary.json").read_text())["frames"] >= 400
        (log,) = (folder / "wandb").glob("offline-run-*/*.wandb")
        assert log.name == f"run-{run_id}.wandb"
        assert f"report-{run_id}".encode() in log.read_bytes()


def test_a_run_that_an_agent_resumes_goes_on_where_it_was(run, agents_environment, monkeypatch):
    monkeypatch.setenv("WANDB_RUN_ID", "again123")
    fit = ["fit", "--config=configs/dqn.yaml", *QUICK, f"--data.env_kwargs={SOUND}"]
    for frames in (300, 600):
        monkeypatch.setenv("WANDB_RUN_ID", "again123")
        code, _, complaint = run(*fit, f"--max_frames={frames}")
        assert code == 0, complaint
    (folder,) = agents_environment.glob("runs/dqn/faulty/*")
    with (folder / "metrics.csv").open() as file:
        frames = [int(row["frames"]) for row in csv.DictReader(file)]
    assert frames == sorted(set(frames))
    assert (frames[0], frames[-1]) == (104, 600)
    assert [session["wandb_id"] for session in json.loads((folder / "sessions.json").read_text())] == ["again123"] * 2


def test_an_experiment_records_only_experts_that_its_runs_learn_from(tmp_path, in_root):
    recorded = ["--policy=random", "--env=CartPole-v1", "--transitions=50"]
    content = {
        "name": "two_experts",
        "question": "Which?",
        "variants": {name: ["--config=configs/diiqn.yaml", f"--expert={{experts}}/{name}.expert"] for name in "ab"},
        "environments": {"cart": ["--data.env=CartPole-v1"]},
        "experts": {"a": recorded, "b": recorded},
        "seeds": 1,
        "max_frames": 400,
    }
    (tmp_path / "two.yaml").write_text(yaml.dump(content))
    experiment, folder = read_experiment(tmp_path / "two.yaml").only(["b"], None), tmp_path / "experts"
    runs = list(experiment.runs(folder, None, None))
    assert not_recorded(experiment, runs, folder) == runs
    record_experts(experiment, runs, folder)
    assert [path.name for path in folder.iterdir()] == ["b.expert"]
    assert not_recorded(experiment, runs, folder) == []
    # Called again it is taken as it is, and not for one that the file describes otherwise by now.
    record_experts(experiment, runs, folder)
    content["experts"]["b"] = [*recorded, "--seed=1"]
    (tmp_path / "two.yaml").write_text(yaml.dump(content))
    of_a = read_experiment(tmp_path / "two.yaml").only(["a"], None)
    record_experts(of_a, list(of_a.runs(folder, None, None)), folder)  # which does not need b
    with pytest.raises(InputError, match="experts.b in .*recorded with other arguments"):
        record_experts(read_experiment(tmp_path / "two.yaml"), runs, folder)
