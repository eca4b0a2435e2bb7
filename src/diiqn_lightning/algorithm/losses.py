"""Losses of double DQN and of learning from an expert's transitions.

``B`` is the batch size and ``A`` the number of actions. Targets carry no gradient: callers compute
them under ``torch.no_grad()``.
"""

import torch
from torch import Tensor

ELEMENTWISE_LOSSES = ("squared", "huber")


def double_q_value(next_q_online: Tensor, next_q_target: Tensor) -> Tensor:
    """Value of the next state: the online network chooses, the target network rates.

    van Hasselt, Guez and Silver, 2016, "Deep Reinforcement Learning with Double Q-learning", eq. 4.

    Args:
        next_q_online: Q(s', ·) of the online network, ``[B, A]``.
        next_q_target: Q(s', ·) of the target network, ``[B, A]``.

    Returns:
        ``[B]``.
    """
    return next_q_target.gather(1, next_q_online.argmax(1, keepdim=True)).squeeze(1)


def td_target(reward: Tensor, terminated: Tensor, discount: float | Tensor, next_value: Tensor) -> Tensor:
    """One-step target r + γ · V(s'), where a terminated transition has V(s') = 0.

    Args:
        reward: ``[B]`` float.
        terminated: ``[B]`` bool. Truncation is not termination: the next state then has a value.
        discount: γ in [0, 1], one for all or ``[B]``.
        next_value: V(s'), ``[B]``.

    Returns:
        ``[B]``.
    """
    return torch.where(terminated, reward, reward + discount * next_value)


def action_value(q: Tensor, action: Tensor) -> Tensor:
    """Q(s, a) of the given actions: ``[B, A]`` and ``[B]`` int64 to ``[B]``."""
    return q.gather(1, action.unsqueeze(1)).squeeze(1)


def elementwise_loss(td_error: Tensor, kind: str) -> Tensor:
    """Loss of each TD error, without the mean.

    ``squared`` is ½δ²; ``huber`` is ½δ² up to |δ| = 1 and |δ| − ½ beyond (Mnih et al., 2015).

    Args:
        td_error: δ, ``[B]``.
        kind: one of :data:`ELEMENTWISE_LOSSES`.

    Returns:
        ``[B]``.
    """
    if kind == "squared":
        return 0.5 * td_error.square()
    return torch.nn.functional.huber_loss(td_error, torch.zeros_like(td_error), reduction="none")


def large_margin_loss(q: Tensor, action: Tensor, margin: float) -> Tensor:
    """How far the demonstrated action is from being the best one by a margin.

    J = max_a [Q(s, a) + m · 1(a ≠ a_e)] − Q(s, a_e), never negative.
    Hester et al., 2018, "Deep Q-learning from Demonstrations", eq. 2.

    Args:
        q: Q(s_e, ·), ``[B, A]``.
        action: a_e, ``[B]`` int64.
        margin: m ≥ 0, in units of return.

    Returns:
        ``[B]``.
    """
    expert_q = action_value(q, action)
    raised = (q + margin).scatter(1, action.unsqueeze(1), expert_q.unsqueeze(1))
    return raised.amax(1) - expert_q


def lower_bound_loss(value: Tensor, bound: Tensor) -> Tensor:
    """½ · max(0, G − Q(s, a))²: a return that was earned is a lower bound of the optimal value.

    Silent by itself where the agent expects more. Oh et al., 2018, "Self-Imitation Learning", eq. 3;
    He et al., 2017.

    Args:
        value: Q(s_e, a_e), ``[B]``.
        bound: G_e, the discounted return that followed, ``[B]``.
    """
    return 0.5 * (bound - value).clamp(min=0).square()


def shaping_reward(potential: Tensor, next_potential: Tensor, terminated: Tensor, discount: float | Tensor) -> Tensor:
    """F = γ · V(s') − V(s), where a terminated transition has V(s') = 0.

    Ng, Harada and Russell, 1999, "Policy invariance under reward transformations", theorem 1.

    Args:
        potential: V(s), ``[B]``.
        next_potential: V(s'), ``[B]``.
        terminated: ``[B]`` bool.
        discount: γ in [0, 1], one for all or ``[B]``.

    Returns:
        ``[B]``.
    """
    return torch.where(terminated, 0.0, discount * next_potential) - potential


def uniform_behaviour_weight(probability: Tensor, num_actions: int, largest: float) -> Tensor:
    """Weights that make the actions of an ε-greedy policy count as if they were uniform: 1 / (A · π_b(a | s)).

    A transition weighs nothing where the agent explored so little that the least probable action would weigh more
    than ``largest``. To clip the large weights alone would let the agent's habit into the labels, which its imitation
    then confirms; to scale a state's weights down together would leave their shares to a handful of transitions
    (design choice; both measured in docs/research.md).

    Args:
        probability: π_b(a | s) of the actions that were taken, ``[B]`` in (0, 1].
        num_actions: A.
        largest: of the weights, at least 1.

    Returns:
        ``[B]``, each at most ``largest``; their expectation in a state is 1, or 0.
    """
    least = torch.minimum(probability, (1 - probability) / max(1, num_actions - 1))
    weight = 1 / (num_actions * probability)
    # A hair of tolerance: probabilities come in float32.
    return torch.where(largest * num_actions * least < 1 - 1e-4, 0.0, weight)


def labelling_loss(
    action_logits: Tensor,
    reward_logit: Tensor,
    reward_size: Tensor,
    terminated_logit: Tensor,
    action: Tensor,
    reward: Tensor,
    terminated: Tensor,
    rewarding_weight: Tensor,
    action_weight: Tensor | float = 1.0,
) -> Tensor:
    """Loss of a transition labeller on the agent's own transitions (design choice), ``[B]``.

    Cross-entropy of the action, of "the reward is not zero" and of termination, plus the squared
    error of the rewards that are not zero.

    Args:
        action_logits: ``[B, A]``.
        reward_logit, reward_size, terminated_logit: ``[B]``.
        action: ``[B]`` int64.
        reward: ``[B]`` float.
        terminated: ``[B]`` bool.
        rewarding_weight: weight of transitions with a reward, scalar: rare rewards need it above 1.
        action_weight: weight of each transition's cross-entropy of the action, ``[B]`` or one for all.
    """
    binary = torch.nn.functional.binary_cross_entropy_with_logits
    rewarding = (reward != 0).float()
    loss = action_weight * torch.nn.functional.cross_entropy(action_logits, action, reduction="none")
    loss = loss + binary(reward_logit, rewarding, pos_weight=rewarding_weight, reduction="none")
    loss = loss + binary(terminated_logit, terminated.float(), reduction="none")
    return loss + 0.5 * rewarding * (reward_size - reward).square()
