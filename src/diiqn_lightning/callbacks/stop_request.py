"""How a run is asked to stop: by a user or by a scheduler, on any of its processes."""

import signal
from pathlib import Path
from types import FrameType
from typing import Any

REQUEUED = (signal.SIGTERM, signal.SIGUSR1)
"""Signals by which a scheduler takes a machine back; SLURM's ``--signal`` sends either before a job's time is over."""


class RunInterrupted(BaseException):
    """The run was asked to stop.

    Args:
        signal_number: what asked it.
        run_dir: the run's folder.
        saved: folder of the checkpoint that was written, if one was.
    """

    def __init__(self, signal_number: int, run_dir: Path, saved: Path | None) -> None:
        kept = f"everything up to its last update is in {saved}" if saved else "what was saved before stays as it is"
        super().__init__(f"The run was interrupted; {kept}. Go on with --run_dir {run_dir} --ckpt_path last.")
        self.signal_number = signal_number


class StopRequest:
    """Hears signals, and has all processes stop where one has heard any.

    Args:
        run_dir: the run's folder.
    """

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self._heard: int | None = None
        self._handlers_before: dict[int, Any] = {}

    @property
    def signal_number(self) -> int:
        """What asked; where another process was asked, what a scheduler would have sent."""
        return self._heard or signal.SIGTERM

    def listen(self, trainer: Any) -> None:
        """Take the signals over (when training starts, because Lightning sets its own handlers just before)."""
        for number in (signal.SIGINT, *REQUEUED):
            self._handlers_before[number] = signal.signal(number, self._hear)
        # Lightning has the ranks ask each other before every batch whether its own handler, which no signal reaches
        # now, has heard one: a meeting that costs two ranks on one machine up to a twentieth of their time.
        trainer.fit_loop.epoch_loop._broadcast_sigterm_tensor = lambda: None

    def give_back(self) -> None:
        """Leave the signals to who had them before."""
        while self._handlers_before:
            signal.signal(*self._handlers_before.popitem())

    def agreed(self, trainer: Any) -> bool:
        """Whether any process was asked; all of them have to meet here."""
        asked = self._heard is not None
        if trainer.world_size == 1:
            return asked
        return bool(trainer.strategy.reduce_boolean_decision(asked, all=False))

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self._heard is not None and number == signal.SIGINT:  # a user who asks twice means now
            raise RunInterrupted(number, self._run_dir, None)
        self._heard = number
