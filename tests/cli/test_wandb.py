"""W&B's own client against a server that goes away."""

import time

import pytest

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
    # What `wandb sync` needs is there, the last numbers included.
    (log,) = (tmp_path / "run" / "wandb").glob("run-*/run-*.wandb")
    assert b"eval/return" in log.read_bytes()
