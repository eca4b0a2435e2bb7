import pytest
import torch

from diiqn_lightning.arithmetic import set_up_arithmetic


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
