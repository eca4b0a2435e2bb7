"""Double DQN, with uniform or prioritized replay: the baseline, and what DIIQN is without its expert."""

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
from diiqn_lightning.errors import InputError, require_within
from diiqn_lightning.modules.acting import QAgent
from diiqn_lightning.modules.ranks import average_buffers
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


class DQN(QAgent):
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
        averaging: environment frames over which the weights are averaged that act (:class:`WeightAverage`); null acts
            with the newest ones. Targets are worked out with the newest in either case (design choice).
    """

    blocks: tuple[str, ...] = ()
    """Blocks of the configuration that it learns from an expert with; without any it learns from no expert."""

    holds_out: bool = False
    """Whether it measures something on the part of the dataset that ``expert_sampling.held_out`` keeps from it."""

    compares_transitions: bool = False
    """Whether it compares transitions of the expert's with the agent's, which have to be single steps of both."""

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
        averaging: int | None = None,
    ) -> None:
        super().__init__(QNetwork(observation_shape, num_actions, hidden=hidden), num_actions, exploration, averaging)
        self.automatic_optimization = False  # a batch is several updates
        require_within(0, 1, **{"model.discount": discount})
        if loss not in ELEMENTWISE_LOSSES:
            raise InputError("model.loss", loss, f"choose one of {', '.join(ELEMENTWISE_LOSSES)}")
        if target_update_interval < 1:
            raise InputError(
                "model.target_update_interval", target_update_interval, "give a whole number of at least 1"
            )
        if annealing is not None and not min(annealing.start, annealing.end) >= 0:
            raise InputError(
                "model.annealing", f"{annealing.start:g} to {annealing.end:g}", "give factors of at least 0"
            )
        self.optimizer_factory, self.discount, self.annealing = optimizer, discount, annealing
        self.double_q, self.loss, self.target_update_interval = double, loss, target_update_interval
        self.updates = 0
        self._target_set_at = 0

    def training_step(self, batch: TensorDictBase, batch_idx: int) -> dict[str, Tensor]:
        """Make the updates of a batch ``[U, B]``; writes ``target`` and ``td_error`` into it.

        Returns:
            What is worth a look in the logs, of the last update.
        """
        self.prepare_targets(batch)
        optimizer = cast(Optimizer, self.optimizers(use_pl_optimizer=False))
        self._anneal(optimizer.param_groups[0])
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
        if self.average is not None:
            self.average.follow(self.online, self.environment_frames)
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
        if self.double_q:
            chosen_by = self.chosen_by(self.online, next_observation)
            rated = self.rated_by(self.target, next_observation)
        else:
            output = self.target(next_observation)
            chosen_by, rated = self.acting_values(output), self.state_action_values(output)
        next_value = double_q_value(chosen_by, rated)
        discount = self.discount if discount is None else discount
        return td_target(reward, terminated, discount, next_value.view_as(reward))

    def _anneal(self, group: dict[str, Any]) -> None:
        """Set the learning rate of the Q-network, whose group is the first one."""
        if self.annealing is not None:
            # Kept in the group under the name that torch's own schedules use: it is in the checkpoint then.
            full = group.setdefault("initial_lr", group["lr"])
            group["lr"] = full * self.annealing(self.environment_frames)
        elif "initial_lr" in group:  # a run that goes on without
            group["lr"] = group["initial_lr"]

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

    def forget_expert(self, frames: int) -> None:
        """Another expert takes the place of the one that was learned from: forget how good and how like that was.

        Args:
            frames: environment frames of the run so far.
        """

    def configure_optimizers(self) -> Optimizer:
        """The optimizer of the online network."""
        return self.optimizer_factory(self.online.parameters())

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Store the number of updates beside the weights, and how far they are averaged."""
        checkpoint["updates"] = [self.updates, self._target_set_at]
        if self.average is not None:
            checkpoint["averaged_to"] = self.average.followed_to

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore the number of updates, and how far the weights are averaged."""
        self.updates, self._target_set_at = checkpoint["updates"]
        if self.average is not None:
            self.average.followed_to = checkpoint.get("averaged_to", 0)  # without one its weights do not fit either
