"""Behavioural cloning of the expert by its inferred actions."""

from dataclasses import dataclass

import torch
from tensordict import TensorDictBase
from torch import Tensor

from diiqn_lightning.algorithm.cloning import cloning_loss
from diiqn_lightning.errors import require_positive, require_within


@dataclass(frozen=True)
class CloneSettings:
    """A network that imitates the expert, beside the agent's own.

    Args:
        hidden: widths of its hidden linear layers; null chooses them by the observation.
        learning_rate: of its parameter group.
        exploration: share of its actions that are random: the inverse model has to go on seeing what other actions
            do, and a clone that goes in circles has to get out of them (design choice).
    """

    hidden: list[int] | None = None
    learning_rate: float = 1e-3
    exploration: float = 0.05

    def __post_init__(self) -> None:
        require_within(0, 1, **{"model.clone.exploration": self.exploration})
        require_positive(**{"model.clone.learning_rate": self.learning_rate})


def clone_loss(network: torch.nn.Module, expert: TensorDictBase) -> tuple[Tensor, Tensor]:
    """Cross-entropy of the expert's actions where they are known, and whether the network would take them.

    Args:
        network: gives logits, ``[B, *O]`` to ``[B, A]``.
        expert: the ``("expert", …)`` entries, ``[B]``.

    Returns:
        The mean loss, a scalar, and ``[B]`` bool.
    """
    logits = network(expert.get("observation"))
    action = expert.get("action")
    return cloning_loss(logits, action, expert.get("valid")), logits.detach().argmax(1) == action
