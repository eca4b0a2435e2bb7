"""How an agent with a Q-network acts: in training, in evaluations, and when it is exported."""

import copy

import torch
from torch import Tensor, nn

from diiqn_lightning.algorithm.schedules import LinearSchedule
from diiqn_lightning.envs import GREEDY, Evaluation, evaluation_metrics
from diiqn_lightning.errors import require_within
from diiqn_lightning.modules.backward import LeanBackward
from diiqn_lightning.modules.ranks import total_over_ranks
from diiqn_lightning.modules.weight_average import WeightAverage


class QAgent(LeanBackward):
    """Acts ε-greedily by a Q-network, or by the mean of its weights.

    Args:
        network: ``[B, *O]`` to ``[B, …]``, of which :meth:`acting_values` takes a part.
        num_actions: number of discrete actions.
        exploration: ε by environment frames.
        averaging: environment frames over which the weights that act are averaged; null acts with the newest.
    """

    def __init__(
        self, network: nn.Module, num_actions: int, exploration: LinearSchedule, averaging: int | None
    ) -> None:
        super().__init__()
        require_within(0, 1, **{"model.exploration.start": exploration.start, "model.exploration.end": exploration.end})
        self.num_actions, self.exploration, self.averaging = num_actions, exploration, averaging
        self.set_networks(network)
        self._acted: tuple[Tensor, Tensor] | None = None  # what was last acted on, and its greedy actions

    def set_networks(self, online: nn.Module) -> None:
        """Set the network that learns, and copies of it for targets and for acting."""
        self.online = online
        self.target = copy.deepcopy(online).requires_grad_(False)
        self.average = WeightAverage(online, self.averaging) if self.averaging is not None else None

    @property
    def acting_network(self) -> nn.Module:
        """Whose outputs tell the greedy action."""
        return self.online if self.average is None else self.average.network

    @torch.no_grad()
    def act(self, observation: Tensor, frames: int, generator: torch.Generator) -> Tensor:
        """ε-greedy actions.

        Args:
            observation: ``[E, *O]``.
            frames: environment frames so far, for ε.
            generator: of the random numbers, on the CPU.

        Returns:
            ``[E]`` int64 on the CPU.
        """
        count = observation.shape[0]
        explore = torch.rand(count, generator=generator) < self.exploration_rate(frames)
        random = torch.randint(self.num_actions, (count,), generator=generator)
        self._acted = None
        if bool(explore.all()):
            return random
        greedy = self.greedy(observation).cpu()
        self._acted = observation, greedy
        return torch.where(explore, random, greedy)

    def exploration_rate(self, frames: int) -> float:
        """ε after so many environment frames."""
        return self.exploration(frames)

    @torch.no_grad()
    def behaviour_probability(self, observation: Tensor, action: Tensor, frames: int) -> Tensor:
        """π_b(a | s): how probable :meth:`act` made these actions.

        Args:
            observation: ``[E, *O]``; what ``act`` found of the same tensor is not computed again.
            action: ``[E]`` int64.
            frames: environment frames, as handed to ``act``; no update may lie in between.

        Returns:
            ``[E]`` float32 on the CPU.
        """
        epsilon = self.exploration_rate(frames)
        seen, greedy = self._acted or (None, None)
        if seen is not observation or greedy is None:
            greedy = self.greedy(observation).cpu()
        return torch.where(greedy == action, 1 - epsilon, 0.0) + epsilon / self.num_actions

    @torch.no_grad()
    def greedy(self, observation: Tensor) -> Tensor:
        """Actions of the largest Q-value, ``[E, *O]`` to ``[E]`` int64."""
        return self.chosen_by(self.acting_network, observation.to(self.device)).argmax(1)

    def acting_values(self, output: Tensor) -> Tensor:
        """The part of a network's output, ``[B, …]``, whose largest entry is the action: ``[B, A]``."""
        return self.policy_values(output)

    def chosen_by(self, network: nn.Module, observation: Tensor) -> Tensor:
        """:meth:`acting_values` of a network's output, ``[B, *O]`` to ``[B, A]``."""
        return self.acting_values(network(observation))

    def policy_values(self, output: Tensor) -> Tensor:
        """The part of a network's output, ``[B, …]``, that the agent's TD errors are of: ``[B, A]``."""
        return output

    def state_action_values(self, output: Tensor) -> Tensor:
        """The part of a network's output, ``[B, …]``, that rates actions in targets: ``[B, A]``."""
        return output

    def rated_by(self, network: nn.Module, observation: Tensor) -> Tensor:
        """:meth:`state_action_values` of a network's output, ``[B, *O]`` to ``[B, A]``."""
        return self.state_action_values(network(observation))

    def validation_step(self, batch: Evaluation, batch_idx: int, dataloader_idx: int = 0) -> None:
        """Play evaluation episodes; logs ``eval/return_greedy`` and ``eval/return``."""
        sums = total_over_ranks(self, batch.play(self.greedy, self.device).sums())
        suffix = "_greedy" if batch.name == GREEDY else ""
        for name, value in evaluation_metrics(sums).items():
            self.log(f"eval/{name}{suffix}", value, batch_size=1, logger=False, add_dataloader_idx=False)

    def test_step(self, batch: Evaluation, batch_idx: int, dataloader_idx: int = 0) -> None:
        """The same as validation."""
        self.validation_step(batch, batch_idx)
