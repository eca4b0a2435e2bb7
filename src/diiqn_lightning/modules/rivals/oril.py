"""ORIL: a reward by positive-unlabelled learning (Zolna et al., 2020, arXiv 2011.13885)."""

from typing import Any

from torch import Tensor

from diiqn_lightning.algorithm.discrimination import positive_unlabelled_loss
from diiqn_lightning.errors import require_within
from diiqn_lightning.modules.rivals.adversarial import AdversarialReward


class ORIL(AdversarialReward):
    """Rewards what is like the expert, knowing that some of what it has itself is as good; sees no other reward.

    The paper learns R from demonstrations and a fixed set of unlabelled experience (eq. 3), and a policy from that
    set with critic-regularised regression. Adapted to learning online from states alone: R is of (s, s'), the agent's
    replay is the unlabelled set, and the learner is double DQN.

    Args:
        prior: η, the share of the unlabelled transitions that is taken to be as good as the expert's.
        reward: form of the reward; probability is the paper's.
        observation_shape, num_actions, **adversarial: arguments of :class:`AdversarialReward`.
    """

    def __init__(
        self,
        observation_shape: tuple[int, ...],
        num_actions: int,
        prior: float = 0.5,
        reward: str = "probability",
        **adversarial: Any,
    ) -> None:
        super().__init__(observation_shape, num_actions, reward=reward, **adversarial)
        require_within(0, 1, **{"model.prior": prior})
        self.prior = prior

    def discriminator_loss(self, expert_logit: Tensor, agent_logit: Tensor) -> Tensor:
        """The positive-unlabelled loss."""
        return positive_unlabelled_loss(expert_logit, agent_logit, self.prior)
