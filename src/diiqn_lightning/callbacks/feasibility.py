"""Finds the expert transitions that the agent's actions cannot make."""

from typing import Any, final

import lightning
import torch
from tensordict import TensorDictBase

from diiqn_lightning import keys
from diiqn_lightning.algorithm.bridging import node_keys
from diiqn_lightning.algorithm.distances import DISTANCES
from diiqn_lightning.callbacks.expert_data import ExpertData
from diiqn_lightning.callbacks.rank_merging import Gather
from diiqn_lightning.envs import make_gym_env
from diiqn_lightning.errors import InputError, require_positive
from diiqn_lightning.experts.feasibility import (
    COUNTS,
    FeasibilityTable,
    default_distance,
    default_tolerance,
    median_step,
)


@final
class Feasibility(lightning.Callback):
    """Watches how close the agent comes to each expert transition, and how often it had the chance.

    The distance is always that of the nearest agent transition, whatever gives the expert's actions (design
    choice). Writes the nodes of new frames, which are stored beside them.

    Args:
        distance: hamming, l2, cosine or jaccard; a transition's is that of its state plus that of its next one.
            null takes hamming for binary observations and l2 for others.
        tolerance: width of a node in the units of the observation, one number or one for each entry: states of
            one node count as the same. 0 merges equal states alone. null takes what the environment names as its
            ``state_tolerance``; without that 0 for binary observations, and for each entry of others the median by
            which a step of the expert's changes it (design choice).
        infeasible_error: a transition whose distance stays above it is infeasible; null takes half the median distance
            of the expert's states before and after a step (design choice).
        feasible_error: it is feasible again when its distance falls to this; null takes half of infeasible_error.
        patience: tries near its first state before a transition can be infeasible.
        patience_counts: actions (each action has to be tried patience / A times) or visits (of the state); null takes
            actions where nodes are single states, and visits where states are merged: there the same node is hardly
            met often enough for all actions, and each visit is of another state (design choice).
    """

    def __init__(
        self,
        distance: str | None = None,
        tolerance: float | list[float] | None = None,
        infeasible_error: float | None = None,
        feasible_error: float | None = None,
        patience: int = 8,
        patience_counts: str | None = None,
    ) -> None:
        for field, value, choices in (("distance", distance, DISTANCES), ("patience_counts", patience_counts, COUNTS)):
            if value is not None and value not in choices:
                raise InputError(f"feasibility.{field}", value, f"choose one of {', '.join(choices)}")
        require_positive(**{"feasibility.patience": patience})
        if tolerance is not None and bool((torch.as_tensor(tolerance) < 0).any()):
            raise InputError("feasibility.tolerance", tolerance, "give 0 or a larger number")
        for field, error in (("infeasible_error", infeasible_error), ("feasible_error", feasible_error)):
            if error is not None and error < 0:
                raise InputError(f"feasibility.{field}", error, "give 0 or a larger number")
        self._distance, self._tolerance, self._errors = distance, tolerance, (infeasible_error, feasible_error)
        self.patience, self.patience_counts = patience, patience_counts

    @staticmethod
    def of(trainer: Any) -> "Feasibility":
        """The run's.

        Raises:
            RuntimeError: if it has none.
        """
        for callback in trainer.callbacks:
            if isinstance(callback, Feasibility):
                return callback
        raise RuntimeError("This callback needs to know what is infeasible: add a Feasibility callback before it.")

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Lay out the expert's transitions."""
        expert, data = ExpertData.of(trainer), trainer.datamodule
        states = expert.states
        entries = states.states[0].numel()
        distance = self._distance or default_distance(states)
        tolerance = self._tolerance if self._tolerance is not None else environments_tolerance(data)
        tolerance = default_tolerance(states) if tolerance is None else tolerance
        self.tolerance = torch.as_tensor(tolerance, dtype=torch.float32)
        if self.tolerance.dim() and len(self.tolerance) != entries:
            raise InputError("feasibility.tolerance", self.tolerance.tolist(), f"give one number, or {entries}")
        high, low = self._errors
        high = median_step(states, distance) / 2 if high is None else high
        low = high / 2 if low is None else low
        if low > high:
            raise InputError("feasibility.feasible_error", low, f"give a number from 0 to infeasible_error, {high:g}")
        self.table = FeasibilityTable(
            states,
            data.num_actions,
            distance=distance,
            tolerance=self.tolerance,
            patience=self.patience,
            infeasible_error=high,
            feasible_error=low,
            patience_counts=self.patience_counts or ("visits" if bool((self.tolerance > 0).any()) else "actions"),
            search=expert.searches.get(distance, "exact", "feasibility.distance"),
        )

    def on_frames(self, frames: TensorDictBase) -> None:
        """Look at new agent transitions."""
        observation, next_observation = frames.get(keys.OBSERVATION), frames.get(keys.NEXT_OBSERVATION)
        node = node_keys(observation, self.tolerance)
        frames.set(keys.NODE, node)
        frames.set(keys.NEXT_NODE, node_keys(next_observation, self.tolerance))
        self.table.observe(observation, next_observation, node, frames.get(keys.ACTION))

    def merge_ranks(self, gather: Gather, rank: int) -> None:
        """What any rank has seen or tried counts."""
        table = self.table
        table.merge(gather(table.own_error), gather(table.own_count), gather(table.own_judgement), rank)

    def metrics(self) -> dict[str, float]:
        """Share of the expert's transitions that are judged infeasible."""
        return {"bridging/infeasible": float(self.table.infeasible.float().mean())}

    def rank_state(self) -> dict[str, Any]:
        """The table."""
        return self.table.state()

    def load_rank_state(self, state: dict[str, Any]) -> None:
        """Continue with the table."""
        self.table.load_state(state)


def environments_tolerance(data: Any) -> Any:
    """What the environment of a data module names as the difference between states that hardly matters.

    Returns:
        Its ``state_tolerance``: one number or one for each entry; ``None`` where it names none.
    """
    with make_gym_env(data.env, env_kwargs=data.env_kwargs) as env:
        return getattr(env.unwrapped, "state_tolerance", None)
