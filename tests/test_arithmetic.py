import pytest
import torch

from diiqn_lightning.arithmetic import set_up_arithmetic, zero_unless


@pytest.fixture(autouse=True)
def as_before():
    threads, precision = torch.get_num_threads(), torch.backends.mkldnn.matmul.fp32_precision
    yield
    torch.set_num_threads(threads)
    torch.backends.mkldnn.matmul.fp32_precision = precision


def test_products_stay_those_of_float32():
    set_up_arithmetic(threads=1)
    left, right = torch.randn(256, 1024), torch.randn(1024, 128)
    exact = left.double() @ right.double()
    assert (left @ right - exact).norm() / exact.norm() < 1e-5
    assert torch.get_num_threads() == 1


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.float32])
def test_what_is_not_there_is_zero(dtype):
    values = torch.ones(3, 2, 4, 5).to(dtype)
    there = torch.tensor([[True, False], [True, True], [False, False]])
    found = zero_unless(there, values)
    assert found.dtype == dtype
    assert torch.equal(found, torch.where(there[:, :, None, None], values, torch.zeros((), dtype=dtype)))
    assert values.all()  # as they were
