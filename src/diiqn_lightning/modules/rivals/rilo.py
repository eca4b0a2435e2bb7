"""RILO-style mixing of the environment's reward with an imitation reward (after Zolna et al., 2019)."""

from typing import Any

from diiqn_lightning.algorithm.schedules import LinearSchedule
from diiqn_lightning.modules.rivals.gaifo import GAIfO


class RILO(GAIfO):
    """r = r_environment + λ · r_GAIfO.

    Zolna et al., 2019, "Reinforced Imitation in Heterogeneous Action Space", learn from the sum of both rewards, the
    second one of a discriminator of states some steps apart, with an on-policy learner. Adapted: (s, s'), and double
    DQN on the replay.

    Args:
        environment_weight: weight of the environment's reward.
        imitation_weight: λ, a number or by environment frames.
        observation_shape, num_actions, **adversarial: arguments of :class:`GAIfO`.
    """

    def __init__(
        self,
        observation_shape: tuple[int, ...],
        num_actions: int,
        environment_weight: float = 1.0,
        imitation_weight: float | LinearSchedule = 0.1,
        **adversarial: Any,
    ) -> None:
        super().__init__(
            observation_shape,
            num_actions,
            environment_weight=environment_weight,
            imitation_weight=imitation_weight,
            **adversarial,
        )
