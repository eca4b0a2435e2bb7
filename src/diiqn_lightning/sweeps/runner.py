"""Runs cells, a process each, some at a time, so that neither a kill nor a failing cell costs the others anything."""

import enum
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

from diiqn_lightning.errors import InputError
from diiqn_lightning.locks import try_lock
from diiqn_lightning.sweeps.cells import Cell

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
NOT_INHERITED = ("DIIQN_LIGHTNING_RUN_DIR", "WANDB_RUN_ID", "WANDB_SWEEP_ID", "WANDB_SERVICE")
"""What belongs to the process that starts cells, or to a run of its own, and would mislead theirs."""
POLL_SECONDS = 0.2
STARTED = "$ "
"""Begins the line of a log that says what was started; a cell that goes on has several."""


class State(enum.StrEnum):
    """Of a cell in this session."""

    WAITING = "waiting"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


@dataclass
class CellRun:
    """A cell and what becomes of it.

    Args:
        cell: which.
        state: where it stands.
        elsewhere: whether a process that another session started works on it.
    """

    cell: Cell
    state: State = State.WAITING
    elsewhere: bool = False
    process: subprocess.Popen[bytes] | None = None

    @property
    def shown(self) -> str:
        """Its state in a word for the user."""
        return "elsewhere" if self.elsewhere else str(self.state)


class CellRunner:
    """Runs cells until all are finished or have failed, or until it is asked to stop.

    Args:
        cells: in the order in which they start.
        workers: processes at a time.
        on_finished: called with each cell that is finished, those of earlier sessions too.
        on_change: called now and then, and whenever a cell changes its state.
    """

    def __init__(
        self,
        cells: Sequence[Cell],
        workers: int,
        on_finished: Callable[[Cell], None],
        on_change: Callable[[Sequence[CellRun]], None],
    ) -> None:
        self.runs = [CellRun(cell) for cell in cells]
        self.workers, self.on_finished, self.on_change = workers, on_finished, on_change
        self.stop_signal: int | None = None
        self._asked = 0

    def run(self) -> list[CellRun]:
        """Run them all.

        Returns:
            Each cell with its last state.
        """
        for run in self.runs:
            if run.cell.finished():
                self._end(run, State.FINISHED)
        with self._listening():
            try:
                while self._unfinished():
                    self._collect()
                    if self.stop_signal is None:
                        self._start_some()
                    elif not self._running():
                        break
                    self.on_change(self.runs)
                    time.sleep(POLL_SECONDS)
            finally:
                # Whatever went wrong here, no run is left alone.
                self._signal_all(signal.SIGTERM)
        for run in self._unfinished():
            run.state = State.INTERRUPTED
        self.on_change(self.runs)
        return self.runs

    def _unfinished(self) -> list[CellRun]:
        return [run for run in self.runs if run.state in (State.WAITING, State.RUNNING)]

    def _running(self) -> list[CellRun]:
        return [run for run in self.runs if run.state is State.RUNNING]

    def _start_some(self) -> None:
        for run in self.runs:
            if len(self._running()) >= self.workers or self.stop_signal is not None:
                return
            if run.state is State.WAITING:
                self._start(run)

    def _start(self, run: CellRun) -> None:
        cell = run.cell
        cell.log.parent.mkdir(parents=True, exist_ok=True)
        with cell.log.open("ab") as log:
            # The process inherits the lock with the file, so that it holds as long as the run does: a session that was
            # killed leaves runs behind, and the next one must not start them a second time.
            locked = try_lock(log)
            run.elsewhere = locked is False
            if run.elsewhere:
                return
            if cell.finished():
                self._end(run, State.FINISHED)
                return
            log.write(f"{STARTED}{cell.shell()}\n".encode())
            try:
                cell.prepare(alone=locked is True)
            except InputError as refusal:  # this one alone: the others have nothing to do with it
                log.write(f"error: {refusal}\n".encode())
                self._end(run, State.FAILED)
                return
            log.flush()
            environment = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
            run.process = subprocess.Popen(
                [sys.executable, "-m", "diiqn_lightning", *cell.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment | ONE_THREAD,
                start_new_session=True,  # Ctrl-C is for this process, which tells the runs
            )
            run.state = State.RUNNING
            if self.stop_signal is not None:  # asked while it was started
                run.process.send_signal(signal.SIGTERM)

    def _collect(self) -> None:
        for run in self._running():
            if run.process is not None and run.process.poll() is not None:
                if run.cell.finished():
                    self._end(run, State.FINISHED)
                elif self.stop_signal is not None or run.process.returncode == 0:
                    # A run that somebody else asked to stop ends with 0, too.
                    self._end(run, State.INTERRUPTED)
                else:
                    self._end(run, State.FAILED)

    def _end(self, run: CellRun, state: State) -> None:
        run.state, run.elsewhere = state, False
        if state is State.FINISHED:
            self.on_finished(run.cell)

    # Stopping.

    @contextmanager
    def _listening(self) -> Iterator[None]:
        numbers = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as `nohup` has it, to outlive the terminal
            numbers.append(signal.SIGHUP)
        before: dict[int, Any] = {number: signal.signal(number, self._request_stop) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _request_stop(self, number: int, frame: FrameType | None) -> None:
        self._asked += 1
        self.stop_signal = number
        # Asked a second time: do not wait for checkpoints.
        self._signal_all(signal.SIGTERM if self._asked == 1 else signal.SIGKILL)

    def _signal_all(self, number: int) -> None:
        for run in self._running():
            if run.process is not None and run.process.poll() is None:
                run.process.send_signal(number)
