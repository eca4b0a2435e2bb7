"""Double DQN whose exploration a clone of the expert takes part in."""

from abc import abstractmethod
from typing import Any

import torch
from tensordict import TensorDictBase
from torch import Tensor
from torch.optim import Optimizer

from diiqn_lightning import keys
from diiqn_lightning.labeller import InverseModel
from diiqn_lightning.modules.dqn import DQN
from diiqn_lightning.modules.labelling import LabellerSettings, labeller_group, labeller_losses
from diiqn_lightning.modules.rivals.cloning import CloneSettings, clone_loss
from diiqn_lightning.networks import QNetwork


class GuidedDQN(DQN):
    """Learns as double DQN does, from what it and a clone of the expert did in turns.

    The clone is BCO's: an inverse model labels the expert's states, a network clones the labels; both learn beside
    the Q-network.

    Args:
        labeller: the inverse model's settings.
        clone: the clone's settings.
        guide_from: environment frames before the clone may act; until then the agent explores for the inverse model.
        observation_shape, num_actions, **dqn: arguments of :class:`DQN`.
    """

    blocks = ("action_inference", "expert_sampling")

    def __init__(
        self,
        observation_shape: tuple[int, ...],
        num_actions: int,
        labeller: LabellerSettings = LabellerSettings(),
        clone: CloneSettings = CloneSettings(),
        guide_from: int = 10_000,
        **dqn: Any,
    ) -> None:
        super().__init__(observation_shape, num_actions, **dqn)
        self.labeller_settings, self.clone_settings, self.guide_from = labeller, clone, guide_from
        self.labeller = InverseModel(observation_shape, num_actions, labeller.hidden, labeller.history)
        self.clone = QNetwork(observation_shape, num_actions, hidden=clone.hidden)

    @abstractmethod
    def guided(self, environments: int, frames: int, generator: torch.Generator) -> Tensor:
        """Whether the clone acts, for each environment, ``[E]`` bool.

        Args:
            environments: E.
            frames: environment frames so far, at least ``guide_from``.
            generator: of random numbers, on the CPU.
        """

    @abstractmethod
    def guidance(self, environments: int, frames: int) -> Tensor:
        """How probable it was that the clone acted when :meth:`act` was last asked, ``[E]`` float32."""

    @torch.no_grad()
    def act(self, observation: Tensor, frames: int, generator: torch.Generator) -> Tensor:
        """The clone's actions where it guides, ε-greedy ones elsewhere."""
        action = super().act(observation, frames, generator)
        if frames < self.guide_from:
            return action
        guided = self.guided(len(observation), frames, generator)
        if not bool(guided.any()):
            return action
        advice = self.clone(observation.to(self.device)).argmax(1).cpu()
        random = torch.randint(self.num_actions, advice.shape, generator=generator)
        explore = torch.rand(len(advice), generator=generator) < self.clone_settings.exploration
        return torch.where(guided, torch.where(explore, random, advice), action)

    @torch.no_grad()
    def behaviour_probability(self, observation: Tensor, action: Tensor, frames: int) -> Tensor:
        """π_b(a | s) of the mixture that acted: of the clone where it guided, ε-greedy elsewhere.

        1, by which a transition teaches nothing about actions, where neither of them tried those that it does not
        prefer often enough: the probability of the action that was taken does not tell that of a mixture.
        """
        own = super().behaviour_probability(observation, action, frames)
        if frames < self.guide_from:
            return own
        share = self.guidance(len(observation), frames)
        advised = self.clone(observation.to(self.device)).argmax(1).cpu() == action
        explored = self.clone_settings.exploration
        advice = torch.where(advised, 1 - explored, 0.0) + explored / self.num_actions
        probability = share * advice + (1 - share) * own
        largest = self.labeller_settings.largest_action_weight
        if largest is None:
            return probability
        least = (share * explored + (1 - share) * self.exploration_rate(frames)) / self.num_actions
        return torch.where(largest * self.num_actions * least < 1 - 1e-4, 1.0, probability)

    def batch_losses(self, batch: TensorDictBase) -> dict[str, Tensor]:
        """Inverse model and clone learn from several updates' transitions at once."""
        loss, agrees = clone_loss(self.clone, batch.get(keys.EXPERT).view(-1))
        labelling = labeller_losses(
            self.labeller, self.labeller_settings, batch, self.num_actions, self.environment_frames
        )
        return {**labelling, "loss/clone": loss, "expert/agreement": agrees}

    def configure_optimizers(self) -> Optimizer:
        """One optimizer; inverse model and clone are parameter groups of their own."""
        return self.optimizer_factory(
            [
                {"params": list(self.online.parameters())},
                labeller_group(self.labeller, self.labeller_settings),
                {"params": list(self.clone.parameters()), "lr": self.clone_settings.learning_rate},
            ]
        )
