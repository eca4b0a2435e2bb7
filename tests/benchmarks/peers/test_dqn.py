"""Peers do as much learning for a frame as the reference preset: an update of 32 for every four frames."""

import json

import pytest
import torch

WARM_UP, FRAMES = 64, 160


@pytest.fixture(autouse=True)
def one_thread():
    """More of them wait for each other wherever the machine is busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_the_single_file(monkeypatch):
    from benchmarks.peers import single_file_dqn

    monkeypatch.setattr(single_file_dqn, "WARM_UP", WARM_UP)
    measured, losses = single_file_dqn.train(FRAMES)
    assert measured["frames"] == FRAMES - WARM_UP
    assert len(losses) == (FRAMES - WARM_UP) / 4
    assert torch.stack(losses).isfinite().all()


@pytest.mark.filterwarnings("ignore")  # TorchRL's own
@pytest.mark.parametrize("envs", [1, 32])
def test_torchrls_recipe(monkeypatch, envs):
    from benchmarks.peers import torchrl_dqn

    monkeypatch.setattr(torchrl_dqn, "WARM_UP", WARM_UP)
    measured, losses = torchrl_dqn.train(FRAMES, envs)
    # The clock starts before the updates of the first chunk after the warm-up.
    assert measured["frames"] == FRAMES - WARM_UP - max(4, envs)
    assert len(losses) == (FRAMES - WARM_UP) / 4
    assert torch.stack(losses).isfinite().all()


def test_stable_baselines3s(monkeypatch, capsys):
    pytest.importorskip("stable_baselines3", reason="needs the extra `benchmarks`")
    from benchmarks.peers import stable_baselines3_dqn

    monkeypatch.setattr(stable_baselines3_dqn, "WARM_UP", WARM_UP)
    monkeypatch.setattr("sys.argv", ["stable_baselines3_dqn", f"--frames={FRAMES}"])
    stable_baselines3_dqn.main()
    measured = json.loads(capsys.readouterr().out)
    assert measured["frames"] == pytest.approx(FRAMES - WARM_UP, abs=1)
