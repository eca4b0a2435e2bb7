"""Several processes that train as one."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest
import torch

from diiqn_lightning.packing import unpack_state
from tests.cli.test_training import CONFIGS, fit

pytestmark = pytest.mark.own_processes

CHECKED = """
import sys
from diiqn_lightning.__main__ import main
from diiqn_lightning.callbacks import rank_merging
import diiqn_lightning.cli.training as training
training.RankMerging = lambda: rank_merging.RankMerging(every_n_updates=40)
from tests.cli.rank_checks import SameOnAllRanks
built = training.TrainingCLI._callbacks_of_every_run
def with_checks(*arguments):
    merging, *others = built(*arguments)
    return [merging, SameOnAllRanks(every_n_updates=40), *others]
training.TrainingCLI._callbacks_of_every_run = with_checks
sys.exit(main(sys.argv[1:]))
"""
"""The command line with the checks between merging and learning, and a merge every 40 updates."""

BREAKOUT = ["--data.num_envs=4", "--action_inference.relabel_every_n_frames=80"]
MAZE = [
    "--config", CONFIGS / "env" / "maze2d.yaml", "--action_inference.relabel_every_n_frames=80",
    "--data.num_envs=4", "--bridge_figure=null",
]  # fmt: skip
CASES = {
    "diiqn": BREAKOUT,
    "diiqn_literal": ["--data.num_envs=4", "--action_inference.votes=true"],
    "ha_diiqn": MAZE,
    "jsrl": [*BREAKOUT, "--model.guide_from=200", "--model.stage_frames=100"],
}


def launch(tmp_path, script):
    path = tmp_path / "checked.py"
    path.write_text(script)
    return [sys.executable, path]


MANY = [*((config, 2) for config in CASES), ("diiqn", 4), ("ha_diiqn", 4)]


@pytest.mark.parametrize("accelerator", ["cpu", "gpu"])
@pytest.mark.parametrize(("config", "ranks"), MANY)
def test_all_ranks_have_the_same_weights_and_know_the_same(config, ranks, accelerator, tmp_path, monkeypatch):
    if accelerator == "gpu" and torch.cuda.device_count() < ranks:
        pytest.skip(f"needs {ranks} GPUs, here are {torch.cuda.device_count()}")
    monkeypatch.setenv("PYTHONPATH", str(CONFIGS.parent), prepend=os.pathsep)
    several = [f"--trainer.devices={ranks}", f"--trainer.accelerator={accelerator}", "--video=null"]
    arguments = fit(config, tmp_path / "run", *CASES[config], *several, frames=160 * ranks + 400)
    done = subprocess.run(
        [str(part) for part in [*launch(tmp_path, CHECKED), *arguments]],
        capture_output=True, text=True, timeout=250, cwd=CONFIGS.parent,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    folder = tmp_path / "run" / "checkpoints" / "last"
    states = [unpack_state(torch.load(folder / f"rank-{rank}.pt", weights_only=True))["data"] for rank in range(ranks)]
    assert [state["frames"] for state in states] == [summary["frames"]] * ranks
    assert [state["updates"] for state in states] == [summary["updates"]] * ranks
    stored = [len(state["replay"]["storage"]["action"]) for state in states]
    assert stored == [summary["frames"] // ranks] * ranks


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def torchrun(node, port, arguments):
    """A node of two, with one process, on this machine."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nnodes=2", f"--node-rank={node}",
                "--nproc-per-node=1", "--master-addr=127.0.0.1", f"--master-port={port}"]  # fmt: skip
    return subprocess.Popen(
        [str(part) for part in [*launcher, "-m", "diiqn_lightning", *arguments]],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=CONFIGS.parent,
    )  # fmt: skip


def test_two_nodes_under_torchrun(tmp_path):
    two = ["--config", CONFIGS / "trainer" / "ddp.yaml", "--trainer.devices=1", "--trainer.num_nodes=2"]
    arguments = fit("diiqn", tmp_path / "run", *two, "--trainer.accelerator=cpu", "--video=null", *BREAKOUT, frames=600)
    port = free_port()
    nodes = [torchrun(node, port, arguments) for node in (0, 1)]
    ends = [node.communicate(timeout=250) for node in nodes]
    assert [node.returncode for node in nodes] == [0, 0], ends
    assert "frames of breakout" in ends[0][0]
    assert "frames of breakout" not in ends[1][0]  # it is said once
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["frames"] == 600
    assert (tmp_path / "run" / "checkpoints" / "last" / "rank-1.pt").exists()


def slurm_task(task, port, arguments):
    """A task of two, on a node of its own, as ``srun`` would start it."""
    job = {
        "SLURM_JOB_ID": "7", "SLURM_JOB_NAME": "train", "SLURM_NTASKS": "2", "SLURM_NTASKS_PER_NODE": "1",
        "SLURM_NNODES": "2", "SLURM_NODELIST": "localhost", "SLURM_PROCID": str(task), "SLURM_NODEID": str(task),
        "SLURM_LOCALID": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
    }  # fmt: skip
    inherited = {name: value for name, value in os.environ.items() if name != "DIIQN_LIGHTNING_RUN_DIR"}
    return subprocess.Popen(
        [sys.executable, "-m", "diiqn_lightning", *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=CONFIGS.parent, env=inherited | job,
    )  # fmt: skip


def test_two_nodes_under_slurm_are_stopped_before_their_time_is_over_and_go_on(tmp_path):
    two = ["--config", CONFIGS / "trainer" / "slurm.yaml", "--trainer.devices=1", "--trainer.accelerator=cpu"]
    more = [*two, "--video=null", "--data.num_envs=4", "--data.frames_per_epoch=100000"]
    arguments, port = fit("dqn", tmp_path / "run", *more, frames=200_000), free_port()
    tasks = [slurm_task(task, port, arguments) for task in (0, 1)]
    last = tmp_path / "run" / "checkpoints" / "last"
    end = time.monotonic() + 150
    while not last.exists():
        assert [task.poll() for task in tasks] == [None, None], [task.communicate() for task in tasks]
        assert time.monotonic() < end
        time.sleep(0.05)
    for task in tasks:  # what `#SBATCH --signal=USR1@120` sends to each
        task.send_signal(signal.SIGUSR1)
    ends = [task.communicate(timeout=100) for task in tasks]
    assert [task.returncode for task in tasks] == [0, 0], ends
    assert "interrupted" in ends[0][1]
    frames = json.loads((last / "manifest.json").read_text())["frames"]
    arguments[arguments.index("--max_frames=200000")] = f"--max_frames={frames + 160}"
    port = free_port()
    tasks = [slurm_task(task, port, [*arguments, "--ckpt_path=last"]) for task in (0, 1)]
    ends = [task.communicate(timeout=150) for task in tasks]
    assert [task.returncode for task in tasks] == [0, 0], ends
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["frames"] == frames + 160


def test_a_signal_to_one_process_stops_all_at_the_same_update(tmp_path):
    two = ["--trainer.devices=2", "--trainer.accelerator=cpu", "--video=null", "--data.num_envs=4"]
    arguments = fit("dqn", tmp_path / "run", *two, "--data.frames_per_epoch=100000", frames=200_000)
    process = subprocess.Popen(
        [sys.executable, "-m", "diiqn_lightning", *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=CONFIGS.parent, start_new_session=True,
    )  # fmt: skip
    last = tmp_path / "run" / "checkpoints" / "last"
    end = time.monotonic() + 150
    while not last.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, complaint = process.communicate(timeout=100)
    assert process.returncode == 0, complaint
    assert complaint.count("The run was interrupted") == 1
    assert f"Go on with --run_dir {tmp_path / 'run'} --ckpt_path last." in complaint
    assert {"rank-0.pt", "rank-1.pt"} <= {path.name for path in last.iterdir()}


def test_a_run_goes_on_with_fewer_processes_where_its_data_may_be_new(tmp_path):
    def ended(*more, frames):
        options = ["--trainer.accelerator=cpu", "--video=null", "--data.num_envs=4", *more]
        command = [sys.executable, "-m", "diiqn_lightning", *fit("dqn", tmp_path / "run", *options, frames=frames)]
        words = [str(word) for word in command]
        return subprocess.run(words, capture_output=True, text=True, timeout=200, cwd=CONFIGS.parent)

    done = ended("--trainer.devices=2", frames=400)
    assert done.returncode == 0, done.stderr
    # Each of both has batches of 32 for every 4 frames of theirs together.
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["replay_ratio"] == 16
    last = ["--trainer.devices=1", "--ckpt_path=last"]
    refused = ended(*last, frames=900)
    assert refused.returncode == 2
    assert "--fresh_data true" in refused.stderr
    done = ended(*last, "--fresh_data=true", frames=900)
    assert done.returncode == 0, done.stderr
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["frames"] == 900
    assert not (tmp_path / "run" / "checkpoints" / "last" / "rank-1.pt").exists()


def test_processes_started_one_by_one_need_a_named_folder(run, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "7")
    monkeypatch.chdir(tmp_path)
    code, _, complaint = run("fit", "--config", CONFIGS / "dqn.yaml")
    assert code == 2
    assert "run_dir is None: name a folder" in complaint
