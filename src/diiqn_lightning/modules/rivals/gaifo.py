"""GAIfO: generative adversarial imitation from observation (Torabi et al., 2018, arXiv 1807.06158)."""

from torch import Tensor

from diiqn_lightning.algorithm.discrimination import adversarial_loss
from diiqn_lightning.modules.rivals.adversarial import AdversarialReward


class GAIfO(AdversarialReward):
    """Rewards what a discriminator of (s, s') takes for the expert's; sees no reward of the environment.

    The paper alternates a step of the discriminator (eq. 8) with one of TRPO on the agent's newest episodes.
    Adapted: the learner is double DQN, and the agent's side of the discriminator is the replay buffer, as in
    Discriminator-Actor-Critic (Kostrikov et al., 2019): an off-policy learner rewards anew all that it replays, so
    that is what the discriminator has to judge.

    Args:
        discriminator: its settings.
        reward: logit, survival (that of GAIL), step_cost (that of GAIfO's paper) or probability. Where episodes end
            early for better or for worse, the sign of a reward alone says what to do; logit has either sign
            (design choice, see Kostrikov et al., 2019, section 4.1).
        largest_reward: bound of the reward's size.
        environment_weight: weight of the environment's reward; 0 is GAIfO.
        imitation_weight: weight of the imitation reward, a number or by environment frames.
        observation_shape, num_actions, **dqn: arguments of :class:`DQN`.
    """

    def discriminator_loss(self, expert_logit: Tensor, agent_logit: Tensor) -> Tensor:
        """Cross-entropy."""
        return adversarial_loss(expert_logit, agent_logit)
