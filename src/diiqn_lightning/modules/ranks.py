"""What the modules of several processes tell each other beside their gradients."""

from typing import cast

import lightning
import torch
from torch import Tensor


def total_over_ranks(module: lightning.LightningModule, own: Tensor) -> Tensor:
    """Sum of a tensor over all processes, on the CPU; all have to ask for it alike."""
    if module.trainer.world_size == 1:
        return own
    return cast(Tensor, module.trainer.strategy.reduce(own.to(module.device), reduce_op="sum")).cpu()


def average_buffers(module: lightning.LightningModule) -> None:
    """Set the running means of all processes to their mean; they are of different transitions."""
    buffers = [buffer for buffer in module.buffers() if buffer.is_floating_point()]
    if not buffers or module.trainer.world_size == 1:
        return
    flat = torch.cat([buffer.flatten() for buffer in buffers])
    mean = cast(Tensor, module.trainer.strategy.reduce(flat, reduce_op="mean"))
    parts = torch.split(mean, [buffer.numel() for buffer in buffers])
    for buffer, part in zip(buffers, parts, strict=True):
        buffer.copy_(part.view_as(buffer))
