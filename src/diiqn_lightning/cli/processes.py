"""The processes of one run: how many, which one this is, and what they agree on."""

import os
from typing import Any

import torch

from diiqn_lightning.errors import InputError

RUN_DIR_OF_PARENT = "DIIQN_LIGHTNING_RUN_DIR"
"""Environment variable by which the processes of one run agree on its folder."""


def is_child_process() -> bool:
    """Whether Lightning's launcher, torchrun or SLURM started this process as another rank than 0."""
    return any(os.environ.get(name, "0") != "0" for name in ("LOCAL_RANK", "RANK", "SLURM_PROCID"))


def is_started_from_outside() -> bool:
    """Whether torchrun or SLURM started this process, and not the command line itself."""
    return "TORCHELASTIC_RUN_ID" in os.environ or int(os.environ.get("SLURM_NTASKS", "1")) > 1


def check_launch(trainer_config: Any) -> None:
    """Refuse to be one of several processes that know nothing of each other and would write into the same folder.

    Raises:
        InputError: if torchrun started another number of processes than the Trainer's settings ask for.
    """
    started = int(os.environ.get("WORLD_SIZE", "1")) if "TORCHELASTIC_RUN_ID" in os.environ else None
    if started is not None and started != (asked := num_processes(trainer_config)):
        remedy = f"give as many as torchrun has started, which are {started}, or start it without torchrun"
        raise InputError("trainer.devices × trainer.num_nodes", asked, remedy)


def num_processes(trainer_config: Any) -> int:
    """How many processes a Trainer's settings ask for."""
    devices, accelerator = trainer_config.devices, trainer_config.accelerator
    if isinstance(devices, str) and "," in devices:
        devices = [device for device in devices.split(",") if device.strip()]
    if isinstance(devices, list):
        count = len(devices)
    elif str(devices) in ("auto", "-1"):
        count = torch.cuda.device_count() if accelerator in ("auto", "gpu", "cuda") else 1
    elif str(devices).isdigit():
        count = int(devices)
    else:
        raise InputError("trainer.devices", devices, "give a number, a list of device numbers, or auto")
    return max(1, count) * int(trainer_config.num_nodes)
