"""SEABO-style bonus for being near the expert (after Lyu et al., 2024, arXiv 2402.03807)."""

from typing import Any

import torch
from tensordict import TensorDictBase
from torch import Tensor

from diiqn_lightning import keys
from diiqn_lightning.algorithm.schedules import LinearSchedule
from diiqn_lightning.errors import InputError, require_positive
from diiqn_lightning.modules.rivals.replaced_reward import ReplacedReward


class SEABO(ReplacedReward):
    """r = w_env · r_environment + w · exp(−β · d), d being the distance to the nearest expert transition.

    Lyu et al., 2024, "SEABO: A Simple Search-Based Method for Offline Imitation Learning", eq. 2, give the second
    term to unlabelled offline data, found with a KD-tree; their state-only variant searches by (s, s'), as here.
    Adapted: the learner is double DQN online, and the environment's reward comes with it. The callback
    ``expert_distance`` finds each new frame's distance once and stores it beside the frame.

    Args:
        steepness: β, per unit of the distance.
        environment_weight: w_env.
        imitation_weight: w, a number or by environment frames.
        observation_shape, num_actions, **dqn: arguments of :class:`DQN`.
    """

    blocks = ("expert_distance",)

    def __init__(
        self,
        observation_shape: tuple[int, ...],
        num_actions: int,
        steepness: float = 0.5,
        environment_weight: float = 1.0,
        imitation_weight: float | LinearSchedule = 0.1,
        **dqn: Any,
    ) -> None:
        super().__init__(
            observation_shape,
            num_actions,
            environment_weight=environment_weight,
            imitation_weight=imitation_weight,
            **dqn,
        )
        require_positive(**{"model.steepness": steepness})
        self.steepness = steepness

    def imitation_reward(self, batch: TensorDictBase) -> Tensor:
        """exp(−β · d), ``[U, B]``."""
        if keys.EXPERT_DISTANCE not in batch:
            raise InputError("expert_distance", None, "configure the callback expert_distance, which SEABO learns from")
        return torch.exp(-self.steepness * batch.get(keys.EXPERT_DISTANCE))
