"""How torch computes fast on this machine: threads, the library that multiplies matrices, and types."""

import os

import torch


def set_up_arithmetic(threads: int) -> None:
    """Set torch's threads, and let oneDNN multiply float32 matrices where it is as exact as MKL.

    MKL runs on AMD processors at about half the speed that their vector units have
    (docs/performance.md). Torch can hand float32 products to oneDNN under the name of reduced
    precision; on processors without bfloat16 matrix units oneDNN then still computes in float32.
    Whether it does is measured here, not assumed: where the result is not float32's, nothing changes.

    Args:
        threads: for torch's operators in this process.
    """
    torch.set_num_threads(threads)
    if not torch.cuda.is_available():
        # Optimizers ask at every step whether there is a GPU, and torch then asks the driver's
        # library anew: 7 % of a run on a machine without one. An empty list answers at once.
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    settings = getattr(torch.backends.mkldnn, "matmul", None)
    if settings is None or not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return
    before = settings.fp32_precision
    settings.fp32_precision = "bf16"
    if not _is_float32_exact():
        settings.fp32_precision = before


def zero_unless(there: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    """Values where they are there, and zeros elsewhere.

    Booleans are multiplied as bytes, which they are: torch does that more than ten times as fast.

    Args:
        there: ``[*B]`` bool.
        values: ``[*B, *O]``, of any type.
    """
    mask = there.view(*there.shape, *(1,) * (values.ndim - there.ndim))
    if values.dtype == torch.bool:
        return (values.view(torch.uint8) * mask.view(torch.uint8)).view(torch.bool)
    return values * mask


def _is_float32_exact() -> bool:
    """Whether a product's relative error is that of float32 (1e-6) and not of bfloat16 (3e-3)."""
    generator = torch.Generator().manual_seed(0)
    left = torch.randn(64, 1024, generator=generator)
    right = torch.randn(1024, 128, generator=generator)
    exact = left.double() @ right.double()
    return bool((left @ right - exact).norm() / exact.norm() < 1e-5)
