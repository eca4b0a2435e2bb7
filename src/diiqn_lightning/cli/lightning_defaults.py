"""What the design asks of Lightning: settings of its Trainer, and silence where a user cannot act."""

import logging
import warnings
from typing import Any

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


def quiet_libraries() -> None:
    """Silence what libraries say that a user of this one cannot act on."""
    warnings.filterwarnings("ignore", module="lightning")
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    logging.getLogger("lightning.fabric").setLevel(logging.WARNING)
