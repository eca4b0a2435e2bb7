"""Networks that learn from the agent's own transitions to label the expert's (design choice)."""

from collections.abc import Sequence
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from diiqn_lightning.algorithm.losses import labelling_loss
from diiqn_lightning.algorithm.reward_sizes import RewardSizes
from diiqn_lightning.networks import Body, side_by_side


class Transitions(NamedTuple):
    """``B`` transitions of the agent.

    Args:
        observation: ``[B, *O]``.
        action: the commanded one, ``[B]`` int64.
        reward: ``[B]`` float.
        next_observation: ``[B, *O]``.
        terminated: ``[B]`` bool.
        history: states before ``observation``, the oldest first, ``[B, H, *O]``; ``None`` where H is 0.
    """

    observation: Tensor
    action: Tensor
    reward: Tensor
    next_observation: Tensor
    terminated: Tensor
    history: Tensor | None = None


class Labels(NamedTuple):
    """Labels of ``N`` transitions.

    Args:
        action: the most probable one, ``[N]`` int64.
        probability: of that action, ``[N]`` float32.
        reward: expected one, ``[N]`` float32.
        terminated: ``[N]`` bool.
    """

    action: Tensor
    probability: Tensor
    reward: Tensor
    terminated: Tensor


class InverseModel(nn.Module):
    """Tells from (s, s') which action lies between them: p(a | s, s').

    Torabi et al., 2018, "Behavioral Cloning from Observation", section 4.1. States may hide what a move depends on,
    such as how long ago the last one was: with H states more before s, p(a | s_{−H}, …, s, s') (design choice).

    Args:
        observation_shape: shape of one observation.
        num_actions: number of discrete actions.
        hidden: widths of the linear layers, as for :class:`diiqn_lightning.networks.QNetwork`.
        history: H.
    """

    outputs_beside_actions = 0
    taught: Tensor
    """Running share of the agent's transitions that taught it about actions; a scalar."""

    def __init__(
        self, observation_shape: Sequence[int], num_actions: int, hidden: Sequence[int] | None = None, history: int = 0
    ) -> None:
        super().__init__()
        self.body = Body(observation_shape, hidden, length=history + 2)
        self.head = nn.Linear(self.body.width, num_actions + self.outputs_beside_actions)
        self.register_buffer("taught", torch.ones(()))

    def outputs(self, observation: Tensor, next_observation: Tensor, history: Tensor | None = None) -> Tensor:
        """All outputs of the network, ``[B, A + …]``."""
        before = () if history is None else history.unbind(1)
        return cast(Tensor, self.head(self.body(side_by_side(*before, observation, next_observation))))

    def loss(self, transitions: Transitions, action_weight: Tensor | float = 1.0) -> Tensor:
        """Loss on the agent's own transitions, ``[B]``; rewards and terminations are not looked at.

        Args:
            transitions: the agent's.
            action_weight: of the action's cross-entropy, ``[B]`` or one for all.
        """
        logits = self.outputs(transitions.observation, transitions.next_observation, transitions.history)
        return action_weight * nn.functional.cross_entropy(logits, transitions.action, reduction="none")

    @torch.no_grad()
    def label(
        self,
        observation: Tensor,
        next_observation: Tensor,
        history: Tensor | None = None,
        sizes: RewardSizes | None = None,
    ) -> Labels:
        """Label state-only transitions.

        Args:
            observation, next_observation: ``[N, *O]`` each.
            history: states before them, ``[N, H, *O]``.
            sizes: as for :meth:`labels_of`.
        """
        return self.labels_of(self.outputs(observation, next_observation, history), sizes)

    @torch.no_grad()
    def labels_of(self, outputs: Tensor, sizes: RewardSizes | None = None) -> Labels:
        """What the network's :meth:`outputs` say of ``N`` transitions.

        Args:
            outputs: ``[N, A + …]``.
            sizes: of rewards that were seen, to which those of labels are rounded; here there are none.
        """
        probability, action = outputs.softmax(1).max(1)
        return Labels(action, probability, torch.zeros_like(probability), torch.zeros_like(action, dtype=torch.bool))


class TransitionLabeller(InverseModel):
    """Tells from (s, s') the action, the reward and the termination.

    The reward is either none or of a learned size. Rewards may be as rare as one frame in a hundred, so
    the loss balances the two classes; labels undo the balance (King and Zeng, 2001, eq. 7), because
    returns are summed from them: a reward seen where there is none makes every expert look rich.

    Args:
        observation_shape, num_actions, hidden, history: as for :class:`InverseModel`.
    """

    outputs_beside_actions = 3
    rewarding_share: Tensor

    def __init__(
        self, observation_shape: Sequence[int], num_actions: int, hidden: Sequence[int] | None = None, history: int = 0
    ) -> None:
        super().__init__(observation_shape, num_actions, hidden, history)
        self.register_buffer("rewarding_share", torch.tensor(0.5))

    def forward(
        self, observation: Tensor, next_observation: Tensor, history: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Logits of the action ``[B, A]``, of "a reward", its size, and of termination, ``[B]`` each."""
        return _parts(self.outputs(observation, next_observation, history))

    def loss(self, transitions: Transitions, action_weight: Tensor | float = 1.0) -> Tensor:
        """Loss on the agent's own transitions, ``[B]``; arguments as for :meth:`InverseModel.loss`."""
        observation, action, reward, next_observation, terminated, history = transitions
        self.rewarding_share.lerp_((reward != 0).float().mean(), 0.01)
        action_logits, reward_logit, reward_size, terminated_logit = self(observation, next_observation, history)
        outputs = (action_logits, reward_logit, reward_size, terminated_logit)
        return labelling_loss(*outputs, action, reward, terminated, self._rewarding_weight(), action_weight)

    def _rewarding_weight(self) -> Tensor:
        """Weight of transitions with a reward, so that they count as much as those without."""
        return ((1 - self.rewarding_share) / self.rewarding_share.clamp(min=1e-3)).clamp(1, 100)

    @torch.no_grad()
    def labels_of(self, outputs: Tensor, sizes: RewardSizes | None = None) -> Labels:
        """What the network's outputs say; arguments as for :meth:`InverseModel.labels_of`."""
        action_logits, reward_logit, reward_size, terminated_logit = _parts(outputs)
        probability, action = action_logits.softmax(1).max(1)
        if sizes is not None:
            reward_size = sizes.nearest(reward_size)
        reward = torch.sigmoid(reward_logit - self._rewarding_weight().log()) * reward_size
        return Labels(action, probability, reward, terminated_logit > 0)


def _parts(outputs: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Logits of the action ``[N, A]``, of "a reward", its size, and of termination, ``[N]`` each."""
    reward_logit, reward_size, terminated_logit = outputs[:, -3:].unbind(1)
    return outputs[:, :-3], reward_logit, reward_size, terminated_logit
