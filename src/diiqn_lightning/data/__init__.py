"""From environments to batches: the stream of frames, the replay buffer and the data module."""

from diiqn_lightning.data.datamodule import EvaluationSettings, ReplayDataModule
from diiqn_lightning.data.replay import Prioritization, Replay
from diiqn_lightning.data.stream import Actor, FrameObserver, FrameStream

__all__ = [
    "Actor",
    "EvaluationSettings",
    "FrameObserver",
    "FrameStream",
    "Prioritization",
    "Replay",
    "ReplayDataModule",
]
