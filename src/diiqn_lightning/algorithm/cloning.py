"""Behavioural cloning."""

from torch import Tensor
from torch.nn.functional import cross_entropy


def cloning_loss(logits: Tensor, action: Tensor, known: Tensor) -> Tensor:
    """Mean of −log π(a | s) over the transitions whose action is known; 0 where none is.

    Torabi et al., 2018, "Behavioral Cloning from Observation", eq. 2.

    Args:
        logits: of the policy, ``[B, A]``.
        action: ``[B]`` int64; any value where it is not known.
        known: ``[B]`` bool.

    Returns:
        A scalar.
    """
    loss = cross_entropy(logits, action, reduction="none")
    return (known * loss).sum() / known.sum().clamp(min=1)
