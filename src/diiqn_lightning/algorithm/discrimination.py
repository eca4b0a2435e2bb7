"""Telling an expert's transitions from an agent's, and the rewards that this makes.

A discriminator gives a logit l of each transition; D = σ(l) is how probable it calls the expert. (The adversarial
papers differ in which of the two they call 1; here it is the expert throughout.)
"""

import torch
from torch import Tensor
from torch.nn.functional import softplus

REWARDS = ("logit", "survival", "step_cost", "probability")


def adversarial_loss(expert_logit: Tensor, agent_logit: Tensor) -> Tensor:
    """Cross-entropy: −E_expert[log D] − E_agent[log(1 − D)].

    Torabi et al., 2018, "Generative Adversarial Imitation from Observation", eq. 8, as a loss and with the expert as 1.

    Args:
        expert_logit: ``[N]``.
        agent_logit: ``[M]``.

    Returns:
        A scalar.
    """
    return softplus(-expert_logit).mean() + softplus(agent_logit).mean()


def positive_unlabelled_loss(expert_logit: Tensor, unlabelled_logit: Tensor, prior: float) -> Tensor:
    """η · E_E[−log R] + E_U[−log(1 − R)] − η · E_E[−log(1 − R)].

    Zolna et al., 2020, "Offline Learning from Demonstrations and Unlabeled Experience", eq. 3. Among the unlabelled
    transitions a share of η is as good as the expert's: what they add to the loss of "not the expert" is taken off
    again. The loss has no lower bound: the expert's logits are pushed up by a constant η, which R = σ(l) and a
    gradient penalty keep harmless. (Kiryo et al., 2017, cut the last two terms off at 0: then the
    unlabelled ones are no longer pushed down once the expert is known well, and R stays high for all.)

    Args:
        expert_logit: ``[N]``.
        unlabelled_logit: ``[M]``.
        prior: η in [0, 1].

    Returns:
        A scalar.
    """
    negative = softplus(unlabelled_logit).mean() - prior * softplus(expert_logit).mean()
    return prior * softplus(-expert_logit).mean() + negative


def gradient_penalty(logit: Tensor, features: Tensor) -> Tensor:
    """Mean of (‖∂l/∂x‖ − 1)²: keeps a discriminator from telling two sets apart by ever steeper steps.

    Gulrajani et al., 2017, "Improved Training of Wasserstein GANs", eq. 3, here under a cross-entropy as in
    Kostrikov et al., 2019, "Discriminator-Actor-Critic".

    Args:
        logit: of ``features``, ``[B]``.
        features: ``[B, …]``, of a graph that leads to ``logit``.

    Returns:
        A scalar.
    """
    (slope,) = torch.autograd.grad(logit.sum(), features, create_graph=True)
    return torch.as_tensor((slope.flatten(1).norm(dim=1) - 1).square().mean())


def imitation_reward(logit: Tensor, form: str) -> Tensor:
    """Reward of a transition by its logit.

    - ``logit``: log D − log(1 − D), of either sign (Fu et al., 2018): no length of an episode is rewarded as such.
    - ``survival``: −log(1 − D), never negative (Ho and Ermon, 2016): each step more pays.
    - ``step_cost``: log D, never positive (the cost of GAIfO's paper, negated): each step more costs.
    - ``probability``: D in (0, 1) (ORIL).

    Args:
        logit: any shape.
        form: one of :data:`REWARDS`.

    Returns:
        The same shape.
    """
    if form == "logit":
        return logit
    if form == "survival":
        return softplus(logit)
    if form == "step_cost":
        return -softplus(-logit)
    return torch.sigmoid(logit)
