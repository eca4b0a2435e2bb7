"""Sums over the processes of one machine, in memory that all of them see."""

import os
import shutil
import socket
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

MEMORY = Path("/dev/shm")
"""Where Linux keeps files in memory."""

COUNT = 8
"""Bytes in which processes say how long a tensor is."""


class SharedMemorySum:
    """Adds up tensors of several processes on the same machine.

    Design choice: gloo sends what it sums through the network's stack and wakes threads for it. Here each process
    writes its tensor where all can read it, tells the others how long it is, and adds them up itself, in the order of
    ranks, so that sums are the same everywhere to the bit. There are two places for each, taken in turns: who has
    heard of the others' next tensor knows that they have read the one before.

    All processes have to make one alike, with ``torch.distributed`` set up.

    Args:
        rank: of this process.
        ranks: how many there are, at least two.
        capacity: bytes of the largest tensor.
        timeout: seconds after which a process that is not heard of counts as hanging.
    """

    def __init__(self, rank: int, ranks: int, capacity: int, timeout: float) -> None:
        self.rank, self.capacity = rank, -(-capacity // 64) * 64  # a whole number of any dtype's elements
        self._turn = 0
        size = 2 * ranks * self.capacity
        made: list[str | None] = [self._make(size) if rank == 0 else None]
        torch.distributed.broadcast_object_list(made, src=0)
        self.available = made[0] is not None
        self._others: list[socket.socket] = []
        if made[0] is None:
            return
        folder = Path(made[0])
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(folder / str(rank)))
        listening.listen(ranks)
        self._places = torch.from_file(str(folder / "places"), shared=True, size=size, dtype=torch.uint8)
        self._places = self._places.view(2, ranks, self.capacity)
        torch.distributed.barrier()  # all listen
        for lower in range(rank):
            other = socket.socket(socket.AF_UNIX)
            other.connect(str(folder / str(lower)))
            self._others.append(other)
        self._others += [listening.accept()[0] for _ in range(rank + 1, ranks)]
        for other in self._others:
            other.settimeout(timeout)
        listening.close()
        torch.distributed.barrier()  # all are connected: the files' names are needed no more
        if rank == 0:
            shutil.rmtree(folder)

    @staticmethod
    def _make(size: int) -> str | None:
        """A folder with a file of the size in memory, or nothing where there is no room for one."""
        if not MEMORY.is_dir():
            return None
        folder = None
        try:
            folder = tempfile.mkdtemp(prefix="diiqn-lightning-", dir=MEMORY)
            with (Path(folder) / "places").open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, size)
        except OSError:
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)
            return None
        return folder

    def takes(self, tensor: Tensor) -> bool:
        """Whether a tensor can be summed here; the same on all processes for tensors of the same kind."""
        return (
            self.available and tensor.device.type == "cpu" and tensor.is_contiguous() and tensor.nbytes <= self.capacity
        )

    def add_up(self, parts: Sequence[Tensor], total: Tensor) -> None:
        """Sum over all processes of what they have, joined.

        Args:
            parts: of the total's dtype, flat; one of them may be the total itself.
            total: that the sum is written to, flat and as long as all parts.

        Raises:
            ConnectionError: if another process has ended.
            TimeoutError: if another process is not heard of.
            RuntimeError: if another process has more or less to add up: they are out of step.
        """
        places = self._places[self._turn, :, : total.nbytes].view(total.dtype)
        self._turn = 1 - self._turn
        torch.cat([*parts], out=places[self.rank])
        for other in self._others:
            other.sendall(total.nbytes.to_bytes(COUNT))
        for other in self._others:
            count = self._count_of(other)
            if count != total.nbytes:
                raise RuntimeError(f"This process adds up {total.nbytes} bytes where another one adds up {count}.")
        torch.add(places[0], places[1], out=total)
        for place in places[2:]:
            total.add_(place)

    @staticmethod
    def _count_of(other: socket.socket) -> int:
        """Bytes of another process's tensor, once it is there to read."""
        heard = b""
        while len(heard) < COUNT:
            part = other.recv(COUNT - len(heard))
            if not part:
                raise ConnectionError("Another process of the run has ended.")
            heard += part
        return int.from_bytes(heard)

    def close(self) -> None:
        """Tell the others that this process takes part no longer."""
        for other in self._others:
            other.close()
        self._others, self.available = [], False
