"""The order in which a run does things, by a tape on which each part writes its name."""

import lightning
import pytest

from diiqn_lightning.callbacks.action_inference import NearestTransition
from diiqn_lightning.callbacks.expert_data import ExpertData
from diiqn_lightning.callbacks.expert_sampling import ExpertSampling
from diiqn_lightning.callbacks.expert_visits import ExpertVisits
from diiqn_lightning.callbacks.frame_budget import FrameBudget
from diiqn_lightning.callbacks.priorities import PriorityUpdate
from diiqn_lightning.cli.lightning_defaults import TRAINER_DEFAULTS, quiet_libraries
from diiqn_lightning.data import EvaluationSettings, Prioritization, ReplayDataModule
from diiqn_lightning.experts import files
from diiqn_lightning.modules import DIIQN
from tests.conftest import walk


@pytest.fixture
def tape(monkeypatch):
    written = []

    def listen(owner, name):
        original = getattr(owner, name)

        def recorded(*arguments, **named):
            written.append(f"{owner.__name__}.{name}")
            return original(*arguments, **named)

        monkeypatch.setattr(owner, name, recorded)

    from diiqn_lightning.data import FrameStream, Replay

    listen(DIIQN, "act")
    listen(NearestTransition, "on_frames")
    listen(ExpertSampling, "on_frames")
    listen(Replay, "extend")
    listen(Replay, "sample")
    listen(ExpertSampling, "on_train_batch_start")
    listen(ExpertVisits, "on_train_batch_start")
    listen(DIIQN, "write_targets")
    listen(DIIQN, "losses")
    listen(DIIQN, "manual_backward")
    listen(ExpertVisits, "on_train_batch_end")
    listen(Replay, "update_priority")
    listen(DIIQN, "validation_step")
    listen(FrameStream, "begin_epoch")
    return written


def fit(path, max_frames):
    quiet_libraries()
    data = ReplayDataModule(
        "Corridor-v0",
        num_envs=4,
        batch_size=8,
        frames_per_update=2,
        learning_starts=4,
        prioritized=Prioritization(),
        frames_per_epoch=8,
        max_frames=max_frames,
        evaluation=EvaluationSettings(episodes=1, max_episode_steps=5),
    )
    module = DIIQN(data.observation_shape, data.num_actions)
    callbacks = [
        ExpertData(str(path)),
        NearestTransition(distance="l2"),
        ExpertSampling(expert_draw="neighbour", distance="l2", similarity_threshold=0.5),
        ExpertVisits(),
        PriorityUpdate(),
        FrameBudget(),
    ]
    trainer = lightning.Trainer(
        **TRAINER_DEFAULTS, accelerator="cpu", enable_checkpointing=False, callbacks=callbacks, log_every_n_steps=1
    )
    trainer.fit(module, datamodule=data)


COLLECT = ["DIIQN.act", "NearestTransition.on_frames", "ExpertSampling.on_frames", "Replay.extend"]
UPDATE = ["DIIQN.losses", "DIIQN.manual_backward"]
BATCH = [
    "Replay.sample",
    "ExpertSampling.on_train_batch_start",
    "ExpertVisits.on_train_batch_start",
    "DIIQN.write_targets",
    *UPDATE,
    *UPDATE,
    "ExpertVisits.on_train_batch_end",
    "Replay.update_priority",
]
EVALUATION = ["DIIQN.validation_step", "DIIQN.validation_step"]


def test_frames_then_batch_then_updates_then_returns_to_replay_and_table(tmp_path, tape):
    files.save(walk(), tmp_path / "walk.expert")
    fit(tmp_path / "walk.expert", max_frames=12)
    expected = ["FrameStream.begin_epoch", *COLLECT, *COLLECT, *BATCH, *EVALUATION]
    expected += ["FrameStream.begin_epoch", *COLLECT, *BATCH, *EVALUATION]
    assert tape == expected
