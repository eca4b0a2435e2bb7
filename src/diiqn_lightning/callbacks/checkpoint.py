"""Writes and reads checkpoints: a folder each, whole or absent.

``checkpoints/<frames>-<updates>/`` holds ``model.ckpt`` (Lightning's: weights and optimizer), ``rank-<r>.pt``
(that process's replay, episodes, table, counts and random generators, as plain tensors) and
``manifest.json`` (checksums and what the run was). It is written under another name, synced and
renamed; ``last`` then points to it.
"""

import json
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, Protocol, runtime_checkable

import torch
from lightning.pytorch.callbacks import Checkpoint

from diiqn_lightning.callbacks.manifest import LAST, MANIFEST, MODEL, sync, write_manifest
from diiqn_lightning.callbacks.metrics import TrainingMetrics
from diiqn_lightning.callbacks.stop_request import RunInterrupted, StopRequest
from diiqn_lightning.errors import InputError
from diiqn_lightning.packing import pack_state, unpack_state


@runtime_checkable
class HasRankState(Protocol):
    """A callback with state of its own on each rank."""

    def rank_state(self) -> dict[str, Any]:
        """Nested dictionaries of tensors, numbers and strings."""
        ...

    def load_rank_state(self, state: dict[str, Any]) -> None:
        """Inverse of ``rank_state``."""
        ...


@dataclass(frozen=True)
class CheckpointSettings:
    """When checkpoints are written; one is always written at the end.

    Args:
        every_n_frames: environment frames from one checkpoint to the next.
        keep: how many are kept; until a run has its summary, never fewer than two.
    """

    every_n_frames: int = 50_000
    keep: int = 2

    def __post_init__(self) -> None:
        for field in ("every_n_frames", "keep"):
            if getattr(self, field) < 1:
                raise InputError(f"checkpoint.{field}", getattr(self, field), "give a whole number of at least 1")


class RunCheckpoint(Checkpoint):
    """Saves the whole state of a run by environment frames, at its end, and when it is asked to stop.

    Args:
        folder: ``<run_dir>/checkpoints``.
        identity: what a resumed run must have in common with this one (``run_identity``).
        settings: when.
        fresh_data: of a checkpoint that is gone on from, take the weights, the optimizer and the frames alone.
    """

    # How often ranks agree on a stop request, in batches: an agreement costs a collective call.
    _AGREE_EVERY = 5

    def __init__(
        self, folder: Path, identity: dict[str, Any], settings: CheckpointSettings, fresh_data: bool = False
    ) -> None:
        self.folder, self.identity, self.settings, self.fresh_data = folder, identity, settings, fresh_data
        self.seconds_outside_training = 0.0
        self._seconds_of_last = 0.0
        self._model_state: dict[str, Any] = {}
        self._own_state: Any = {}
        self._next = 0
        self._saved_at = -1
        self._request = StopRequest(folder.parent)

    # When.

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """Restore this rank's state when resuming; take away what a kill has left half written."""
        if trainer.is_global_zero:
            for left in self.folder.glob(".[0-9]*.partial"):
                shutil.rmtree(left, ignore_errors=True)
        if trainer.ckpt_path:
            self._restore(trainer, Path(trainer.ckpt_path).parent)
        self._set_next(trainer)

    def _set_next(self, trainer: Any) -> None:
        frames = trainer.datamodule.frames
        self._next = (frames // self.settings.every_n_frames + 1) * self.settings.every_n_frames

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Listen to signals."""
        self._request.listen(trainer)

    def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Listen no longer."""
        self._request.give_back()

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Save when it is time; at an epoch's last update that waits for the evaluation."""
        if trainer.datamodule.stream.epoch_finished:
            return
        if (trainer.world_size == 1 or batch_idx % self._AGREE_EVERY == 0) and self._request.agreed(trainer):
            self._stop(trainer)
        if trainer.datamodule.frames >= self._next:
            self.save(trainer)

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Save after the epoch's evaluation, if it is time or the run is done; a run that is done need not stop."""
        finished = trainer.datamodule.stream.finished
        if trainer.datamodule.frames >= self._next or finished:
            self.save(trainer)
        if not finished and self._request.agreed(trainer):
            self._stop(trainer)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Save where a limit of the trainer's, such as ``max_time``, ends the run between two checkpoints."""
        self.save(trainer)

    def _stop(self, trainer: Any) -> NoReturn:
        self.save(trainer)
        saved = self._saved_at == trainer.lightning_module.updates
        raise RunInterrupted(self._request.signal_number, self.folder.parent, self.folder / LAST if saved else None)

    def on_save_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: dict[str, Any]) -> None:
        """Leave Lightning's loop counters out: the stream's frames say where the run is."""
        checkpoint.pop("loops", None)
        checkpoint["epoch"], checkpoint["global_step"] = 0, pl_module.updates

    # Saving.

    def save(self, trainer: Any) -> None:
        """Write a checkpoint of all ranks; does nothing when this update has one."""
        started = time.perf_counter()
        self._set_next(trainer)
        updates = trainer.lightning_module.updates
        # Weights that are no numbers must not replace good ones: RunHealth, which looks less often, ends such a run.
        sound = all(bool(torch.isfinite(weight).all()) for weight in trainer.lightning_module.parameters())
        if updates != self._saved_at and sound and self._write(trainer, trainer.datamodule.frames, updates):
            self._saved_at = updates
        self._seconds_of_last = time.perf_counter() - started
        self.seconds_outside_training += self._seconds_of_last

    def metrics(self) -> dict[str, float]:
        """How long the run stood still for the last checkpoint."""
        return {"checkpoint/seconds": self._seconds_of_last} if self._seconds_of_last else {}

    def _write(self, trainer: Any, frames: int, updates: int) -> bool:
        """Write a checkpoint; false, and a warning, where the disk does not take it on every rank."""
        final = self.folder / f"{frames:010d}-{updates:010d}"
        aside = final.with_name(f".{final.name}.partial")
        # Gathered before anything is written: what fails here is no matter of the disk.
        self._model_state = trainer._checkpoint_connector.dump_checkpoint()
        self._own_state = pack_state(self._rank_state(trainer))
        for step in (self._make_folder, self._write_model, self._write_rank, self._make_whole, self._publish):
            failure = self._try(step, trainer, aside)
            # All ranks go on to the next step, or none: who fails alone would leave the others waiting.
            if not trainer.strategy.reduce_boolean_decision(failure is None, all=True):
                self._give_up(trainer, aside, failure)
                break
        self._model_state, self._own_state = {}, {}
        return final.exists()

    @staticmethod
    def _try(step: Callable[[Any, Path], None], trainer: Any, aside: Path) -> Exception | None:
        try:
            step(trainer, aside)
        except (OSError, RuntimeError) as failure:  # torch says RuntimeError where the disk is full
            return failure
        return None

    def _give_up(self, trainer: Any, aside: Path, failure: Exception | None) -> None:
        """Take away what was written, say so, and go on: the checkpoint before is still whole."""
        if failure is not None:
            reason = " ".join(str(failure).split())[:200]
            print(
                f"warning: checkpoint {aside.parent} could not be written ({reason}); the run goes on, and what it had "
                "saved before stays as it is. Make room on the disk; where several machines write, let them share it.",
                file=sys.stderr,
                flush=True,
            )
        if trainer.is_global_zero:
            shutil.rmtree(aside, ignore_errors=True)

    @staticmethod
    def _make_folder(trainer: Any, aside: Path) -> None:
        if trainer.is_global_zero:
            shutil.rmtree(aside, ignore_errors=True)
            aside.mkdir(parents=True)

    def _write_model(self, trainer: Any, aside: Path) -> None:
        # What trainer.save_checkpoint does, without its barrier: a rank that fails must not miss one.
        trainer.strategy.save_checkpoint(self._model_state, aside / MODEL)

    def _write_rank(self, trainer: Any, aside: Path) -> None:
        torch.save(self._own_state, aside / f"rank-{trainer.global_rank}.pt")

    def _publish(self, trainer: Any, aside: Path) -> None:
        """Give it its name, and let ``last`` point to it."""
        if trainer.is_global_zero:
            final = aside.with_name(aside.name.removeprefix(".").removesuffix(".partial"))
            shutil.rmtree(final, ignore_errors=True)
            aside.replace(final)
            self._point_last_to(final)
            # A run that is killed before it has its summary goes on from the checkpoint before its last.
            self._forget_old(final, keep=max(2, self.settings.keep))

    def _make_whole(self, trainer: Any, aside: Path) -> None:
        if not trainer.is_global_zero:
            return
        seconds, timed_frames = self._clock(trainer).trained(trainer)
        facts = {
            "frames": trainer.datamodule.frames,
            "updates": trainer.lightning_module.updates,
            "ranks": trainer.world_size,
            "identity": self.identity,
            "seconds": seconds,
            "timed_frames": timed_frames,
        }
        write_manifest(aside, facts)

    def _point_last_to(self, final: Path) -> None:
        aside = self.folder / f".{LAST}.partial"
        aside.unlink(missing_ok=True)
        aside.symlink_to(final.name)
        aside.replace(self.folder / LAST)
        sync(self.folder)

    def forget_spare(self) -> None:
        """Leave no more checkpoints than the settings say, of a run that has its summary."""
        if (self.folder / LAST).exists():  # none was ever written where the disk was full
            self._forget_old((self.folder / LAST).resolve(), self.settings.keep)

    def _forget_old(self, newest: Path, keep: int) -> None:
        found = [folder for folder in self.folder.iterdir() if not folder.name.startswith((".", LAST))]
        # One of more frames is what a run that had to go on from an older one did not go on from: it may be damaged.
        others = sorted((f for f in found if f != newest), key=lambda f: (f.name < newest.name, f.name))
        for folder in others[: max(0, len(found) - keep)]:
            shutil.rmtree(folder, ignore_errors=True)

    @staticmethod
    def _rank_state(trainer: Any) -> dict[str, Any]:
        state = {"data": trainer.datamodule.rank_state()}
        for callback in trainer.callbacks:
            if isinstance(callback, HasRankState):
                state[type(callback).__name__] = callback.rank_state()
        return state

    @staticmethod
    def _clock(trainer: Any) -> TrainingMetrics:
        return next(callback for callback in trainer.callbacks if isinstance(callback, TrainingMetrics))

    # Loading.

    def _restore(self, trainer: Any, folder: Path) -> None:
        manifest = json.loads((folder / MANIFEST).read_text())
        if self.fresh_data:
            trainer.datamodule.stream.begin_anew(manifest["frames"], manifest["updates"])
            if manifest["identity"].get("expert") != self.identity.get("expert"):
                trainer.lightning_module.forget_expert(manifest["frames"])
        else:
            self._restore_rank(trainer, folder / f"rank-{trainer.global_rank}.pt")
        self._clock(trainer).trained_before(manifest["seconds"], manifest["timed_frames"])
        for logger in trainer.loggers:
            if hasattr(logger, "keep_until"):
                logger.keep_until(trainer.datamodule.frames)
        self._saved_at = trainer.datamodule.stream.updates

    @staticmethod
    def _restore_rank(trainer: Any, file: Path) -> None:
        state = unpack_state(torch.load(file, weights_only=True, map_location="cpu"))
        trainer.datamodule.load_rank_state(state["data"])
        for callback in trainer.callbacks:
            name = type(callback).__name__
            # A callback that the checkpoint does not know, such as a new one, starts anew.
            if isinstance(callback, HasRankState) and name in state:
                callback.load_rank_state(state[name])
