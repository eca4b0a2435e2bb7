"""Data-parallel training for modules that update several times a batch."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
from lightning.pytorch.strategies import DDPStrategy
from torch import Tensor, nn
from torch.distributed import DistBackendError, ReduceOp

from diiqn_lightning.modules.shared_memory import SharedMemorySum

PATIENCE = timedelta(minutes=10)
"""How long a process waits for the others; one that is gone or hangs ends the run by then."""

GRACE = 20.0
"""Seconds after which a process that has not noticed the loss of another one is killed."""

SIGNS_OF_LOSS = ("connection", "timed out", "timeout", "socket", "gloo")
"""Words by which an error of torch's that has no type of its own is about another process."""


class ProcessLostError(RuntimeError):
    """Another process of the run has ended or hangs."""

    def __init__(self) -> None:
        super().__init__(
            "Another process of the run has ended or does not answer; go on from the last checkpoint with "
            "--run_dir DIR --ckpt_path last."
        )


@contextmanager
def _others_needed() -> Iterator[None]:
    """Say it plainly where another process does not take part: gloo and NCCL tell of their connections."""
    try:
        yield
    except DistBackendError as error:
        raise ProcessLostError from error
    except RuntimeError as error:
        if not any(sign in str(error).lower() for sign in SIGNS_OF_LOSS):
            raise
        raise ProcessLostError from error


class FlatAveraging(DDPStrategy):
    """Averages all gradients of an update over all processes in one message.

    Design choice: torch's ``DistributedDataParallel`` walks the graph of each loss in search of parameters that it
    does not reach, such as the labeller's in all updates of a batch but the last, and asks the other processes about
    them. That costs more than small networks' arithmetic. Here every process knows which ones have a gradient: losses
    have the same terms everywhere, because updates, frames and schedules are the same.

    Whatever it averages is the same on all processes to the bit: each gets the same sum.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(timeout=PATIENCE, **settings)
        self._shared: SharedMemorySum | None = None
        self._mean = torch.empty(0)
        self._parameters: list[nn.Parameter] = []  # a walk through all modules for each update adds up

    def configure_ddp(self) -> None:
        """Give all processes the first one's weights; the module stays as it is."""
        module = self._module()
        with _others_needed():
            for tensor in module.state_dict().values():
                torch.distributed.broadcast(tensor, src=0)
        self._parameters = list(module.parameters())
        if self.num_nodes == 1 < self.world_size and self.root_device.type == "cpu":
            learned = [parameter for parameter in self._parameters if parameter.requires_grad]
            self._mean = torch.empty(sum(parameter.numel() for parameter in learned), dtype=learned[0].dtype)
            self._shared = SharedMemorySum(
                self.global_rank, self.world_size, self._mean.nbytes, PATIENCE.total_seconds()
            )

    def post_backward(self, closure_loss: Tensor) -> None:
        """Replace gradients by their mean over the processes."""
        gradients = {p: p.grad for p in self._parameters if p.grad is not None}
        flat = [gradient.flatten() for gradient in gradients.values()]
        sizes = [gradient.numel() for gradient in flat]
        if self._shared is not None and self._shared.available:
            mean = self._mean[: sum(sizes)]  # the optimizer has done with what it had before
            self._add_up(self._shared, flat, mean)
            mean.div_(self.world_size)
        else:
            mean = self.reduce(torch.cat(flat))
        for parameter, part in zip(gradients, torch.split(mean, sizes), strict=True):
            parameter.grad = part.view_as(parameter)

    def reduce(self, tensor: Tensor, group: Any = None, reduce_op: ReduceOp | str | None = "mean") -> Tensor:
        """Mean or sum over all processes, in place.

        Lightning's has the processes meet at a barrier before, which makes two messages of one.

        Args:
            tensor: of the same shape and dtype on all processes.
            group: of processes; ``None`` is all of them.
            reduce_op: mean, sum, or whatever else Lightning knows.

        Raises:
            ProcessLostError: if another process does not take part.
        """
        if group is not None or reduce_op not in ("mean", "avg", "sum", ReduceOp.SUM):
            return super().reduce(tensor, group, reduce_op)
        if self._shared is not None and self._shared.takes(tensor):
            self._add_up(self._shared, [tensor.view(-1)], tensor.view(-1))
        else:
            with _others_needed():
                torch.distributed.all_reduce(tensor)
        return tensor.div_(self.world_size) if reduce_op in ("mean", "avg") else tensor

    def all_gather(self, tensor: Tensor, group: Any = None, sync_grads: bool = False) -> Tensor:
        """Tensors of all processes, ``[R, …]``.

        Raises:
            ProcessLostError: if another process does not take part.
        """
        with _others_needed():
            return super().all_gather(tensor, group, sync_grads)

    def broadcast(self, obj: Any, src: int = 0) -> Any:
        """What process ``src`` has, in all processes.

        Raises:
            ProcessLostError: if another process does not take part.
        """
        with _others_needed():
            return super().broadcast(obj, src)

    def barrier(self, *args: Any, **kwargs: Any) -> None:
        """Wait for all processes.

        Raises:
            ProcessLostError: if another process does not take part.
        """
        with _others_needed():
            super().barrier(*args, **kwargs)

    @staticmethod
    def _add_up(shared: SharedMemorySum, parts: list[Tensor], total: Tensor) -> None:
        try:
            shared.add_up(parts, total)
        except OSError as error:
            raise ProcessLostError from error

    def on_exception(self, exception: BaseException) -> None:
        """Leave no process behind that hangs: those that this one started have a while to end by themselves."""
        super().on_exception(exception)
        if not isinstance(exception, ProcessLostError):
            return
        started: list[subprocess.Popen[bytes]] = getattr(self.launcher, "procs", [])
        end = time.monotonic() + GRACE
        for process in started:
            try:
                process.wait(timeout=max(0.0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()

    def teardown(self) -> None:
        """Let go of what the processes share."""
        if self._shared is not None:
            self._shared.close()
        super().teardown()

    def _module(self) -> nn.Module:
        assert self.model is not None
        return self.model
