"""Backward passes without the way through Lightning, where that has nothing to do."""

from typing import Any

import lightning
from lightning.pytorch.plugins.precision import Precision
from lightning.pytorch.strategies import SingleDeviceStrategy
from lightning.pytorch.utilities.model_helpers import is_overridden
from torch import Tensor

HOOKS = ("on_before_backward", "on_after_backward")


class LeanBackward(lightning.LightningModule):
    """A module whose ``manual_backward`` is torch's alone where strategy, precision and callbacks have no part in it.

    Lightning announces each backward pass to each callback, listening or not, before it and after it: with a batch of
    32 that takes a good part of what the pass itself does (docs/performance.md).
    """

    def __init__(self) -> None:
        super().__init__()
        self._has_plain_backward = False

    def on_fit_start(self) -> None:
        """Find out what a backward pass has to go through."""
        self._has_plain_backward = is_plain_backward(self.trainer)

    def manual_backward(self, loss: Tensor, *args: Any, **kwargs: Any) -> None:
        """Gradients of a loss; the arguments are Lightning's."""
        if self._has_plain_backward:
            loss.backward(*args, **kwargs)  # type: ignore[no-untyped-call]
        else:
            super().manual_backward(loss, *args, **kwargs)


def is_plain_backward(trainer: lightning.Trainer) -> bool:
    """Whether strategy and precision leave a backward pass to torch, and nothing listens to it."""
    if is_overridden("backward", trainer.lightning_module, lightning.LightningModule):
        return False
    listeners: list[tuple[Any, type]] = [(callback, lightning.Callback) for callback in trainer.callbacks]  # type: ignore[attr-defined]
    listeners.append((trainer.lightning_module, lightning.LightningModule))
    return (
        type(trainer.strategy) is SingleDeviceStrategy
        and type(trainer.precision_plugin) is Precision
        and not any(is_overridden(hook, listener, base) for listener, base in listeners for hook in HOOKS)
    )
