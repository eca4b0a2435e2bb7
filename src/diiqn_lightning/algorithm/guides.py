"""What guides in states that an expert passed, and bridges lead through, more than once."""

from typing import NamedTuple

import torch
from torch import Tensor

ROUNDING = 1e-5
"""Relative difference up to which two returns are equal: they are float32 sums of up to thousands of rewards."""


def best_in_state(node: Tensor, earned: Tensor, candidate: Tensor) -> Tensor:
    """Which of several ways to go on from states earn the most there.

    Where steps cost something, or an end pays and returns are discounted, whoever follows them comes nearer to the end
    with each step and never walks in a circle (design choice; the upper envelope of returns that BAIL imitates, Chen et
    al., 2020, for states that are met more than once).

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
    """One way to go on for each state in which something guides.

    Args:
        node: the states, rising, ``[S]`` int64.
        transition: the expert's transition that guides there, or whose bridge does, ``[S]`` int64.
        step: the bridge's step that does, from 0, ``[S]`` int64.
    """

    node: Tensor
    transition: Tensor
    step: Tensor

    @classmethod
    def of(cls, node: Tensor, best: Tensor) -> "Guides":
        """Of several ways from one state the last.

        Args:
            node: state of each transition, or step of its bridge, ``[N, k]`` int64.
            best: which of them guide, ``[N, k]`` bool.
        """
        states, which = torch.unique(node[best], return_inverse=True)
        place = best.flatten().nonzero().squeeze(1)
        last = torch.zeros_like(states).scatter_reduce_(0, which, place, "amax", include_self=False)
        return cls(states, last // node.shape[1], last % node.shape[1])

    def at(self, node: Tensor) -> tuple[Tensor, Tensor]:
        """What guides in each of some states: transitions, −1 where nothing does, and steps; ``[*]`` int64 each.

        Args:
            node: ``[*]`` int64.
        """
        if not len(self.node):
            return torch.full_like(node, -1), torch.zeros_like(node)
        place = torch.searchsorted(self.node, node).clamp(max=len(self.node) - 1)
        there = self.node[place] == node
        return torch.where(there, self.transition[place], -1), torch.where(there, self.step[place], 0)


def drawn_up_to(node: Tensor) -> Tensor:
    """For draws of every state as often as any other: probability of the transitions up to each, ``[N]`` float64.

    Args:
        node: state of each transition, ``[N]`` int64.
    """
    states, which, passed = torch.unique(node, return_inverse=True, return_counts=True)
    up_to: Tensor = (1 / passed.double())[which].cumsum(0) / len(states)
    return up_to
