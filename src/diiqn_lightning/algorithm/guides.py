"""What guides in states that an expert passed, and bridges lead through, more than once."""

from typing import NamedTuple

import torch
from torch import Tensor

ROUNDING = 1e-5
"""Relative difference up to which two returns are equal: they are float32 sums of up to thousands of rewards."""


def best_in_state(node: Tensor, earned: Tensor, candidate: Tensor) -> Tensor:
    """Which of several ways to go on from states earn the most there.

    Whoever follows them comes nearer to what they earn with each step, and never in a circle (design choice; the upper
    envelope of returns that BAIL imitates, Chen et al., 2020, for states that are met more than once).

    Args:
        node: state of each way, ``[M]`` int64, equal for equal states.
        earned: its discounted return, ``[M]`` float.
        candidate: which of them there are, ``[M]`` bool.

    Returns:
        ``[M]`` bool. Equally good ways, but for rounding, all stay.
    """
    states, state = torch.unique(node, return_inverse=True)
    best = torch.full((len(states),), -torch.inf, device=node.device, dtype=earned.dtype)
    best.scatter_reduce_(0, state[candidate], earned[candidate], "amax")
    return candidate & (earned >= (best - ROUNDING * (1 + best.abs()))[state])


class Guides(NamedTuple):
    """One transition of the expert's for each state in which something guides.

    Args:
        node: the states, rising, ``[S]`` int64.
        transition: what guides there, ``[S]`` int64.
    """

    node: Tensor
    transition: Tensor

    @classmethod
    def of(cls, node: Tensor, transition: Tensor) -> "Guides":
        """Of several transitions for one state the last.

        Args:
            node, transition: ``[M]`` int64 each, in any order.
        """
        distinct, which = torch.unique(node, return_inverse=True)
        last = torch.zeros_like(distinct).scatter_reduce_(0, which, transition, "amax", include_self=False)
        return cls(distinct, last)

    def at(self, node: Tensor, otherwise: Tensor) -> Tensor:
        """What guides in each of some states, ``otherwise`` where nothing does.

        Args:
            node, otherwise: ``[*]`` int64 each.

        Returns:
            ``[*]`` int64.
        """
        if not len(self.node):
            return otherwise
        place = torch.searchsorted(self.node, node).clamp(max=len(self.node) - 1)
        return torch.where(self.node[place] == node, self.transition[place], otherwise)


def drawn_up_to(node: Tensor) -> Tensor:
    """For draws of every state as often as any other: probability of the transitions up to each, ``[N]`` float64.

    Args:
        node: state of each transition, ``[N]`` int64.
    """
    states, which, passed = torch.unique(node, return_inverse=True, return_counts=True)
    up_to: Tensor = (1 / passed.double())[which].cumsum(0) / len(states)
    return up_to
