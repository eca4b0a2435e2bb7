"""Potential-based shaping with the expert's state value."""

from dataclasses import dataclass
from typing import cast

import torch
from tensordict import TensorDictBase
from torch import Tensor, nn

from diiqn_lightning import keys
from diiqn_lightning.algorithm.losses import elementwise_loss, shaping_reward
from diiqn_lightning.errors import InputError, require_positive
from diiqn_lightning.networks import QNetwork


@dataclass(frozen=True)
class ShapingSettings:
    """Potential-based shaping (Ng et al., 1999) with the expert's state value as the potential.

    V_E(s) is a network that learns the expert's inferred discounted return G_e from its states. All
    targets get F = w · (γ · V_E(s') − V_E(s)) on top, with V_E = 0 after a termination. Which policy is
    the best one stays the same; what is left to learn is by how much an action is better than the expert
    (design choice; an agent need not know any of the expert's actions).

    Args:
        weight: w.
        hidden: widths of its hidden linear layers; null chooses them by the observation.
        learning_rate: of its parameter group.
    """

    weight: float = 1.0
    hidden: list[int] | None = None
    learning_rate: float = 2.5e-4

    def __post_init__(self) -> None:
        require_positive(**{"model.shaping.weight": self.weight, "model.shaping.learning_rate": self.learning_rate})


class ExpertPotential(nn.Module):
    """V_E, and what it adds to targets.

    Args:
        settings: its weight and its network.
        observation_shape: of one observation.
    """

    def __init__(self, settings: ShapingSettings, observation_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.settings = settings
        self.network: nn.Module = QNetwork(observation_shape, 1, hidden=settings.hidden)

    def forward(self, observation: Tensor) -> Tensor:
        """V_E, ``[B, *O]`` to ``[B]``."""
        return cast(Tensor, self.network(observation)).view(-1)

    def loss(self, expert: TensorDictBase) -> Tensor:
        """Squared error against the expert's inferred returns, ``[B]`` transitions to a scalar."""
        error = self(expert.get("observation")) - expert.get("return")
        loss: Tensor = (expert.get("valid") * elementwise_loss(error, "squared")).mean()
        return loss

    @torch.no_grad()
    def shape(self, batch: TensorDictBase, discount: float) -> None:
        """Add F to the targets of a batch ``[U, B]``, and write w · V_E(s_e).

        Raises:
            InputError: if the expert's targets are of two ways, whose potentials differ.
        """
        if keys.EXPERT_LONGER in batch.keys(True):
            raise InputError(
                "expert_sampling.augmented_backup",
                True,
                "leave it or model.shaping out, whose potentials are of one way",
            )
        expert = batch.get(keys.EXPERT)
        states = (batch.get(keys.OBSERVATION), batch.get(keys.NEXT_OBSERVATION))
        potential, next_potential = self._potentials(batch, *states)
        terminated = batch.get(keys.TERMINATED)
        batch.get(keys.TARGET).add_(shaping_reward(potential, next_potential, terminated, discount))
        potential, next_potential = self._potentials(batch, expert.get("observation"), expert.get("next_observation"))
        if "target" in expert:
            terminated = expert.get("terminated")
            expert.get("target").add_(shaping_reward(potential, next_potential, terminated, expert.get("discount")))
        batch.set(keys.EXPERT_POTENTIAL, potential)

    def _potentials(self, batch: TensorDictBase, *observations: Tensor) -> tuple[Tensor, ...]:
        """w · V_E of observations ``[U, B, *O]``, ``[U, B]`` each."""
        values = self(torch.cat([observation.flatten(0, 1) for observation in observations]))
        return tuple(self.settings.weight * part.view(batch.batch_size) for part in values.chunk(len(observations)))
