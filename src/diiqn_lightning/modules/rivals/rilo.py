"""RILO-style mixing of the environment's reward with an imitation reward (after Zolna et al., 2019)."""

from typing import Any

from diiqn_lightning.modules.rivals.discriminator import DiscriminatorSettings
from diiqn_lightning.modules.rivals.gaifo import GAIfO


class RILO(GAIfO):
    """r = r_environment + λ · r_GAIfO.

    Zolna et al., 2019, "Reinforced Imitation in Heterogeneous Action Space", learn from the sum of both rewards, the
    second one of a discriminator of states some steps apart, with an on-policy learner. Adapted: (s, s'), and double
    DQN on the replay.

    Args:
        discriminator: its settings.
        reward: form of the imitation reward.
        largest_reward: bound of its size.
        imitation_weight: λ.
        observation_shape, num_actions, **dqn: arguments of :class:`DQN`.
    """

    def __init__(
        self,
        observation_shape: tuple[int, ...],
        num_actions: int,
        discriminator: DiscriminatorSettings = DiscriminatorSettings(),
        reward: str = "logit",
        largest_reward: float = 5.0,
        imitation_weight: float = 0.1,
        **dqn: Any,
    ) -> None:
        super().__init__(
            observation_shape,
            num_actions,
            discriminator=discriminator,
            reward=reward,
            largest_reward=largest_reward,
            environment_weight=1.0,
            imitation_weight=imitation_weight,
            **dqn,
        )
