"""Dynamic action interpolation for discrete actions."""

from typing import Any

import torch
from torch import Tensor

from diiqn_lightning.algorithm.schedules import LinearSchedule
from diiqn_lightning.errors import require_within
from diiqn_lightning.modules.rivals.guided import GuidedDQN


class DAI(GuidedDQN):
    """The clone acts with probability α(t), the agent else.

    Cao, 2025, "Dynamic Action Interpolation: A Universal Approach for Accelerating Reinforcement Learning with Expert
    Guidance", mixes the continuous actions of an expert and of the agent, (1 − α(t)) · a_E + α(t) · a_RL, with α
    rising over time. Adapted to discrete actions, of which no mixture can be taken: the share of the expert in the
    mixture becomes the probability of its action, here called α and falling. In place of the expert acts its clone.

    Args:
        interpolation: α(t) by environment frames.
        observation_shape, num_actions, **guided: arguments of :class:`GuidedDQN`.
    """

    def __init__(
        self,
        observation_shape: tuple[int, ...],
        num_actions: int,
        interpolation: LinearSchedule = LinearSchedule(0.5, 0.0, 250_000),  # noqa: B008 - frozen
        **guided: Any,
    ) -> None:
        super().__init__(observation_shape, num_actions, **guided)
        share = {"model.interpolation.start": interpolation.start, "model.interpolation.end": interpolation.end}
        require_within(0, 1, **share)
        self.interpolation = interpolation

    def guided(self, environments: int, frames: int, generator: torch.Generator) -> Tensor:
        """Drawn anew in each step."""
        return torch.rand(environments, generator=generator) < self.interpolation(frames)

    def guidance(self, environments: int, frames: int) -> Tensor:
        """α(t)."""
        return torch.full((environments,), self.interpolation(frames))
