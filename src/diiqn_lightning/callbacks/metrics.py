"""Gathers what a run logs, every so many frames, and hands it to the loggers."""

import time
from typing import Any, Protocol, runtime_checkable

import lightning
import torch
from torch import Tensor

from diiqn_lightning.errors import InputError


@runtime_checkable
class MetricSource(Protocol):
    """A callback that has something to log."""

    def metrics(self) -> dict[str, float]:
        """Values by name, asked for whenever metrics are logged."""
        ...


@runtime_checkable
class TakesTime(Protocol):
    """A callback whose time is not training time (evaluation aside), such as checkpoints."""

    seconds_outside_training: float


@runtime_checkable
class ReadsMetrics(Protocol):
    """A callback that looks at each row of metrics."""

    def on_metrics(self, row: dict[str, float], trainer: Any) -> None:
        """Called with each row."""
        ...


@runtime_checkable
class LogsHistograms(Protocol):
    """A logger that can show a distribution."""

    def log_histogram(self, name: str, values: Tensor, frames: int) -> None:
        """Log the distribution of ``values`` at a frame."""
        ...


class TrainingMetrics(lightning.Callback):
    """Logs returns, losses, speed and whatever other callbacks offer, by environment frames.

    Averages are taken over the last update of each batch, because even a mean costs time in a loop
    of milliseconds.

    Args:
        every_n_frames: frames from one row of metrics to the next.
    """

    def __init__(self, every_n_frames: int = 5_000) -> None:
        if every_n_frames < 1:
            raise InputError("metrics.every_n_frames", every_n_frames, "give a whole number of at least 1")
        self.every_n_frames = every_n_frames
        self.latest: dict[str, float] = {}
        self.seconds = 0.0
        self.timed_frames = 0
        self._sums: dict[str, Tensor] = {}
        self._samples: dict[str, int] = {}  # by name: what has faded out within a row is a mean of the batches before
        self._weights: list[Tensor] = []
        self._next_row = 0
        self._clock: tuple[float, int] | None = None
        self._last_row: tuple[float, int] = (0.0, 0)

    # Training time: from the first update on, without evaluation, checkpoints and loggers.

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Set the first row."""
        self._set_next_row(trainer)

    def _set_next_row(self, trainer: Any) -> None:
        self._next_row = (trainer.datamodule.frames // self.every_n_frames + 1) * self.every_n_frames

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        """Start the clock at the first update after a pause."""
        if self._clock is None:
            self._clock = (time.perf_counter() - self._outside(trainer), trainer.datamodule.frames)

    def pause(self, trainer: Any) -> None:
        """Stop the clock until the next update."""
        if self._clock is not None:
            self.seconds, self.timed_frames = self.trained(trainer)
            self._clock = None

    def trained(self, trainer: Any) -> tuple[float, int]:
        """Seconds of training so far, over all sessions of the run, and the frames that took them."""
        if self._clock is None:
            return self.seconds, self.timed_frames
        started, frames = self._clock
        seconds = time.perf_counter() - self._outside(trainer) - started
        return self.seconds + seconds, self.timed_frames + trainer.datamodule.frames - frames

    def trained_before(self, seconds: float, frames: int) -> None:
        """Go on counting where an earlier session of the run stopped."""
        self.seconds, self.timed_frames = seconds, frames
        self._last_row = (seconds, frames)

    def on_validation_start(self, trainer: Any, pl_module: Any) -> None:
        """Evaluation is not training time."""
        self.pause(trainer)

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Add the outputs to the averages; log a row when it is time."""
        if "expert/weight" in outputs:
            self._weights.append(outputs["expert/weight"])
        for name, value in outputs.items():
            name = f"train/{name}" if name.startswith("loss") else name
            total, mean = self._sums.get(name), value.float().mean()
            self._sums[name] = mean if total is None else total + mean
            self._samples[name] = self._samples.get(name, 0) + 1
        if trainer.datamodule.frames >= self._next_row:
            self._set_next_row(trainer)
            self.log_row(trainer)

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """Log the evaluation beside the training metrics of the same frame."""
        if trainer.state.fn != "fit":
            return
        evaluated = {name: float(value) for name, value in trainer.callback_metrics.items() if name.startswith("eval/")}
        self.latest.update(evaluated)
        self._hand_to_loggers(trainer, evaluated)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Close the clock."""
        self.pause(trainer)

    def log_row(self, trainer: Any) -> None:
        """Log what was gathered since the last row."""
        row = {name: float(total / self._samples[name]) for name, total in self._sums.items()}
        self._sums, self._samples = {}, {}
        row |= self._stream_metrics(trainer)
        for callback in trainer.callbacks:
            if isinstance(callback, MetricSource):
                row |= callback.metrics()
        self.latest.update(row)
        for callback in trainer.callbacks:
            if isinstance(callback, ReadsMetrics):
                callback.on_metrics(row, trainer)
        self._hand_to_loggers(trainer, row)
        if self._weights:
            weights, self._weights = torch.cat(self._weights), []
            for logger in trainer.loggers:
                if isinstance(logger, LogsHistograms):
                    logger.log_histogram("expert/weight_histogram", weights, trainer.datamodule.frames)

    def _stream_metrics(self, trainer: Any) -> dict[str, float]:
        stream = trainer.datamodule.stream
        totals = torch.tensor(
            [sum(stream.recent_returns), sum(stream.recent_lengths), len(stream.recent_returns), stream.episodes],
            dtype=torch.float64,
        )
        if trainer.world_size > 1:
            totals = trainer.strategy.reduce(totals.to(trainer.strategy.root_device), reduce_op="sum").cpu()
        returns, lengths, recent, episodes = totals.tolist()
        seconds, timed = self.trained(trainer)
        row = {
            "train/episodes": episodes,
            "train/epsilon": trainer.lightning_module.exploration_rate(stream.frames),
            "train/learning_rate": trainer.optimizers[0].param_groups[0]["lr"],
        }
        if recent:
            row |= {"train/return": returns / recent, "train/episode_length": lengths / recent}
        if seconds > self._last_row[0]:
            row["train/frames_per_second"] = (timed - self._last_row[1]) / (seconds - self._last_row[0])
        self._last_row = (seconds, timed)
        return row

    @staticmethod
    def _outside(trainer: Any) -> float:
        return sum(c.seconds_outside_training for c in trainer.callbacks if isinstance(c, TakesTime))

    @staticmethod
    def _hand_to_loggers(trainer: Any, row: dict[str, float]) -> None:
        frames = trainer.datamodule.frames
        for logger in trainer.loggers:
            logger.log_metrics({"frames": frames, **row}, step=frames)

    def rank_state(self) -> dict[str, Any]:
        """Averages in progress, so that a resumed run logs the same rows."""
        return {"sums": dict(self._sums), "samples": dict(self._samples), "next_row": self._next_row}

    def load_rank_state(self, state: dict[str, Any]) -> None:
        """Continue the averages."""
        self._sums, samples, self._next_row = dict(state["sums"]), state["samples"], state["next_row"]
        # Older checkpoints have one number for all.
        self._samples = dict(samples) if isinstance(samples, dict) else dict.fromkeys(self._sums, samples)
