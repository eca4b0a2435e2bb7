"""A run's folder: what is in it and when it may be used."""

import json
import os
import shutil
import time
from pathlib import Path
from typing import IO, Any, cast

from diiqn_lightning.errors import InputError, writing
from diiqn_lightning.locks import try_lock

LOCK_SECONDS = 5.0
"""How long a run waits for others to leave its folder: workers of one that was killed may live a moment longer."""

LOCK_SECONDS_REQUEUED = 120.0
"""The same where SLURM starts it again: file systems keep the locks of a lost node until its lease has ended."""


class RunFolder:
    """``config.yaml``, ``sessions.json``, ``metrics.csv``, ``summary.json``, ``test.json``, pictures, ``checkpoints/``.

    Args:
        path: the folder.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.config = self.path / "config.yaml"
        self.metrics = self.path / "metrics.csv"
        self.summary = self.path / "summary.json"
        self.test = self.path / "test.json"
        self.sessions = self.path / "sessions.json"
        self.curve = self.path / "curve.png"
        self.bridges = self.path / "bridges.png"
        self.checkpoints = self.path / "checkpoints"
        self.videos = self.path / "videos"
        self._made: Path | None = None
        self._lock: IO[bytes] | None = None

    def hold(self) -> None:
        """Keep other processes out of the folder, if there is one, until :meth:`release` or the end of this process.

        Raises:
            InputError: if another process has it.
        """
        if self._lock is not None or not self.path.is_dir():
            return
        with writing("run_dir", self.path):
            lock = (self.path / ".lock").open("ab")
        requeued = int(os.environ.get("SLURM_RESTART_COUNT") or 0) > 0
        deadline = time.monotonic() + (LOCK_SECONDS_REQUEUED if requeued else LOCK_SECONDS)
        while try_lock(lock) is False:
            if time.monotonic() > deadline:
                lock.close()
                raise InputError(
                    "run_dir", str(self.path), "a run is at work there; give another folder, or wait for its end"
                )
            time.sleep(0.1)
        self._lock = lock

    def release(self) -> None:
        """Let others in."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    @property
    def last_checkpoint(self) -> Path:
        """Folder of the newest whole checkpoint."""
        return self.checkpoints / "last"

    def prepare_new(self) -> None:
        """Make the folder for a new run.

        Raises:
            InputError: if it holds a run already, or cannot be written.
        """
        if any(sign.exists() for sign in (self.summary, self.metrics, self.checkpoints)):
            raise InputError(
                "run_dir",
                str(self.path),
                "it holds a run already; give another folder, or add --ckpt_path last to go on with it",
            )
        if self.config.exists() and not self.sessions.exists():
            remedy = "it holds a config.yaml that no run has written and this one would replace; give another folder"
            raise InputError("run_dir", str(self.path), remedy)
        self._made = next((path for path in reversed([self.path, *self.path.parents]) if not path.exists()), None)
        self._make_writable()

    def keep(self) -> None:
        """The run begins: nothing is taken back any more."""
        self._made = None

    def discard(self) -> None:
        """Take back what :meth:`prepare_new` made, of a run that was refused before it began."""
        if self._made is None or self.metrics.exists() or self.checkpoints.exists():
            return
        shutil.rmtree(self.path, ignore_errors=True)
        # Of the folders above it those that are empty: another run may have come to live there by now.
        for folder in (parent for parent in self.path.parents if parent.is_relative_to(self._made)):
            try:
                folder.rmdir()
            except OSError:
                return

    def began_without_checkpoint(self) -> bool:
        """Whether a run was left here before it had saved anything: it has a session, and nothing to go on from."""
        return self.sessions.exists() and not self.summary.exists() and not any(self.checkpoints.glob("[0-9]*"))

    def clear_beginning(self) -> None:
        """Take away what it measured; ``sessions.json``, by which other processes know it too, goes on."""
        self.metrics.unlink(missing_ok=True)
        shutil.rmtree(self.checkpoints, ignore_errors=True)

    def refuse_another_run(self, checkpoint: Path) -> None:
        """A run goes on here, or from another one's checkpoint in a folder that has none yet.

        Args:
            checkpoint: file that it goes on from.

        Raises:
            InputError: if the folder holds checkpoints or a summary of another run.
        """
        here = checkpoint.resolve().is_relative_to(self.checkpoints.resolve())
        if not here and (self.summary.exists() or any(self.checkpoints.glob("[0-9]*"))):
            remedy = f"it holds a run that {checkpoint} is not of; give another folder"
            raise InputError("run_dir", str(self.path), remedy)

    def prepare_resumed(self) -> None:
        """Check the folder of a run that goes on.

        Raises:
            InputError: if it cannot be written.
        """
        self._make_writable()

    def _make_writable(self) -> None:
        probe = self.path / ".writable"
        with writing("run_dir", self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            probe.touch()
            probe.unlink()

    def add_session(self, session: dict[str, Any]) -> None:
        """Write down in ``sessions.json`` what starts or goes on with the run now."""
        with writing("run_dir", self.path):
            _write_in_one_step(self.sessions, json.dumps([*self.read_sessions(), session], indent=2) + "\n")

    def last_session(self) -> dict[str, Any]:
        """What was written down last; nothing where nothing was."""
        return next(reversed(self.read_sessions()), {})

    def read_sessions(self) -> list[dict[str, Any]]:
        """What was written down of each session, the first one first."""
        try:
            sessions: list[dict[str, Any]] = json.loads(self.sessions.read_text())
        except (OSError, ValueError):  # none yet, or one that a kill of an older version has cut off
            return []
        return sessions

    def write_config(self, content: str) -> None:
        """Write ``config.yaml`` in one step."""
        with writing("run_dir", self.path):
            _write_in_one_step(self.config, content)

    def write_summary(self, summary: dict[str, Any]) -> None:
        """Write ``summary.json`` in one step."""
        _write_in_one_step(self.summary, json.dumps(summary, indent=2) + "\n")

    def write_test(self, test: dict[str, Any]) -> None:
        """Write ``test.json``: what episodes after the run returned."""
        _write_in_one_step(self.test, json.dumps(test, indent=2) + "\n")

    def final_evaluation(self) -> dict[str, Any]:
        """The last evaluation of a finished run, by ``greedy`` and ``epsilon``; or ``test``'s, if that is as good.

        It is if it asks the same of the same checkpoint, with as many episodes or more.
        """
        summary = self.read_summary()
        try:
            test: dict[str, Any] = json.loads(self.test.read_text())
        except (OSError, ValueError):  # none, or one that a kill has cut off
            return cast(dict[str, Any], summary["eval"])
        tested, ended = test["eval"]["epsilon"], summary["eval"]["epsilon"]
        same = (test["frames"], tested["epsilon"]) == (summary["frames"], ended["epsilon"])
        return cast(dict[str, Any], (test if same and tested["episodes"] >= ended["episodes"] else summary)["eval"])

    def read_summary(self) -> dict[str, Any]:
        """``summary.json`` of a finished run.

        Raises:
            InputError: if there is none.
        """
        try:
            summary: dict[str, Any] = json.loads(self.summary.read_text())
        except FileNotFoundError as error:
            raise InputError(
                "run folder", str(self.path), "it holds no finished run; give a folder with summary.json"
            ) from error
        except (OSError, ValueError) as error:
            raise InputError("run folder", str(self.path), f"its summary.json cannot be read ({error})") from error
        return summary


def _write_in_one_step(file: Path, content: str) -> None:
    aside = file.with_suffix(".partial")
    aside.write_text(content)
    aside.replace(file)
