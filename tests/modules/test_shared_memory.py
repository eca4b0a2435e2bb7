"""Sums in memory that several processes share."""

import multiprocessing
import os
import socket
import time
from pathlib import Path

import pytest
import torch

from diiqn_lightning.modules import shared_memory
from diiqn_lightning.modules.shared_memory import SharedMemorySum

pytestmark = [
    pytest.mark.own_processes,
    pytest.mark.skipif(not shared_memory.MEMORY.is_dir(), reason="this system keeps no files in memory"),
]


def add_up(shared, tensor):
    """Replace a tensor by the sum of all processes', of two parts."""
    flat = tensor.view(-1)
    shared.add_up([flat[:1], flat[1:]], flat)


def sums(rank, ranks, answers):
    """What each process gets for tensors of several kinds."""
    shared = SharedMemorySum(rank, ranks, capacity=1000, timeout=20)
    tensors = [
        torch.full((3, 5), 0.1 * (rank + 1)),
        torch.tensor(rank + 1),
        torch.tensor([1.0, rank], dtype=torch.float64),
        torch.full((250,), float(rank)),
    ]
    for tensor in tensors * 50:
        assert shared.takes(tensor)
        before = tensor.clone()
        add_up(shared, tensor)
        last, tensor[...] = tensor.clone(), before
    assert not shared.takes(torch.zeros(257))
    for tensor in tensors:
        add_up(shared, tensor)
    answers.put((rank, [tensor.tolist() for tensor in tensors], last.tolist()))
    torch.distributed.barrier()
    shared.close()


def left_alone(rank, ranks, answers):
    """The last process ends; what the others are told, and after how long."""
    shared = SharedMemorySum(rank, ranks, capacity=100, timeout=20)
    if rank == ranks - 1:
        os._exit(1)
    began = time.monotonic()
    try:
        add_up(shared, torch.ones(4))
    except OSError as error:
        answers.put((type(error).__name__, time.monotonic() - began))


def out_of_step(rank, ranks, answers):
    """The last process has more to add up than the others."""
    shared = SharedMemorySum(rank, ranks, capacity=100, timeout=20)
    try:
        add_up(shared, torch.ones(4 + rank // (ranks - 1)))
    except RuntimeError as error:
        answers.put(str(error))
    torch.distributed.barrier()


def kept_waiting(rank, ranks, answers):
    """The last process hangs for longer than the others have patience."""
    shared = SharedMemorySum(rank, ranks, capacity=100, timeout=0.2)
    if rank == ranks - 1:
        answers.get(timeout=60)
        return
    try:
        add_up(shared, torch.ones(4))
    except TimeoutError:
        answers.put("waited no longer")


def _in_process(what, rank, ranks, port, answers):
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    torch.distributed.init_process_group("gloo", rank=rank, world_size=ranks)
    what(rank, ranks, answers)


def start(what, ranks):
    """Processes that do something, and the queue for what they have to say."""
    context = multiprocessing.get_context("spawn")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    answers = context.Queue()
    processes = [
        context.Process(target=_in_process, args=(what, rank, ranks, port, answers), daemon=True)
        for rank in range(ranks)
    ]
    for process in processes:
        process.start()
    return processes, answers


def test_all_processes_get_the_same_sums_and_no_file_is_left():
    before = set(Path("/dev/shm").glob("diiqn-lightning-*"))
    processes, answers = start(sums, 3)
    found = sorted(answers.get(timeout=60) for _ in processes)
    for process in processes:
        process.join(timeout=60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert [rank for rank, *_ in found] == [0, 1, 2]
    assert all(rest == list(found[0][1:]) for _, *rest in found)
    tenths, whole, double, long = found[0][1]
    assert tenths == [[pytest.approx(0.6)] * 5] * 3
    assert whole == 6
    assert double == [3.0, 3.0]
    assert long == [3.0] * 250
    assert set(Path("/dev/shm").glob("diiqn-lightning-*")) <= before


def test_the_others_hear_at_once_of_one_that_ends():
    _, answers = start(left_alone, 3)
    for _ in range(2):
        kind, seconds = answers.get(timeout=60)
        assert kind in ("ConnectionError", "ConnectionResetError", "BrokenPipeError")
        assert seconds < 10


def test_processes_that_are_out_of_step_add_nothing_up():
    _, answers = start(out_of_step, 2)
    assert sorted(answers.get(timeout=60) for _ in range(2)) == [
        "This process adds up 16 bytes where another one adds up 20.",
        "This process adds up 20 bytes where another one adds up 16.",
    ]


def test_one_that_hangs_is_waited_for_no_longer_than_said():
    _, answers = start(kept_waiting, 2)
    assert answers.get(timeout=60) == "waited no longer"
    answers.put("end")
