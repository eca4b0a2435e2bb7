"""What the agent's own transitions say about which of the expert's it could make."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diiqn_lightning.algorithm.bridging import node_keys
from diiqn_lightning.algorithm.distances import pairwise, require_binary
from diiqn_lightning.algorithm.feasibility import judge_infeasible, tries_of_each_action
from diiqn_lightning.errors import InputError
from diiqn_lightning.experts.dataset import ExpertStates
from diiqn_lightning.experts.distinct import DistinctTransitions
from diiqn_lightning.experts.search import Search
from diiqn_lightning.experts.searches import build_search

COUNTS = ("actions", "visits")


class FeasibilityTable:
    """Distance of the closest agent transition, and how often the agent was near, for each expert transition.

    Expert transitions that are equal are looked at once: in a small world they are few.

    Attributes:
        node, next_node: nodes of s_e and s'_e, ``[N]`` int64, see :func:`diiqn_lightning.algorithm.bridging.node_keys`.
        infeasible: the judgement, ``[N]`` bool.

    Args:
        states: the expert's.
        num_actions: A of the agent.
        distance: between observations, as in action inference; a transition's is the sum of both states'.
        tolerance: width of a node: agent states in the node of s_e are near it.
        patience, infeasible_error, feasible_error: see :func:`judge_infeasible`.
        patience_counts: actions (tries of the action that was taken least often there, times the number of
            actions) or visits (of s_e).
        search: an exact search in these states by this distance; ``None`` builds one.

    Raises:
        InputError: for a distance that means nothing for these observations, and a tolerance that merges
            the states before and after most of the expert's steps.
    """

    def __init__(
        self,
        states: ExpertStates,
        num_actions: int,
        *,
        distance: str,
        tolerance: Tensor,
        patience: float,
        infeasible_error: float,
        feasible_error: float,
        patience_counts: str,
        search: Search | None = None,
    ) -> None:
        require_binary(states.states, distance, "feasibility.distance")
        self._search = search or build_search(DistinctTransitions(states), distance)
        self._limit: NDArray[np.float32] | None = None
        self.patience, self.patience_counts = patience, patience_counts
        self.infeasible_error, self.feasible_error = infeasible_error, feasible_error
        exact, merged = (node_keys(states.states, width) for width in (0.0, tolerance))
        at = states.transition_starts
        self.node, self.next_node = merged[at], merged[at + 1]
        self._check_tolerance(exact[at] != exact[at + 1], tolerance)
        self._entry = distinct_transitions(states)
        chosen = torch.empty(int(self._entry.max()) + 1, dtype=torch.int64)
        chosen[self._entry] = torch.arange(len(at))
        self._nodes, entry_node = torch.unique(self.node[chosen], return_inverse=True)
        self._entry_node = entry_node
        self._error = torch.full((len(chosen),), torch.inf)
        self._count = torch.zeros(len(self._nodes), num_actions)
        self._others_count = torch.zeros_like(self._count)
        self._infeasible = torch.zeros(len(chosen), dtype=torch.bool)

    def _check_tolerance(self, moves: Tensor, tolerance: Tensor) -> None:
        merged = (self.node == self.next_node) & moves
        if bool(moves.any()) and float(merged.sum()) > 0.5 * float(moves.sum()):
            share = float(merged.sum()) / float(moves.sum())
            raise InputError(
                "feasibility.tolerance",
                tolerance.tolist(),
                f"give a smaller one: it takes the states before and after {share:.0%} of the expert's steps for one",
            )

    def observe(self, observation: Tensor, next_observation: Tensor, node: Tensor, action: Tensor) -> None:
        """Compare new agent transitions with all of the expert's, and judge anew.

        Args:
            observation, next_observation: ``[F, *O]``.
            node: of the observations, ``[F]`` int64.
            action: ``[F]`` int64.
        """
        if self._limit is None:
            self._limit = self._search.limits(self.error.numpy())
        found = self._search.closer(observation, next_observation, self._limit)
        transitions = self._search.distinct.transitions.first(1).members_of(found.position)[0]
        entry = self._entry[torch.from_numpy(transitions)]
        self._error.scatter_reduce_(0, entry, torch.from_numpy(found.distance), "amin")
        at = torch.searchsorted(self._nodes, node).clamp(max=len(self._nodes) - 1)
        near = self._nodes[at] == node
        self._count.index_put_((at[near], action[near]), torch.ones(int(near.sum())), accumulate=True)
        self._judge()

    def _judge(self) -> None:
        """Judge by the distances and counts that there are now."""
        count = self._count + self._others_count
        tries = tries_of_each_action(count) if self.patience_counts == "actions" else count.sum(1)
        self._infeasible = judge_infeasible(
            self._infeasible,
            self._error,
            tries[self._entry_node],
            self.patience,
            self.infeasible_error,
            self.feasible_error,
        )

    def merge(self, error: Tensor, count: Tensor, infeasible: Tensor, rank: int) -> None:
        """Take what all processes have seen, and judge anew.

        Args:
            error: :attr:`own_error` of each process, ``[R, P]``.
            count: :attr:`own_count` of each, ``[R, S, A]``.
            infeasible: :attr:`own_judgement` of each, ``[R, P]``: between the two distances it is what it was, and has
                to be the same on all. What any of them takes for feasible is.
            rank: which of them is this one.
        """
        self._infeasible = infeasible.all(0)
        self._error, self._others_count = error.amin(0), count.sum(0) - count[rank]
        self._limit = None
        self._judge()

    @property
    def own_error(self) -> Tensor:
        """Distance of the closest agent transition for each different expert transition, ``[P]``."""
        return self._error

    @property
    def own_judgement(self) -> Tensor:
        """Whether this process takes each different expert transition for infeasible, ``[P]`` bool."""
        return self._infeasible

    @property
    def own_count(self) -> Tensor:
        """How often this process took each action in each different expert state, ``[S, A]``."""
        return self._count

    @property
    def infeasible(self) -> Tensor:
        """The judgement, ``[N]`` bool."""
        return self._infeasible[self._entry]

    @property
    def error(self) -> Tensor:
        """Distance of the closest agent transition, ``[N]`` float32; +inf before there was one."""
        return self._error[self._entry]

    @property
    def matched(self) -> Tensor:
        """Whether an agent transition is as close as ``infeasible_error``, ``[N]`` bool."""
        return self.error <= self.infeasible_error

    def state(self) -> dict[str, Any]:
        """Plain tensors."""
        return {
            "error": self._error,
            "count": self._count,
            "others_count": self._others_count,
            "infeasible": self._infeasible,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Inverse of :meth:`state`."""
        self._error, self._count, self._infeasible = state["error"], state["count"], state["infeasible"]
        self._others_count = state["others_count"]
        self._limit = None


def distinct_transitions(states: ExpertStates) -> Tensor:
    """Number of each expert transition among those that differ, ``[N]`` int64: equal ones share it."""
    exact, at = node_keys(states.states, 0.0), states.transition_starts
    entry: Tensor = torch.unique(torch.stack([exact[at], exact[at + 1]], 1), dim=0, return_inverse=True)[1]
    return entry


def judgement_in(state: dict[str, Any], states: ExpertStates) -> Tensor:
    """What :meth:`FeasibilityTable.state` says of each transition of the dataset it was taken with: ``[N]`` bool."""
    infeasible: Tensor = state["infeasible"]
    return infeasible[distinct_transitions(states)]


def default_distance(states: ExpertStates) -> str:
    """The distance that fits the observations: hamming for binary ones, l2 for others."""
    values = states.states
    binary = values.dtype == torch.bool or bool(((values == 0) | (values == 1)).all())
    return "hamming" if binary else "l2"


def default_tolerance(states: ExpertStates) -> Tensor:
    """0 for binary observations; for each entry of others the median change of the steps that change it: ``[D]``."""
    if default_distance(states) == "hamming":
        return torch.tensor(0.0)
    at = states.transition_starts
    change = (states.states[at + 1].flatten(1).float() - states.states[at].flatten(1).float()).abs()
    medians = torch.where(change > 0, change, torch.nan).nanmedian(0).values
    return medians.nan_to_num(0.0)


def median_step(states: ExpertStates, distance: str) -> float:
    """Median distance of the expert's states before and after a step that changes something."""
    at = states.transition_starts
    before, after = states.states[at].flatten(1).float(), states.states[at + 1].flatten(1).float()
    steps = torch.cat([pairwise(one[None], other[None], distance) for one, other in zip(before, after, strict=True)])
    moved = steps[steps > 0]
    return float(moved.median()) if len(moved) else 1.0
