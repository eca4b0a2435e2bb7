"""A network that tells the expert's transitions from the agent's."""

from dataclasses import dataclass
from typing import Any, cast

import torch
from tensordict import TensorDictBase
from torch import Tensor, nn

from diiqn_lightning import keys
from diiqn_lightning.algorithm.discrimination import gradient_penalty
from diiqn_lightning.errors import InputError, require_positive
from diiqn_lightning.networks import Body, side_by_side


@dataclass(frozen=True)
class DiscriminatorSettings:
    """A discriminator of (s, s').

    Args:
        hidden: widths of its hidden linear layers; null chooses them by the observation.
        learning_rate: of its parameter group.
        gradient_penalty: weight of the penalty on its slope between the expert's transitions and the agent's.
        transitions: of those that are learned from at a time, 256 or, with few environments, an update's or two, how
            many of either side it learns from; null takes all.
    """

    hidden: list[int] | None = None
    learning_rate: float = 2.5e-4
    gradient_penalty: float = 0.0
    transitions: int | None = None

    def __post_init__(self) -> None:
        require_positive(**{"model.discriminator.learning_rate": self.learning_rate})
        if self.gradient_penalty < 0:
            raise InputError("model.discriminator.gradient_penalty", self.gradient_penalty, "give 0 or a larger number")
        if self.transitions is not None and self.transitions < 1:
            raise InputError(
                "model.discriminator.transitions", self.transitions, "give a whole number of at least 1, or null"
            )


class Discriminator(nn.Module):
    """Logit of "the expert's" for (s, s'): a :class:`diiqn_lightning.networks.Body` and one output.

    Args:
        settings: its size and how it learns.
        observation_shape: of one observation.
    """

    def __init__(self, settings: DiscriminatorSettings, observation_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.settings = settings
        self.body = Body(observation_shape, settings.hidden, length=2)
        self.head = nn.Linear(self.body.width, 1)

    def forward(self, pair: Tensor) -> Tensor:
        """Logits of :func:`diiqn_lightning.networks.side_by_side`'s features, ``[B, …]`` to ``[B]``."""
        return cast(Tensor, self.head(self.body(pair))).squeeze(1)

    @torch.no_grad()
    def judge(self, transitions: TensorDictBase) -> Tensor:
        """Logits of the agent's transitions ``[U, B]``, of the same shape."""
        logit: Tensor = self(self._pair(transitions, keys.OBSERVATION, keys.NEXT_OBSERVATION))
        return logit.view(transitions.batch_size)

    def logits(self, batch: TensorDictBase, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
        """Logits of the expert's and of the agent's transitions of a batch, and the weighted penalty.

        Args:
            batch: with the expert's entries, ``[U, B]`` or ``[B]``.
            seed: of the points at which the slope is penalised.

        Returns:
            ``[N]``, ``[N]`` and a scalar.
        """
        some = slice(self.settings.transitions)
        expert = self._pair(batch, keys.EXPERT_OBSERVATION, keys.EXPERT_NEXT_OBSERVATION)[some]
        agent = self._pair(batch, keys.OBSERVATION, keys.NEXT_OBSERVATION)[some]
        expert_logit, agent_logit = self(torch.cat([expert, agent])).chunk(2)
        return expert_logit, agent_logit, self._penalty(expert, agent, seed)

    def _penalty(self, expert: Tensor, agent: Tensor, seed: int) -> Tensor:
        """At points drawn uniformly between pairs of the two, ``[N, …]`` each."""
        if not self.settings.gradient_penalty:
            return torch.zeros((), device=expert.device)
        share = torch.rand(len(expert), generator=torch.Generator().manual_seed(seed)).to(expert.device)
        share = share.view(-1, *[1] * (expert.dim() - 1))
        between = torch.lerp(agent, expert, share).requires_grad_()
        return self.settings.gradient_penalty * gradient_penalty(self(between), between)

    @staticmethod
    def _pair(transitions: TensorDictBase, state: Any, next_state: Any) -> Tensor:
        last = transitions.batch_dims - 1
        return side_by_side(*(transitions.get(key).flatten(0, last) for key in (state, next_state)))

    def group(self) -> dict[str, Any]:
        """Its parameter group."""
        return {"params": list(self.parameters()), "lr": self.settings.learning_rate}
