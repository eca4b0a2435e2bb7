"""Double DQN with prioritized replay: the baseline, and what DIIQN is without its expert."""

import copy
from collections.abc import Callable, Iterable
from typing import Any

import lightning
import torch
from tensordict import TensorDictBase
from torch import Tensor
from torch.optim import Adam, Optimizer

from diiqn_lightning import keys
from diiqn_lightning.algorithm.losses import (
    ELEMENTWISE_LOSSES,
    action_value,
    double_q_value,
    elementwise_loss,
    td_target,
)
from diiqn_lightning.algorithm.schedules import LinearSchedule
from diiqn_lightning.envs import Evaluation
from diiqn_lightning.errors import InputError, require_within
from diiqn_lightning.networks import QNetwork

OptimizerFactory = Callable[[Iterable[Any]], Optimizer]


def default_optimizer(parameters: Iterable[Any]) -> Optimizer:
    """Adam with the published MinAtar settings (learning rate 2.5e-4, ε 3.125e-4)."""
    return Adam(parameters, lr=2.5e-4, eps=3.125e-4, fused=True)


class DQN(lightning.LightningModule):
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
    """

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
    ) -> None:
        super().__init__()
        require_within(0, 1, **{"model.discount": discount})
        if loss not in ELEMENTWISE_LOSSES:
            raise InputError("model.loss", loss, f"choose one of {', '.join(ELEMENTWISE_LOSSES)}")
        if target_update_interval < 1:
            raise InputError(
                "model.target_update_interval", target_update_interval, "give a whole number of at least 1"
            )
        self.num_actions, self.optimizer_factory, self.discount = num_actions, optimizer, discount
        self.double_q, self.loss, self.exploration = double, loss, exploration
        self.target_update_interval = target_update_interval
        self.online = QNetwork(observation_shape, num_actions, hidden=hidden)
        self.target = copy.deepcopy(self.online).requires_grad_(False)
        self.updates = 0

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
        explore = torch.rand(count, generator=generator) < self.exploration(frames)
        random = torch.randint(self.num_actions, (count,), generator=generator)
        return random if bool(explore.all()) else torch.where(explore, random, self.greedy(observation).cpu())

    @torch.no_grad()
    def greedy(self, observation: Tensor) -> Tensor:
        """Actions of the largest Q-value, ``[E, *O]`` to ``[E]`` int64."""
        return self.online(observation.to(self.device)).argmax(1)  # type: ignore[no-any-return]

    # What Lightning asks for.

    def training_step(self, batch: TensorDictBase, batch_idx: int) -> dict[str, Tensor]:
        """One update's loss; writes ``td_error`` into the batch.

        Returns:
            ``loss`` and, without gradient, what is worth a look in the logs.
        """
        self.count_update()
        q = self.online(batch.get(keys.OBSERVATION))
        td_error = action_value(q, batch.get(keys.ACTION)) - self.td_target(
            batch.get(keys.REWARD), batch.get(keys.TERMINATED), batch.get(keys.NEXT_OBSERVATION)
        )
        batch.set(keys.TD_ERROR, td_error.detach().abs())
        loss = (batch.get(keys.PRIORITY_WEIGHT) * elementwise_loss(td_error, self.loss)).mean()
        return {"loss": loss, "train/q": q.detach()}

    @torch.no_grad()
    def td_target(self, reward: Tensor, terminated: Tensor, next_observation: Tensor) -> Tensor:
        """Target of each transition under the target network.

        Args:
            reward: ``[B]`` float.
            terminated: ``[B]`` bool.
            next_observation: ``[B, *O]``.

        Returns:
            ``[B]``.
        """
        next_q_target = self.target(next_observation)
        next_q_online = self.online(next_observation) if self.double_q else next_q_target
        return td_target(reward, terminated, self.discount, double_q_value(next_q_online, next_q_target))

    def count_update(self) -> None:
        """Set the target network when it is time, and count the update that begins.

        This stands at the beginning of an update, so that after it (when checkpoints are written)
        nothing is left to do.
        """
        if self.updates and self.updates % self.target_update_interval == 0:
            self.target.load_state_dict(self.online.state_dict())
        self.updates += 1

    def validation_step(self, batch: Evaluation, batch_idx: int, dataloader_idx: int = 0) -> None:
        """Play evaluation episodes; logs ``eval/return_greedy`` and ``eval/return``."""
        played = batch.play(self.greedy, self.device)
        moments = torch.tensor(
            [played.returns.sum(), (played.returns**2).sum(), played.lengths.sum(), len(played.returns)],
            dtype=torch.float64,
        )
        if self.trainer.world_size > 1:
            moments = self.trainer.strategy.reduce(moments.to(self.device), reduce_op="sum").cpu()
        total, squares, frames, episodes = moments.tolist()
        mean = total / episodes
        variance = max(0.0, squares / episodes - mean**2) * episodes / max(1, episodes - 1)
        suffix = "_greedy" if batch.epsilon == 0 else ""
        for name, value in (
            ("return", mean),
            ("return_standard_error", (variance / episodes) ** 0.5),
            ("episode_length", frames / episodes),
        ):
            self.log(f"eval/{name}{suffix}", value, batch_size=1, logger=False, add_dataloader_idx=False)

    def test_step(self, batch: Evaluation, batch_idx: int, dataloader_idx: int = 0) -> None:
        """The same as validation."""
        self.validation_step(batch, batch_idx)

    def configure_optimizers(self) -> Optimizer:
        """The optimizer of the online network."""
        return self.optimizer_factory(self.online.parameters())

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Store the number of updates beside the weights."""
        checkpoint["updates"] = self.updates

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restore the number of updates."""
        self.updates = checkpoint["updates"]
