"""A progress bar that counts environment frames."""

import sys
import time
from typing import Any

import lightning
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from diiqn_lightning.callbacks.metrics import TrainingMetrics


class FrameProgress(lightning.Callback):
    """Shows frames, frames per second, return and Φ: a bar on a terminal, lines elsewhere.

    Args:
        refresh_seconds: time from one refresh to the next.
    """

    _SHOWN = (
        ("train/return", "return {:.2f}"),
        ("eval/return", "evaluated {:.2f}"),
        ("expert/weight", "Φ {:.2f}"),
        ("train/frames_per_second", "{:,.0f} frames/s"),
    )

    def __init__(self, refresh_seconds: float = 0.5) -> None:
        self.refresh_seconds = refresh_seconds
        self._next = 0.0
        self._bar: Progress | None = None

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Open the bar on rank 0."""
        self._metrics = next(c for c in trainer.callbacks if isinstance(c, TrainingMetrics))
        if trainer.is_global_zero and sys.stderr.isatty():
            columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
            self._bar = Progress(*columns, console=Console(stderr=True), auto_refresh=False)
            self._task = self._bar.add_task("", total=trainer.datamodule.max_frames)
            self._bar.start()

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Refresh now and then."""
        if self._bar is not None and time.monotonic() >= self._next:
            self._next = time.monotonic() + self.refresh_seconds
            self._bar.update(self._task, completed=trainer.datamodule.frames, description=self._text())
            self._bar.refresh()

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """Without a terminal, a line for each evaluation."""
        if self._bar is None and trainer.is_global_zero and trainer.state.fn == "fit":
            print(f"{trainer.datamodule.frames:>10,} frames  {self._text()}", flush=True)

    def _text(self) -> str:
        latest = self._metrics.latest
        return "  ".join(form.format(latest[name]) for name, form in self._SHOWN if name in latest)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Close the bar."""
        if self._bar is not None:
            self._bar.update(self._task, completed=trainer.datamodule.frames, description=self._text())
            self._bar.stop()
            self._bar = None

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Leave the terminal as it was."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
