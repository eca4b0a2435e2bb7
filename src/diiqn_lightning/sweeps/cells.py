"""A cell: one run of a sweep or an experiment, where it is kept, and how far it has come."""

import json
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diiqn_lightning.callbacks.manifest import MANIFEST, MODEL
from diiqn_lightning.errors import InputError
from diiqn_lightning.report.run_folder import RunFolder


@dataclass(frozen=True)
class RunFacts:
    """What the parser of ``fit`` made of a cell's options.

    Args:
        key: of the ledger (``run_key``).
        algorithm, environment: names of the run.
        seed, max_frames: as resolved.
    """

    key: str
    algorithm: str
    environment: str
    seed: int
    max_frames: int


@dataclass(frozen=True)
class Cell:
    """One run.

    Args:
        name: of the cell, unique in its sweep or experiment.
        arguments: options of ``fit``, without the run's folder.
        run_dir: the run's folder.
        facts: of the resolved options.
    """

    name: str
    arguments: tuple[str, ...]
    run_dir: Path
    facts: RunFacts

    @property
    def folder(self) -> RunFolder:
        """The run's folder."""
        return RunFolder(self.run_dir)

    @property
    def log(self) -> Path:
        """Where its process writes; beside the folder, which a refused run takes away."""
        return self.run_dir.with_name(self.run_dir.name + ".log")

    @property
    def command(self) -> list[str]:
        """The verb and its options, for a run that starts or goes on now."""
        resume = self.resume_from()
        more = [f"--ckpt_path={resume}"] if resume else []
        return ["fit", *self.arguments, f"--run_dir={self.run_dir}", *more]

    def shell(self) -> str:
        """The same as a line for a shell."""
        return shlex.join(["python", "-m", "diiqn_lightning", *self.command])

    def finished(self) -> bool:
        """Whether the run has its summary, and as many frames as are wanted now."""
        return self.folder.summary.exists() and self.folder.read_summary()["frames"] >= self.facts.max_frames

    def frames_done(self) -> int:
        """Frames of the checkpoint that it goes on from; 0 without one."""
        resume = self.resume_from()
        if resume is None:
            return 0
        checkpoint = self.folder.last_checkpoint if resume == "last" else Path(resume).parent
        return _frames(checkpoint) or 0

    def resume_from(self) -> str | None:
        """What to go on from: ``last``, the path of an older checkpoint, or nothing.

        A run may have been killed between its last checkpoint and its summary. There is nothing left to train in that
        checkpoint, so that it goes on from the one before.
        """
        last = _frames(self.folder.last_checkpoint)
        if last is not None and last < self.facts.max_frames:
            return "last"
        for path in sorted(self.folder.checkpoints.glob("[0-9]*"), reverse=True):
            frames = _frames(path)
            if frames is not None and frames < self.facts.max_frames:
                return str(path / MODEL)
        return None

    def prepare(self, alone: bool) -> None:
        """Take away what a run left that was killed before it had a checkpoint.

        Args:
            alone: whether it is certain that no other process works on it.

        Raises:
            InputError: where none of its checkpoints serves, for it was interrupted beyond the frames that are wanted
                now, or where it may be another process's that has just begun.
        """
        if self.folder.summary.exists():
            return
        if any(self.folder.checkpoints.glob("[0-9]*")):
            had = max(_frames(path) or 0 for path in self.folder.checkpoints.glob("[0-9]*"))
            wanted = self.facts.max_frames
            if had >= wanted and self.resume_from() is None:
                remedy = f"it holds an unfinished run of {had:,} frames and no checkpoint before {wanted:,}"
                raise InputError("run folder", str(self.run_dir), remedy + "; ask for more frames, or delete it")
        elif alone:
            shutil.rmtree(self.run_dir, ignore_errors=True)
        elif self.run_dir.exists():
            remedy = "a run began there and has no checkpoint; delete it if no other session works on it"
            raise InputError("run folder", str(self.run_dir), remedy)


def _frames(checkpoint: Path) -> int | None:
    try:
        facts: dict[str, Any] = json.loads((checkpoint / MANIFEST).read_text())
        return int(facts["frames"])
    except (OSError, ValueError, KeyError):
        return None
