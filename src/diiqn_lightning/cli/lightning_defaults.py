"""What the design asks of Lightning: settings of its Trainer, and silence where a user cannot act."""

import logging
import warnings
from typing import Any

from diiqn_lightning.errors import InputError

TRAINER_DEFAULTS: dict[str, Any] = {
    "devices": 1,  # more of them are another run: each has a batch of its own (docs/multi_gpu.md)
    "logger": False,
    "max_epochs": -1,  # the run ends by frames, see FrameBudget
    "reload_dataloaders_every_n_epochs": 1,  # the stream sets each epoch's length
    "num_sanity_val_steps": 0,
    "use_distributed_sampler": False,
    "enable_progress_bar": False,  # FrameProgress counts frames
    "enable_model_summary": False,
}
"""Settings of the Trainer that the design relies on."""


PRECISIONS = ("None", "32", "32-true", "bf16-mixed")

BY_FRAMES: dict[str, tuple[tuple[Any, ...], str]] = {
    "check_val_every_n_epoch": ((1,), "leave it out and give data.frames_per_epoch"),
    "val_check_interval": ((None, 1.0), "leave it out and give data.frames_per_epoch"),
    "limit_val_batches": ((None, 1.0), "leave it out and give data.evaluation.episodes"),
    "limit_test_batches": ((None, 1.0), "leave it out and give data.evaluation.episodes"),
    "limit_train_batches": ((None, 1.0), "leave it out and give max_frames"),
    "overfit_batches": ((0, 0.0), "leave it out: every batch is a draw of its own"),
    "max_steps": ((-1,), "leave it out and give max_frames"),
    "min_steps": ((None,), "leave it out and give max_frames"),
    "fast_dev_run": ((False, 0), "leave it out and give a small max_frames"),
    "reload_dataloaders_every_n_epochs": ((1,), "leave it out: the stream of frames sets each epoch's length"),
}
"""Settings by which Lightning would count batches where a run counts frames: what they may be, and what to do."""


def check_trainer(trainer: Any) -> None:
    """Refuse settings of Lightning's that do not go with batches of several updates, which the module steps itself.

    Args:
        trainer: the configuration's.

    Raises:
        InputError: that names the field.
    """
    if trainer.gradient_clip_val is not None or trainer.accumulate_grad_batches != 1:
        raise InputError(
            "trainer.gradient_clip_val, trainer.accumulate_grad_batches",
            [trainer.gradient_clip_val, trainer.accumulate_grad_batches],
            "leave both out: a batch holds several updates, which Lightning cannot clip or accumulate",
        )
    for field, (allowed, remedy) in BY_FRAMES.items():
        value = trainer[field]
        if not any(value == each and type(value) is type(each) for each in allowed):  # 1 batch is not 1.0, all of them
            raise InputError(f"trainer.{field}", value, remedy)
    if str(trainer.precision) not in PRECISIONS:
        remedy = "give bf16-mixed or leave it out: others would have to scale gradients, or convert what is observed"
        raise InputError("trainer.precision", trainer.precision, remedy)
    if trainer.strategy not in ("auto", "ddp"):
        remedy = "give auto or ddp: of several processes each has the whole network, and gradients are averaged"
        raise InputError("trainer.strategy", trainer.strategy, remedy)


def make_trainer(trainer_class: Any, options: dict[str, Any]) -> Any:
    """A Trainer, or one sentence of what it has against its options.

    Raises:
        InputError: for options that Lightning refuses.
    """
    from lightning.fabric.utilities.exceptions import MisconfigurationException

    try:
        return trainer_class(**options)
    except InputError:
        raise
    except (MisconfigurationException, ModuleNotFoundError, ValueError, TypeError) as error:
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        raise InputError("trainer", "not as Lightning takes it", f"correct its options ({reason})") from error


def quiet_libraries() -> None:
    """Silence what libraries say that a user of this one cannot act on."""
    warnings.filterwarnings("ignore", module="lightning")
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    logging.getLogger("lightning.fabric").setLevel(logging.WARNING)
