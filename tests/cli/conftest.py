"""Running the real command line in short."""

import warnings
from pathlib import Path

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


def finished(factory, config, *more, expert=None):
    """The folder of a short run, finished; tests only read it."""
    folder = factory.mktemp("finished") / "run"
    if expert is not None:
        files.save(expert, folder.parent / "walk.expert")
        more = [*more, "--expert", str(folder.parent / "walk.expert")]
    path = Path(__file__).parents[2] / "configs" / f"{config}.yaml"
    assert main(["fit", f"--config={path}", *SHORT, "--video=null", *more, f"--run_dir={folder}"]) == 0
    return folder


@pytest.fixture(scope="session")
def breakout_run(tmp_path_factory):
    """A short run of DIIQN on Breakout."""
    labels = ["--action_inference.relabel_every_n_frames=80", "--expert=weak", "--expert_transitions=2000"]
    return finished(tmp_path_factory, "diiqn", "--max_frames=400", *labels)


@pytest.fixture(scope="session")
def cartpole_run(tmp_path_factory):
    """A short run of DQN on CartPole."""
    return finished(tmp_path_factory, "dqn", "--max_frames=400", "--data.env=CartPole-v1", "--data.num_envs=4")


@pytest.fixture(scope="session")
def corridor_run(tmp_path_factory):
    """A short run of DIIQN in the corridor, whose inferred actions are certain."""
    near = ["--action_inference.distance=l2", "--action_inference.error_max=1", "--expert_sampling.distance=l2"]
    near.append("--expert_sampling.similarity_threshold=0.8")
    return finished(tmp_path_factory, "diiqn_literal", "--max_frames=600", *CORRIDOR, *near, expert=walk())
