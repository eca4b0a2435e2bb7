"""Sessions of a run in W&B's files, in the order of time."""

from pathlib import Path

from diiqn_lightning.report import wandb_file


def test_an_offline_session_comes_after_the_online_one_before_it(monkeypatch):
    online = Path("wandb/run-20260101_000000-a/run-a.wandb")
    offline = Path("wandb/offline-run-20260102_000000-a/run-a.wandb")
    read = []
    monkeypatch.setattr(wandb_file, "_read", lambda path: read.append(path))
    monkeypatch.setattr(wandb_file, "_joined", lambda sessions, last: last.parent.name)
    assert wandb_file.read_wandb_files([offline, online]) == [offline.parent.name]
    assert read == [online, offline]
