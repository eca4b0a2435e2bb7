"""Weights & Biases through Lightning's logger, by environment frames."""

import netrc
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import WandbLogger
from lightning_utilities.core.rank_zero import rank_zero_only, rank_zero_warn
from torch import Tensor

from diiqn_lightning.callbacks.held_metrics import HeldMetrics
from diiqn_lightning.errors import InputError

ARTIFACTS = ("expert", "report", "checkpoint")


@dataclass(frozen=True)
class WandbSettings:
    """Where a run is logged.

    Args:
        project: the project's name.
        entity: user or team; null takes the account's own.
        group: what the run is grouped with; null groups by algorithm and environment.
        name: of the run; null takes algorithm, environment and seed.
        tags: labels of the run, beside algorithm, environment and seed.
        mode: online, offline, or auto (online where an account is configured, offline elsewhere; it
            never asks and never waits).
        artifacts: what is kept as artifacts: expert (the dataset, when the run starts), report (configuration,
            metrics, summary and curve of a finished run), checkpoint (its last one, as large as the replay). [] keeps
            none.
        finish_timeout: seconds that the end of a run waits for what is not uploaded yet. It stays in the run's folder,
            where `wandb sync --include-online` finds it; 0 waits for ever.
    """

    project: str = "diiqn-lightning"
    entity: str | None = None
    group: str | None = None
    name: str | None = None
    tags: list[str] | None = None
    mode: str = "auto"
    artifacts: list[str] = field(default_factory=lambda: list(ARTIFACTS))
    finish_timeout: float = 300.0

    def __post_init__(self) -> None:
        if not self.finish_timeout >= 0:
            raise InputError("wandb.finish_timeout", self.finish_timeout, "give seconds, or 0 to wait for ever")
        for artifact in self.artifacts:
            if artifact not in ARTIFACTS:
                raise InputError("wandb.artifacts", self.artifacts, f"choose among {', '.join(ARTIFACTS)}")
        if self.mode not in ("auto", "online", "offline"):
            raise InputError("wandb.mode", self.mode, "choose auto, online or offline")

    @property
    def offline(self) -> bool:
        """Whether the run is logged to files alone."""
        return self.mode == "offline" or (self.mode == "auto" and not account_is_configured())


def account_is_configured() -> bool:
    """Whether W&B would find an account without asking: a key in the environment or in ``.netrc``."""
    if os.environ.get("WANDB_MODE") in ("offline", "dryrun", "disabled"):
        return False
    if os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    host = os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai").split("//")[-1].split("/")[0]
    try:
        return netrc.netrc().authenticators(host) is not None
    except (OSError, netrc.NetrcParseError):
        return False


def agents_run_id() -> str | None:
    """The id that an agent of W&B gave this run, if one started it."""
    return os.environ.get("WANDB_RUN_ID") if os.environ.get("WANDB_SWEEP_ID") else None


class FramesWandbLogger(WandbLogger):
    """Lightning's logger with environment frames as the x-axis of every chart, and with artifacts.

    Training goes on without W&B where its client breaks down; that its server cannot be reached is the client's own
    business, which writes everything to the run's folder first and tries again.

    Args:
        artifacts: which are kept (see :class:`WandbSettings`).
        expert: file or folder of the run's dataset; ``None`` without one.
        **settings: of Lightning's logger.
    """

    def __init__(self, artifacts: Iterable[str] = (), expert: Path | None = None, **settings: Any) -> None:
        super().__init__(**settings)
        self._artifacts, self._expert, self._lost = tuple(artifacts), expert, False
        self._held = HeldMetrics()
        self._wandb_init.pop("anonymous")  # W&B has it no longer, and says so
        if os.environ.get("WANDB_SWEEP_ID"):
            # The sweep's agent has decided on these, and W&B complains of others.
            self._wandb_init.update(project=None, entity=None, id=None)

    @property
    def experiment(self) -> Any:
        """The W&B run."""
        import wandb

        new = self._experiment is None
        try:
            run = super().experiment
        except wandb.errors.Error as error:
            reason = " ".join(str(error).split())[:200]
            raise InputError(
                "wandb.mode",
                f"online, and W&B cannot start ({reason})",
                "check the account and the network, or choose offline and call `wandb sync` later",
            ) from error
        if new and hasattr(run, "define_metric"):
            run.define_metric("frames")
            run.define_metric("*", step_metric="frames")
            if self._expert is not None:
                self._keep(run, "expert", self._expert.stem, "dataset", [self._expert])
        return run

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log numbers, as Lightning's logger does."""
        are_numbers = all(isinstance(value, int | float) for value in metrics.values())
        row = self._held.row(metrics) if are_numbers else metrics  # pictures and films go their own way
        if self._lost or row is None:
            return
        with self._going_on_without():
            super().log_metrics(row, step)

    @rank_zero_only
    def log_image(self, *arguments: Any, **named: Any) -> None:
        """Log pictures, as Lightning's logger does."""
        if not self._lost:
            with self._going_on_without():
                super().log_image(*arguments, **named)

    @rank_zero_only
    def log_video(self, *arguments: Any, **named: Any) -> None:
        """Log films, as Lightning's logger does."""
        if not self._lost:
            with self._going_on_without():
                super().log_video(*arguments, **named)

    @contextmanager
    def _going_on_without(self) -> Iterator[None]:
        """Nothing that happens to W&B's client ends a run; it is said once."""
        import wandb

        try:
            yield
        except Exception as error:  # what a server answers that the client does not understand has no type of W&B's
            if not self._lost:
                rank_zero_warn(
                    f"W&B broke down ({type(error).__name__}) and has nothing of this run from here on; training goes "
                    f"on, and {self.save_dir} has everything in metrics.csv."
                )
            self._lost = True
            # Else the client would try again when the process exits, and say so with a traceback. It waits for what is
            # not uploaded: `finish` no longer than `finish_timeout`, `teardown` alone for minutes.
            for end in (wandb.finish, wandb.teardown):
                with suppress(Exception):
                    end()

    @rank_zero_only
    def keep_run(self, run_dir: Path) -> None:
        """Keep what a finished run leaves.

        Args:
            run_dir: its folder.
        """
        if self._lost:
            return
        written = ("config.yaml", "metrics.csv", "summary.json", "curve.png", "bridges.png")
        with self._going_on_without():
            run = self.experiment
            self._keep(run, "report", f"report-{run.id}", "report", [run_dir / name for name in written])
            last = (run_dir / "checkpoints" / "last").resolve()
            self._keep(run, "checkpoint", f"checkpoint-{run.id}", "model", [last])

    @rank_zero_only
    def _keep(self, run: Any, artifact: str, name: str, kind: str, paths: Iterable[Path]) -> None:
        import wandb

        present = [path for path in paths if path.exists()]
        if artifact not in self._artifacts or not present:
            return
        kept = wandb.Artifact(re.sub(r"[^\w.-]", "-", name), kind)
        for path in present:
            if path.is_dir():
                kept.add_dir(str(path))
            else:
                kept.add_file(str(path))
        run.log_artifact(kept)

    @rank_zero_only
    def log_histogram(self, name: str, values: Tensor, frames: int) -> None:
        """Log the distribution of ``values`` at a frame."""
        import wandb

        if self._lost:
            return
        with self._going_on_without():
            self.experiment.log({name: wandb.Histogram(values.float().tolist()), "frames": frames})


def make_wandb_logger(
    settings: WandbSettings,
    run_dir: Path,
    names: tuple[str, str, int],
    config: dict[str, Any],
    run_id: str,
    expert: Path | None = None,
) -> FramesWandbLogger:
    """The logger of a run.

    Args:
        settings: where.
        run_dir: the run's folder; W&B's own files go there too.
        names: algorithm, environment and seed.
        config: the resolved configuration.
        run_id: of the W&B run, so that a resumed run goes on with it.
        expert: file or folder of the run's dataset.
    """
    import wandb

    algorithm, environment, seed = names
    return FramesWandbLogger(
        artifacts=settings.artifacts,
        expert=expert,
        project=settings.project,
        entity=settings.entity,
        group=settings.group or f"{algorithm}-{environment}",
        name=settings.name or f"{algorithm}-{environment}-{seed}",
        job_type=algorithm,
        tags=[algorithm, environment, f"seed-{seed}", *(settings.tags or [])],
        save_dir=str(run_dir),
        id=run_id,
        offline=settings.offline,
        config=config,
        settings=wandb.Settings(finish_timeout=settings.finish_timeout),
    )
