"""Expert datasets: what training may see, what only metrics may see, and the card."""

import hashlib
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from diiqn_lightning.arithmetic import zero_unless
from diiqn_lightning.errors import InputError


@dataclass(frozen=True, eq=False)
class ExpertStates:
    """The states of whole episodes, and nothing else: all that training sees of an expert.

    An episode of T transitions has T + 1 states. There are no actions and no rewards here, so that
    no code path from here to a loss can use them.

    Args:
        states: ``[S, *O]`` bool, uint8 or float32, the episodes one after another.
        episode_ends: ``[E]`` int64, one past the last state of each episode.

    Raises:
        InputError: for no episodes, episodes without a transition, and NaN or infinity.
    """

    states: Tensor
    episode_ends: Tensor

    def __post_init__(self) -> None:
        ends = self.episode_ends
        if len(ends) == 0:
            raise InputError("dataset episodes", 0, "give a dataset with at least one episode")
        lengths = torch.diff(ends, prepend=ends.new_zeros(1))
        if int(lengths.min()) < 2:
            episode = int(lengths.argmin())
            raise InputError(
                f"length of dataset episode {episode}",
                max(0, int(lengths[episode]) - 1),
                "give episodes with at least one transition, that is two states",
            )
        if int(ends[-1]) != len(self.states):
            raise InputError(
                "last dataset episode_end", int(ends[-1]), f"let it be the number of states, {len(self.states)}"
            )
        if self.states.is_floating_point() and not bool(torch.isfinite(self.states).all()):
            row = int((~torch.isfinite(self.states)).flatten(1).any(1).nonzero()[0])
            raise InputError(f"dataset observation {row}", "NaN or infinite", "remove that episode, or mend its values")

    @cached_property
    def transition_starts(self) -> Tensor:
        """Position in ``states`` of each transition's state: ``[N]`` int64; the next one follows it."""
        is_start = torch.ones(len(self.states), dtype=torch.bool)
        is_start[self.episode_ends - 1] = False
        return is_start.nonzero().squeeze(1)

    @property
    def num_transitions(self) -> int:
        """N, the number of transitions of all episodes."""
        return len(self.states) - len(self.episode_ends)

    @cached_property
    def episode_lengths(self) -> Tensor:
        """Transitions of each episode, ``[E]`` int64."""
        return torch.diff(self.episode_ends, prepend=self.episode_ends.new_zeros(1)) - 1

    @cached_property
    def is_last(self) -> Tensor:
        """Whether a transition is its episode's last one, ``[N]`` bool: only such can be terminal."""
        last = torch.zeros(self.num_transitions, dtype=torch.bool)
        last[self.episode_lengths.cumsum(0) - 1] = True
        return last

    @cached_property
    def _episode_ends_before(self) -> Tensor:
        """One past the last transition of each transition's episode, ``[N]`` int64."""
        return torch.repeat_interleave(self.episode_lengths.cumsum(0), self.episode_lengths)

    def remaining(self, transition: Tensor) -> Tensor:
        """Transitions from these to the end of their episodes, themselves included: ``[B]`` int64 to ``[B]``."""
        return self._episode_ends_before[transition] - transition

    @property
    def observation_shape(self) -> tuple[int, ...]:
        """Shape of one state."""
        return tuple(self.states.shape[1:])

    def observation(self, transition: Tensor) -> Tensor:
        """States s_e of transitions: ``[B]`` int64 to ``[B, *O]``."""
        return self.states[self.transition_starts[transition]]

    def next_observation(self, transition: Tensor) -> Tensor:
        """Following states s'_e of transitions: ``[B]`` int64 to ``[B, *O]``."""
        return self.states[self.transition_starts[transition] + 1]

    def preceding(self, transition: Tensor, steps: int) -> Tensor:
        """H states before s_e, the oldest first, zeros before the episode's start: ``[B]`` int64 to ``[B, H, *O]``."""
        before = torch.arange(steps, 0, -1)
        there = before <= self._position_in_episode[transition].unsqueeze(1)
        found = self.states[(self.transition_starts[transition].unsqueeze(1) - before) * there]
        return zero_unless(there, found)

    @cached_property
    def _position_in_episode(self) -> Tensor:
        """Transitions before each in its episode, ``[N]`` int64."""
        lengths = self.episode_lengths
        return torch.arange(self.num_transitions) - torch.repeat_interleave(lengths.cumsum(0) - lengths, lengths)

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of the states and where episodes end, independent of the file they came from."""
        digest = hashlib.sha256(f"{self.states.dtype} {tuple(self.states.shape)}".encode())
        digest.update(np.ascontiguousarray(self.states.numpy()).view(np.uint8).data)
        digest.update(self.episode_ends.numpy().astype("<i8").data)
        return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class ExpertLabels:
    """What the expert did and earned: for measuring inference, never for learning.

    Args:
        action: commanded action of each transition, ``[N]`` int64.
        executed_action: action that the environment really executed (sticky actions), ``[N]`` int64;
            −1 where it is not among the agent's.
        terminated: ``[N]`` bool.
        truncated: ``[N]`` bool.
        reward: ``[N]`` float32; ``None`` where it is not known.
        distinguishable: whether no other action would have led to the same next state, ``[N]`` bool;
            ``None`` where that was not tried.
    """

    action: Tensor
    executed_action: Tensor
    terminated: Tensor
    truncated: Tensor
    reward: Tensor | None = None
    distinguishable: Tensor | None = None

    def arrays(self) -> dict[str, Tensor]:
        """The labels that are there, by name."""
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: array for name, array in named.items() if array is not None}


@dataclass(frozen=True, eq=False)
class ExpertDataset:
    """States, labels where they are known, and a card that says how they were made.

    Args:
        states: what training sees.
        labels: what only metrics see; ``None`` for data without actions.
        card: plain JSON values: environment, return, seeds, command, licence …
    """

    states: ExpertStates
    labels: ExpertLabels | None = None
    card: dict[str, Any] = field(default_factory=dict)

    def check_fits(self, observation_shape: tuple[int, ...], observation_dtype: str, env_id: str) -> None:
        """Refuse a dataset of another environment, or whose observations are not the environment's.

        Versions of an environment (``-v0``, ``-v1``) may differ: they have the same states, and an expert with
        other actions is one to learn from.

        Raises:
            InputError: naming both.
        """
        own = (self.states.observation_shape, str(self.states.states.dtype).removeprefix("torch."))
        theirs = (tuple(observation_shape), observation_dtype)
        if own != theirs:
            made_in = self.card.get("environment", "another environment")
            raise InputError(
                "expert",
                f"a dataset of {own[1]} observations {own[0]} from {made_in}",
                f"choose one recorded in {env_id}, whose observations are {theirs[1]} {theirs[0]}",
            )
        recorded_in = self.card.get("environment")
        if isinstance(recorded_in, str) and _unversioned(recorded_in) != _unversioned(env_id):
            raise InputError(
                "expert",
                f"a dataset of {recorded_in}",
                f"choose one recorded in {env_id}; if its states are the same, say so: "
                f"`convert DATASET NEW.expert --env {env_id}`",
            )

    def first(self, transitions: int) -> "ExpertDataset":
        """The first whole episodes that hold at least that many transitions.

        Raises:
            InputError: if there are not so many.
        """
        if not 0 < transitions <= self.states.num_transitions:
            raise InputError(
                "number of transitions", transitions, f"give a number from 1 to {self.states.num_transitions}"
            )
        ends = self.states.episode_ends
        held = ends - torch.arange(1, len(ends) + 1)
        episodes = int((held < transitions).sum()) + 1
        states = ExpertStates(self.states.states[: ends[episodes - 1]], ends[:episodes])
        count = states.num_transitions
        labels = self.labels and ExpertLabels(**{name: array[:count] for name, array in self.labels.arrays().items()})
        return ExpertDataset(states, labels, {**self.card, "transitions": count, "episodes": episodes})


def _unversioned(env_id: str) -> str:
    """``package:Namespace/Name-v1`` without package and version."""
    return env_id.split(":")[-1].rsplit("-v", 1)[0]
