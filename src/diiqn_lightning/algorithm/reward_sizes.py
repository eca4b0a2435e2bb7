"""The sizes that an environment's rewards have, where they are few."""

from typing import Any

import torch
from torch import Tensor

MOST_SIZES = 16
"""More than so many different rewards are taken for a continuum."""


class RewardSizes:
    """Rewards other than 0 that the agent has seen, to which an estimate is rounded (design choice).

    An expert's return sums hundreds of inferred rewards. Where each step costs 0.01, an estimate that is 0.02 off
    makes a good expert look like one that never arrives.

    Attributes:
        values: rising, ``[V]`` float32; empty before any was seen, and where there are more than :data:`MOST_SIZES`.
    """

    def __init__(self) -> None:
        self.values = torch.zeros(0)
        self._are_many = False

    def observe(self, reward: Tensor) -> None:
        """Take note of the agent's rewards.

        Args:
            reward: of any shape, float32.
        """
        rewarding = reward[reward != 0].cpu()
        if self._are_many or not len(rewarding):
            return
        self.values = torch.unique(torch.cat([self.values, rewarding]))
        if len(self.values) > MOST_SIZES or bool(self.values.isinf().any()):
            self.values, self._are_many = torch.zeros(0), True

    def nearest(self, size: Tensor) -> Tensor:
        """Each estimate's nearest size, ``[N]``; estimates themselves where sizes are unknown or many."""
        if not len(self.values):
            return size
        values = self.values.to(size)
        return values[torch.bucketize(size.contiguous(), (values[1:] + values[:-1]) / 2)]

    @property
    def padded(self) -> Tensor:
        """What :meth:`observe` takes over to know the same, ``[MOST_SIZES]`` float32, on all processes as large."""
        padding = torch.full((MOST_SIZES - len(self.values),), torch.inf if self._are_many else 0.0)
        return torch.cat([self.values, padding])

    def state(self) -> dict[str, Any]:
        """Plain values."""
        return {"values": self.values, "are_many": self._are_many}

    def load_state(self, state: dict[str, Any]) -> None:
        """Inverse of :meth:`state`."""
        self.values, self._are_many = state["values"], state["are_many"]
