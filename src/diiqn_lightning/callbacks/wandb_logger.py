"""Weights & Biases through Lightning's logger, by environment frames."""

import netrc
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import WandbLogger
from lightning_utilities.core.rank_zero import rank_zero_only
from torch import Tensor

from diiqn_lightning.errors import InputError


@dataclass(frozen=True)
class WandbSettings:
    """Where a run is logged.

    Args:
        project: the project's name.
        entity: user or team; null takes the account's own.
        group: what the run is grouped with; null groups by algorithm and environment.
        name: of the run; null takes algorithm, environment and seed.
        tags: labels of the run.
        mode: online, offline, or auto (online where an account is configured, offline elsewhere; it
            never asks and never waits).
    """

    project: str = "diiqn-lightning"
    entity: str | None = None
    group: str | None = None
    name: str | None = None
    tags: list[str] | None = None
    mode: str = "auto"

    def __post_init__(self) -> None:
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


class FramesWandbLogger(WandbLogger):
    """Lightning's logger with environment frames as the x-axis of every chart."""

    @property
    def experiment(self) -> Any:
        """The W&B run."""
        new = self._experiment is None
        run = super().experiment
        if new and hasattr(run, "define_metric"):
            run.define_metric("frames")
            run.define_metric("*", step_metric="frames")
        return run

    @rank_zero_only
    def log_histogram(self, name: str, values: Tensor, frames: int) -> None:
        """Log the distribution of ``values`` at a frame."""
        import wandb

        self.experiment.log({name: wandb.Histogram(values.float().tolist()), "frames": frames})


def make_wandb_logger(
    settings: WandbSettings, run_dir: Path, names: tuple[str, str, int], config: dict[str, Any], run_id: str
) -> FramesWandbLogger:
    """The logger of a run.

    Args:
        settings: where.
        run_dir: the run's folder; W&B's own files go there too.
        names: algorithm, environment and seed.
        config: the resolved configuration.
        run_id: of the W&B run, so that a resumed run goes on with it.
    """
    algorithm, environment, seed = names
    return FramesWandbLogger(
        project=settings.project,
        entity=settings.entity,
        group=settings.group or f"{algorithm}-{environment}",
        name=settings.name or f"{algorithm}-{environment}-{seed}",
        job_type=algorithm,
        tags=settings.tags,
        save_dir=str(run_dir),
        id=run_id,
        offline=settings.offline,
        config=config,
    )
