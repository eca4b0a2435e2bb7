"""W&B's own client, whose server goes away, and which breaks down itself."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from diiqn_lightning.errors import InputError
from diiqn_lightning.report.sources import collect
from tests.cli.conftest import CORRIDOR
from tests.cli.test_training import fit, metrics, start
from tests.wandb_server import WandbServer

pytestmark = pytest.mark.own_processes


def test_a_server_that_goes_away_in_mid_run_costs_nothing_but_the_charts(tmp_path):
    server = WandbServer()
    online = ["--wandb.mode=online", "--wandb.finish_timeout=3", "--video=null"]
    arguments = fit("dqn", tmp_path / "run", *CORRIDOR, *online, frames=3000)
    process = start(arguments, WANDB_MODE="online", WANDB_BASE_URL=server.url, WANDB_API_KEY="0" * 40)
    deadline = time.monotonic() + 60
    while not server.has_numbers:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert process.poll() is None
    server.go_away()
    _, complaint = process.communicate(timeout=120)
    assert process.returncode == 0, complaint
    assert "Traceback" not in complaint
    assert metrics(tmp_path / "run")[-1]["frames"] == "3000"
    # The rest follows when the server is back.
    last = '\\"frames\\":3000'
    assert last not in server.sent
    (session,) = (tmp_path / "run" / "wandb").glob("run-*")
    again = WandbServer()
    wandb = [sys.executable, "-m", "wandb", "sync", "--include-online", str(session)]
    facts = os.environ | {"WANDB_BASE_URL": again.url, "WANDB_API_KEY": "0" * 40}
    done = subprocess.run(wandb, env=facts, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert set(again.runs) == set(server.runs)
    assert last in again.sent, again.sent[-500:]


def clients(process):
    """Processes of W&B's client that a run has started."""
    tasks = Path(f"/proc/{process.pid}/task").iterdir()
    children = {int(child) for task in tasks for child in (task / "children").read_text().split()}
    return [child for child in children if "wandb" in Path(f"/proc/{child}/cmdline").read_text()]


def test_a_client_that_breaks_down_does_not_end_the_run(tmp_path):
    arguments = fit("dqn", tmp_path / "run", *CORRIDOR, "--wandb.mode=offline", frames=3000)
    process = start(arguments)
    deadline = time.monotonic() + 60
    while not (tmp_path / "run" / "metrics.csv").exists():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    (client,) = clients(process)
    os.kill(client, signal.SIGKILL)
    _, complaint = process.communicate(timeout=120)
    assert process.returncode == 0, complaint
    assert complaint.count("W&B broke down") == 1
    assert "Traceback" not in complaint
    assert metrics(tmp_path / "run")[-1]["frames"] == "3000"


def test_a_server_that_cannot_be_reached_is_said_before_training(tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
    arguments = fit("dqn", tmp_path / "run", *CORRIDOR, "--wandb.mode=online", "--video=null", frames=3000)
    process = start(
        arguments, WANDB_MODE="online", WANDB_BASE_URL=address, WANDB_API_KEY="0" * 40, WANDB_INIT_TIMEOUT="3"
    )
    _, complaint = process.communicate(timeout=120)
    assert process.returncode == 2
    assert "wandb.mode is 'online, and W&B cannot start" in complaint
    assert "Traceback" not in complaint
    assert not (tmp_path / "run").exists()


def test_a_run_that_goes_on_does_so_in_the_same_run_on_the_server(tmp_path):
    server = WandbServer()
    for frames, more in ((400, []), (600, ["--ckpt_path=last", "--wandb.artifacts=[]"])):
        arguments = fit("dqn", tmp_path / "run", *CORRIDOR, "--wandb.mode=online", "--video=null", *more, frames=frames)
        process = start(arguments, WANDB_MODE="online", WANDB_BASE_URL=server.url, WANDB_API_KEY="0" * 40)
        _, complaint = process.communicate(timeout=120)
        assert process.returncode == 0, complaint
        # This server gives no answer about artifacts that the client would understand.
        assert ("W&B broke down" in complaint) == (not more)
    assert len(server.runs) > 1
    assert len(set(server.runs)) == 1
    assert '\\"frames\\":600' in server.sent


def test_a_run_that_goes_on_does_so_in_the_same_run_of_wandb(tmp_path):
    for frames, more in ((400, []), (600, ["--ckpt_path=last"])):
        offline = ["--wandb.mode=offline", "--video=null", *more]
        process = start(fit("dqn", tmp_path / "run", *CORRIDOR, *offline, frames=frames))
        _, complaint = process.communicate(timeout=120)
        assert process.returncode == 0, complaint
    sessions = [folder.name for folder in (tmp_path / "run" / "wandb").glob("offline-run-*")]
    assert len(sessions) == 2
    assert len({name.rpartition("-")[2] for name in sessions}) == 1  # the run's id
    # A report takes them for the one run that they are.
    (run,) = collect([tmp_path / "run" / "wandb"]).runs
    (in_folder,) = collect([tmp_path / "run"]).runs
    assert run.curve[0] == in_folder.curve[0]
    assert run.curve[1] == pytest.approx(in_folder.curve[1])


def test_a_run_that_a_scheduler_stopped_is_no_result(tmp_path):
    offline = ["--wandb.mode=offline", "--video=null"]
    process = start(fit("dqn", tmp_path / "run", *CORRIDOR, *offline, frames=1_000_000))
    table, deadline = tmp_path / "run" / "metrics.csv", time.monotonic() + 60
    while not table.exists() or len(metrics(tmp_path / "run")) < 2:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    _, complaint = process.communicate(timeout=120)
    assert process.returncode == 0, complaint
    with pytest.raises(InputError, match="it was stopped after"):
        collect([tmp_path / "run" / "wandb"])


def test_another_run_in_the_same_folder_is_another_run_of_wandb(tmp_path):
    names = set()
    for _ in range(2):
        process = start(fit("dqn", tmp_path / "run", *CORRIDOR, "--wandb.mode=offline", "--video=null", frames=400))
        _, complaint = process.communicate(timeout=120)
        assert process.returncode == 0, complaint
        (folder,) = (tmp_path / "run" / "wandb").glob("offline-run-*")
        names.add(folder.name.rpartition("-")[2])
        shutil.rmtree(tmp_path / "run")
    assert len(names) == 2
