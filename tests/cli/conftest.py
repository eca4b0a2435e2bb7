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


@pytest.fixture(scope="session")
def breakout_run(tmp_path_factory):
    """A short run of DIIQN on Breakout, finished; tests only read it."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    config = Path(__file__).parents[2] / "configs" / "diiqn.yaml"
    more = ["--max_frames=400", "--video=null", "--expert=weak", "--expert_transitions=2000"]
    labels = ["--action_inference.relabel_every_n_updates=20"]
    assert main(["fit", f"--config={config}", *SHORT, *more, *labels, f"--run_dir={folder}"]) == 0
    return folder


@pytest.fixture(scope="session")
def cartpole_run(tmp_path_factory):
    """A short run of DQN on CartPole, finished; tests only read it."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    config = Path(__file__).parents[2] / "configs" / "dqn.yaml"
    more = ["--max_frames=400", "--video=null", "--data.env=CartPole-v1", "--data.num_envs=4"]
    assert main(["fit", f"--config={config}", *SHORT, *more, f"--run_dir={folder}"]) == 0
    return folder


@pytest.fixture(scope="session")
def corridor_run(tmp_path_factory):
    """A short run of DIIQN in the corridor, finished, whose inferred actions are certain; tests only read it."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    files.save(walk(), folder.parent / "walk.expert")
    config = Path(__file__).parents[2] / "configs" / "diiqn_literal.yaml"
    more = ["--max_frames=600", "--video=null", "--expert", str(folder.parent / "walk.expert")]
    near = ["--action_inference.distance=l2", "--action_inference.error_max=1", "--expert_sampling.distance=l2"]
    more += [*near, "--expert_sampling.similarity_threshold=0.8"]
    assert main(["fit", f"--config={config}", *SHORT, *CORRIDOR, *more, f"--run_dir={folder}"]) == 0
    return folder
