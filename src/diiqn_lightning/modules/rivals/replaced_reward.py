"""Double DQN on another reward than the environment's."""

from abc import abstractmethod
from typing import Any

from tensordict import TensorDictBase
from torch import Tensor

from diiqn_lightning import keys
from diiqn_lightning.algorithm.schedules import LinearSchedule
from diiqn_lightning.modules.dqn import DQN


class ReplacedReward(DQN):
    """Learns from r = w_env · r_environment + w · r_imitation, anew in each batch that is sampled.

    The reward is computed when a transition is replayed and not when it was made: r_imitation may be learned.

    Args:
        environment_weight: w_env.
        imitation_weight: w, a number or by environment frames.
        observation_shape, num_actions, **dqn: arguments of :class:`DQN`.
    """

    def __init__(
        self,
        observation_shape: tuple[int, ...],
        num_actions: int,
        environment_weight: float,
        imitation_weight: float | LinearSchedule,
        **dqn: Any,
    ) -> None:
        super().__init__(observation_shape, num_actions, **dqn)
        if not isinstance(imitation_weight, LinearSchedule):
            imitation_weight = LinearSchedule(imitation_weight, imitation_weight, 1)
        self.environment_weight, self.imitation_weight = environment_weight, imitation_weight

    @property
    def sees_reward(self) -> bool:  # type: ignore[override]
        """Values are of the sum: the environment's largest reward is no bound of them."""
        return False

    @abstractmethod
    def imitation_reward(self, batch: TensorDictBase) -> Tensor:
        """r_imitation of a batch ``[U, B]``, of the same shape."""

    def training_step(self, batch: TensorDictBase, batch_idx: int) -> dict[str, Tensor]:
        """DQN's, with the imitation reward in the logs."""
        reward = self.imitation_reward(batch)
        mixed = self.imitation_weight(self.environment_frames) * reward
        if self.environment_weight:
            mixed = mixed + self.environment_weight * batch.get(keys.REWARD)
        batch.set(keys.REWARD, mixed)
        return super().training_step(batch, batch_idx) | {"imitation/reward": reward}
