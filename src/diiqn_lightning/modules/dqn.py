"""Double DQN, with uniform or prioritized replay: the baseline, and what DIIQN is without its expert."""

import copy
from collections.abc import Callable, Iterable
from typing import Any, cast

import torch
from tensordict import TensorDictBase
from torch import Tensor
from torch.optim import Optimizer

from diiqn_lightning import keys
from diiqn_lightning.algorithm.losses import (
    ELEMENTWISE_LOSSES,
    action_value,
    double_q_value,
    elementwise_loss,
    td_target,
)
from diiqn_lightning.algorithm.schedules import LinearSchedule
from diiqn_lightning.envs import GREEDY, Evaluation, evaluation_metrics
from diiqn_lightning.errors import InputError, require_within
from diiqn_lightning.modules.backward import LeanBackward
from diiqn_lightning.modules.ranks import average_buffers, total_over_ranks
from diiqn_lightning.networks import QNetwork, as_features
from diiqn_lightning.optimizer import LeanAdam

OptimizerFactory = Callable[[Iterable[Any]], Optimizer]

LEARNED_TOGETHER = 256
"""Transitions of a batch that :meth:`DQN.batch_losses` takes at a time, whole updates of them: as many as 32
environments make due. Of many environments a network beside the Q-network would otherwise learn ever more seldom
(design choice)."""


def default_optimizer(parameters: Iterable[Any]) -> Optimizer:
    """Adam with the published MinAtar settings (learning rate 2.5e-4, ε 3.125e-4)."""
    return LeanAdam(parameters, lr=2.5e-4, eps=3.125e-4)


class DQN(LeanBackward):
    """Deep Q-network (Mnih et al., 2015), by default with double Q-learning.

    Args:
        observation_shape: of one observation (set from the environment).
        num_actions: number of discrete actions (set from the environment).
        hidden: widths of the network's hidden linear layers; null chooses them by the observation.
        optimizer: makes the optimizer from the parameters.
        discount: γ, the discount factor of a frame.
        double: the online network chooses the next action and the target network rates it; false
            lets the target network do both (the DQN of 2015).
        loss: squared (½δ²) or huber.
        target_update_interval: updates after which the target network is set to the online one.
        exploration: ε of the ε-greedy exploration by environment frames.
        annealing: factor on the Q-network's learning rate by environment frames; null keeps the rate. A lower rate
            averages over more updates: it calms values that have come to swing about their level.
    """

    blocks: tuple[str, ...] = ()
    """Blocks of the configuration that it learns from an expert with; without any it learns from no expert."""

    sees_reward: bool = True
    """Whether its values are of the environment's rewards."""

    def __init__(
        self,
        observation_shape: tuple[int, ...],
        num_actions: int,
        hidden: list[int] | None = None,
        optimizer: OptimizerFactory = default_optimizer,
        discount: float = 0.99,
        double: bool = True,
        loss: str = "squared",
        target_update_interval: int = 250,
        exploration: LinearSchedule = LinearSchedule(1.0, 0.01, 250_000),  # noqa: B008 - frozen
        annealing: LinearSchedule | None = None,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False  # a batch is several updates
        require_within(0, 1, **{"model.discount": discount})
        if loss not in ELEMENTWISE_LOSSES:
            raise InputError("model.loss", loss, f"choose one of {', '.join(ELEMENTWISE_LOSSES)}")
        if target_update_interval < 1:
            raise InputError(
                "model.target_update_interval", target_update_interval, "give a whole number of at least 1"
            )
        require_within(0, 1, **{"model.exploration.start": exploration.start, "model.exploration.end": exploration.end})
        if annealing is not None and not min(annealing.start, annealing.end) >= 0:
            raise InputError(
                "model.annealing", f"{annealing.start:g} to {annealing.end:g}", "give factors of at least 0"
            )
        self.num_actions, self.optimizer_factory, self.discount = num_actions, optimizer, discount
        self.annealing = annealing
        self.double_q, self.loss, self.exploration = double, loss, exploration
        self.target_update_interval = target_update_interval
        self.online = QNetwork(observation_shape, num_actions, hidden=hidden)
        self.target = copy.deepcopy(self.online).requires_grad_(False)
        self.updates = 0
        self._target_set_at = 0
        self._acted: tuple[Tensor, Tensor] | None = None  # what was last acted on, and its greedy actions

    # What the stream asks for.

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
        return self.acting_values(self.online(observation.to(self.device))).argmax(1)

    def acting_values(self, output: Tensor) -> Tensor:
        """The part of a network's output, ``[B, …]``, whose largest entry is the action: ``[B, A]``."""
        return self.policy_values(output)

    def policy_values(self, output: Tensor) -> Tensor:
        """The part of a network's output, ``[B, …]``, that the agent's TD errors are of: ``[B, A]``."""
        return output

    def state_action_values(self, output: Tensor) -> Tensor:
        """The part of a network's output, ``[B, …]``, that rates actions in targets: ``[B, A]``."""
        return output

    # What Lightning asks for.

    def training_step(self, batch: TensorDictBase, batch_idx: int) -> dict[str, Tensor]:
        """Make the updates of a batch ``[U, B]``; writes ``target`` and ``td_error`` into it.

        Returns:
            What is worth a look in the logs, of the last update.
        """
        self.prepare_targets(batch)
        optimizer = cast(Optimizer, self.optimizers(use_pl_optimizer=False))
        if self.annealing is not None:
            self._anneal(optimizer.param_groups[0], self.annealing)
        updates, together, done = batch.unbind(0), max(1, LEARNED_TOGETHER // batch.shape[1]), 0
        has_batch_losses = type(self).batch_losses is not DQN.batch_losses
        for number, update in enumerate(updates, start=1):
            outputs = self.losses(update)
            together_end = number - done == together or number == len(updates)
            if together_end and has_batch_losses:
                # A part of a batch takes time to index: 5 µs a frame with the throughput layer.
                outputs |= self.batch_losses(update if number - done == 1 else batch[done:number])
            losses = [loss for name, loss in outputs.items() if name.startswith("loss")]
            optimizer.zero_grad()
            self.manual_backward(sum(losses[1:], start=losses[0]))
            optimizer.step()
            if together_end:
                self.updates, done = self.updates + number - done, number
        for key in self.written:
            batch.set(key, torch.stack([update.get(key) for update in updates]))
        self.follow(batch)
        average_buffers(self)
        return {name: value.detach() for name, value in outputs.items()}

    written: tuple[Any, ...] = (keys.TD_ERROR,)
    """What :meth:`losses` writes into an update's transitions."""

    def follow(self, batch: TensorDictBase) -> None:
        """Bring running means up to date after the updates of a batch ``[U, B]``: none here."""

    def prepare_targets(self, batch: TensorDictBase) -> None:
        """Set the target network when it is time, and write the targets of a batch ``[U, B]``."""
        if self._is_time_for_target():
            self.target.load_state_dict(self.online.state_dict())
        self.write_targets(batch)

    def write_targets(self, batch: TensorDictBase) -> None:
        """Targets of all updates of a batch ``[U, B]`` in one pass.

        Design choice: one pass over U · B states costs a third of U passes over B. So the online
        network that chooses the next action is up to U − 1 updates old, where the target network
        that rates it is up to ``target_update_interval`` old anyway.
        """
        target = self.td_target(batch.get(keys.REWARD), batch.get(keys.TERMINATED), batch.get(keys.NEXT_OBSERVATION))
        batch.set(keys.TARGET, target)

    def losses(self, update: TensorDictBase) -> dict[str, Tensor]:
        """Loss of one update ``[B]``; writes ``td_error``.

        Returns:
            ``loss`` and what is worth a look in the logs.
        """
        output = self.online(update.get(keys.OBSERVATION))
        td_error, loss = self.td_loss(output, update.get(keys.ACTION), update.get(keys.TARGET))
        update.set(keys.TD_ERROR, td_error.detach().abs())
        loss = (update.get(keys.PRIORITY_WEIGHT) * loss).mean()
        return {"loss": loss, "train/q": self.policy_values(output)}

    def td_loss(self, output: Tensor, action: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """TD errors and their losses.

        Args:
            output: the network's, ``[B, …]``.
            action: ``[B]`` int64.
            target: ``[B]``.

        Returns:
            δ of the policy's values, and the loss, ``[B]`` each.
        """
        td_error = action_value(self.policy_values(output), action) - target
        return td_error, elementwise_loss(td_error, self.loss)

    def batch_losses(self, batch: TensorDictBase) -> dict[str, Tensor]:
        """Losses over the transitions of several updates ``[U, B]``, added to the last, or of one ``[B]``: none."""
        return {}

    @torch.no_grad()
    def td_target(
        self, reward: Tensor, terminated: Tensor, next_observation: Tensor, discount: float | Tensor | None = None
    ) -> Tensor:
        """Target of each transition under the target network.

        Args:
            reward: ``[*]`` float, of any shape.
            terminated: ``[*]`` bool.
            next_observation: ``[*, *O]``.
            discount: of the next state's value, ``[*]`` or one for all; ``None`` takes γ.

        Returns:
            ``[*]``.
        """
        next_observation = as_features(next_observation.flatten(0, reward.dim() - 1))
        next_target = self.target(next_observation)
        next_online = self.online(next_observation) if self.double_q else next_target
        next_value = double_q_value(self.acting_values(next_online), self.state_action_values(next_target))
        discount = self.discount if discount is None else discount
        return td_target(reward, terminated, discount, next_value.view_as(reward))

    def _anneal(self, group: dict[str, Any], annealing: LinearSchedule) -> None:
        """Set the learning rate of the Q-network, whose group is the first one."""
        # Kept in the group under the name that torch's own schedules use: it is in the checkpoint then.
        full = group.setdefault("initial_lr", group["lr"])
        group["lr"] = full * annealing(self.environment_frames)

    @property
    def environment_frames(self) -> int:
        """Environment frames of the run so far."""
        return self.trainer.datamodule.stream.frames  # type: ignore[attr-defined, no-any-return]

    def _is_time_for_target(self) -> bool:
        """Whether the updates so far have passed another multiple of the interval."""
        passed = self.updates // self.target_update_interval > self._target_set_at // self.target_update_interval
        if passed:
            self._target_set_at = self.updates
        return passed

    def validation_step(self, batch: Evaluation, batch_idx: int, dataloader_idx: int = 0) -> None:
        """Play evaluation episodes; logs ``eval/return_greedy`` and ``eval/return``."""
        sums = total_over_ranks(self, batch.play(self.greedy, self.device).sums())
        suffix = "_greedy" if batch.name == GREEDY else ""
        for name, value in evaluation_metrics(sums).items():
            self.log(f"eval/{name}{suffix}", value, batch_size=1, logger=False, add_dataloader_idx=False)

    def test_step(self, batch: Evaluation, batch_idx: int, dataloader_idx: int = 0) -> None:
        """The same as validation."""
        self.validation_step(batch, batch_idx)

    def configure_optimizers(self) -> Optimizer:
        """The optimizer of the online network."""
        return self.optimizer_factory(self.online.parameters())

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Store the number of updates beside the weights."""
        checkpoint["updates"] = [self.updates, self._target_set_at]

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore the number of updates."""
        self.updates, self._target_set_at = checkpoint["updates"]
