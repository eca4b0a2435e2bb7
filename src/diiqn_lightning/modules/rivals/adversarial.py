"""Double DQN on the reward of a discriminator."""

from abc import abstractmethod
from typing import Any

import torch
from tensordict import TensorDictBase
from torch import Tensor
from torch.optim import Optimizer

from diiqn_lightning import keys
from diiqn_lightning.algorithm.discrimination import REWARDS, imitation_reward
from diiqn_lightning.algorithm.schedules import LinearSchedule
from diiqn_lightning.errors import InputError
from diiqn_lightning.modules.rivals.discriminator import Discriminator, DiscriminatorSettings
from diiqn_lightning.modules.rivals.replaced_reward import ReplacedReward


class AdversarialReward(ReplacedReward):
    """A discriminator learns to tell the expert's transitions from the replayed ones; its opinion is the reward.

    Args:
        discriminator: its settings.
        reward: form of the reward, see :func:`diiqn_lightning.algorithm.discrimination.imitation_reward`.
        largest_reward: bound of the reward's size: a discriminator that is sure of itself would else give
            rewards without limit.
        environment_weight: weight of the environment's reward.
        imitation_weight: weight of the discriminator's, a number or by environment frames.
        observation_shape, num_actions, **dqn: arguments of :class:`DQN`.
    """

    blocks = ("expert_sampling",)
    compares_transitions = True

    def __init__(
        self,
        observation_shape: tuple[int, ...],
        num_actions: int,
        discriminator: DiscriminatorSettings = DiscriminatorSettings(),
        reward: str = "logit",
        largest_reward: float = 5.0,
        environment_weight: float = 0.0,
        imitation_weight: float | LinearSchedule = 1.0,
        **dqn: Any,
    ) -> None:
        super().__init__(observation_shape, num_actions, environment_weight, imitation_weight, **dqn)
        if reward not in REWARDS:
            raise InputError("model.reward", reward, f"choose one of {', '.join(REWARDS)}")
        if largest_reward <= 0:
            raise InputError("model.largest_reward", largest_reward, "give a number above 0")
        self.reward, self.largest_reward = reward, largest_reward
        self.discriminator = Discriminator(discriminator, observation_shape)

    @abstractmethod
    def discriminator_loss(self, expert_logit: Tensor, agent_logit: Tensor) -> Tensor:
        """Loss of the discriminator, of ``[N]`` logits each, a scalar."""

    def imitation_reward(self, batch: TensorDictBase) -> Tensor:
        """The discriminator's, ``[U, B]``."""
        if keys.EXPERT_OBSERVATION not in batch.keys(True):
            raise InputError(
                "expert_sampling", None, "configure the callback, the discriminator needs the expert's states"
            )
        reward = imitation_reward(self.discriminator.judge(batch), self.reward)
        return reward.clamp(-self.largest_reward, self.largest_reward)

    def batch_losses(self, batch: TensorDictBase) -> dict[str, Tensor]:
        """The discriminator learns from several updates' transitions at once."""
        expert_logit, agent_logit, penalty = self.discriminator.logits(batch, seed=self.updates)
        return {
            "loss/discriminator": self.discriminator_loss(expert_logit, agent_logit) + penalty,
            "imitation/expert_probability": torch.sigmoid(expert_logit),
            "imitation/agent_probability": torch.sigmoid(agent_logit),
        }

    def configure_optimizers(self) -> Optimizer:
        """One optimizer; the discriminator is a parameter group of its own."""
        return self.optimizer_factory([{"params": list(self.online.parameters())}, self.discriminator.group()])
