"""Running the real command line in short."""

import warnings

import pytest

from diiqn_lightning.__main__ import main
from diiqn_lightning.experts import files
from tests.conftest import walk

SHORT = [
    "--data.learning_starts=100",
    "--data.frames_per_epoch=200",
    "--data.evaluation.episodes=2",
    "--data.evaluation.max_episode_steps=30",
    "--metrics.every_n_frames=100",
    "--checkpoint.every_n_frames=150",
]
CORRIDOR = ["--data.env=Corridor-v0", "--data.num_envs=4"]


@pytest.fixture
def run(tmp_path, capfd, monkeypatch):
    """Run a verb in this process; gives the exit code, what it printed and what it complained of."""
    monkeypatch.delenv("DIIQN_LIGHTNING_RUN_DIR", raising=False)

    def run(*arguments):
        monkeypatch.delenv("DIIQN_LIGHTNING_RUN_DIR", raising=False)
        with warnings.catch_warnings():
            code = main([str(argument) for argument in arguments])
        printed = capfd.readouterr()
        return code, printed.out, printed.err

    return run


@pytest.fixture
def expert_path(tmp_path):
    """A dataset of the corridor."""
    path = tmp_path / "walk.expert"
    files.save(walk(), path)
    return path
