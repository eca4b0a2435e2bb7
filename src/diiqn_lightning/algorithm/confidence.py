"""The confidence Φ in the expert, formula by formula (arXiv 2511.03616), and the rules built of them.

All arguments and results are ``[B]`` float tensors unless said.
"""

import math
from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor

from diiqn_lightning.algorithm.losses import action_value
from diiqn_lightning.errors import InputError, require_positive, require_within


def q_divergence(q_expert_action: Tensor, q_agent_action: Tensor, beta: float) -> Tensor:
    """ΔQ(s_e, a_e, a_a) = σ(β · [Q(s_e, a_e) − Q(s_e, a_a)]), in (0, 1).

    Above ½ where the agent's own Q-values prefer the expert's action to its own.

    Args:
        q_expert_action: Q(s_e, a_e).
        q_agent_action: Q(s_e, a_a).
        beta: steepness β ≥ 0, per unit of return.
    """
    return torch.sigmoid(beta * (q_expert_action - q_agent_action))


def training_frequency(count: Tensor, count_max: float) -> Tensor:
    """δ(s_e) = log(1 + min(c, c_max)) / log(1 + c_max), in [0, 1].

    Args:
        count: c, how often that expert state was trained on.
        count_max: c_max > 0, where δ reaches 1.
    """
    return torch.log1p(count.clamp(max=count_max)) / math.log1p(count_max)


def inference_confidence(error: Tensor, error_max: float) -> Tensor:
    """ζ(s_e) = 1 − err / err_max, clipped to [0, 1]; 0 where no action is known (err = +inf).

    Args:
        error: err, distance of the closest agent transition, in the units of the distance.
        error_max: err_max > 0, in the same units.
    """
    return (1 - error / error_max).clamp(0, 1)


def published_confidence(divergence: Tensor, frequency: Tensor, inference: Tensor) -> Tensor:
    """Φ = min(ΔQ · δ, ζ), in [0, 1]."""
    return torch.minimum(divergence * frequency, inference)


def return_confidence(expert_return: Tensor, value: Tensor, beta: float) -> Tensor:
    """Φ_G = σ(β · [G_e − max_a Q(s_e, a)]), in (0, 1) (design choice).

    High where the expert demonstrably earned more than the agent expects of itself; falls by itself
    as the agent improves. A soft form of the Q-filter of Nair et al., 2018, on inferred returns.

    Args:
        expert_return: G_e, the expert's inferred discounted return from s_e to its episode's end.
        value: max_a Q(s_e, a).
        beta: steepness β ≥ 0, per unit of return.
    """
    return torch.sigmoid(beta * (expert_return - value))


class Evidence(NamedTuple):
    """What a confidence may be computed from.

    Args:
        q: Q(s_e, ·) of the online network without gradient, ``[B, A]``: the values that the agent acts by.
        rated: the values of all actions at s_e that targets use, ``[B, A]``: Q itself, or the value head's.
        value: V(s_e), the value of the action that the agent would take there.
        deviation: standard deviation of that value over the value heads; 0 for fewer than two.
        expert_action: a_e, ``[B]`` int64.
        agent_action: a_a, the action of the sampled agent transition, ``[B]`` int64.
        visits: c.
        certainty: ζ.
        expert_return: G_e.
        expert_target: TD target of the expert's transition, n steps along its trajectory; G_e where nothing needs it.
        lead: the expert's lead in return over the agent's recent episodes, in its standard deviations.
    """

    q: Tensor
    rated: Tensor
    value: Tensor
    deviation: Tensor
    expert_action: Tensor
    agent_action: Tensor
    visits: Tensor
    certainty: Tensor
    expert_return: Tensor
    expert_target: Tensor
    lead: Tensor


class Confidence(ABC):
    """A rule that gives Φ in [0, 1], ``[B]``.

    A class of its own and not a dataclass: configurations then always name the rule, and two rules
    with the same fields stay apart.
    """

    asks_replayed_action: bool = False
    """Whether it compares with the action of the agent's transition that was sampled beside the expert's."""

    asks_target: bool = False
    """Whether it compares with the TD target of the expert's transition."""

    def check(self, value_heads: int, td: bool) -> None:  # noqa: B027 - most rules ask for nothing
        """Refuse an agent that lacks what the rule asks for.

        Args:
            value_heads: how many it has.
            td: whether its expert loss has a TD term, and so targets.

        Raises:
            InputError: that names what is missing.
        """

    @abstractmethod
    def __call__(self, evidence: Evidence) -> tuple[Tensor, dict[str, Tensor]]:
        """Φ, and its parts by name for the logs."""


class PublishedConfidence(Confidence):
    """Φ = min(ΔQ · δ, ζ), with what the paper leaves open as options.

    Args:
        beta: β of ΔQ.
        count_max: c_max of δ (the paper: 150,000 to 225,000 stable, 100,000 faster).
        frequency_weight: rising (δ) or falling (1 − δ: trust decays with training).
        agent_action: a_a of ΔQ: replayed (the action of the sampled transition) or greedy (the
            agent's present choice at s_e, which caps ΔQ at ½). A draw from the whole dataset needs greedy.
        divergence: false replaces ΔQ by 1 (ablation).
        frequency: false replaces δ by 1 (ablation).
        inference: false leaves ζ out (ablation).
    """

    def __init__(
        self,
        beta: float = 1.0,
        count_max: float = 150_000,
        frequency_weight: str = "rising",
        agent_action: str = "replayed",
        divergence: bool = True,
        frequency: bool = True,
        inference: bool = True,
    ) -> None:
        require_positive(**{"confidence.count_max": count_max})
        for field, value, choices in (
            ("frequency_weight", frequency_weight, ("rising", "falling")),
            ("agent_action", agent_action, ("replayed", "greedy")),
        ):
            if value not in choices:
                raise InputError(f"confidence.{field}", value, f"choose {' or '.join(choices)}")
        self.beta, self.count_max = _steepness(beta), count_max
        self.frequency_weight, self.agent_action = frequency_weight, agent_action
        self.asks_replayed_action = divergence and agent_action == "replayed"
        self.divergence, self.frequency, self.inference = divergence, frequency, inference

    def __call__(self, evidence: Evidence) -> tuple[Tensor, dict[str, Tensor]]:
        """Φ and its three parts."""
        q_expert = action_value(evidence.q, evidence.expert_action)
        greedy = self.agent_action == "greedy"
        q_agent = evidence.q.amax(1) if greedy else action_value(evidence.q, evidence.agent_action)
        delta_q = q_divergence(q_expert, q_agent, self.beta)
        rising = training_frequency(evidence.visits, self.count_max)
        delta = rising if self.frequency_weight == "rising" else 1 - rising
        one = torch.ones_like(delta_q)
        phi = published_confidence(
            delta_q if self.divergence else one,
            delta if self.frequency else one,
            evidence.certainty if self.inference else one,
        )
        return phi, {"expert/q_divergence": delta_q, "expert/training_frequency": delta}


class FixedConfidence(Confidence):
    """Φ is a constant (ablation).

    Args:
        value: in [0, 1].
    """

    def __init__(self, value: float = 1.0) -> None:
        require_within(0, 1, **{"confidence.value": value})
        self.value = value

    def __call__(self, evidence: Evidence) -> tuple[Tensor, dict[str, Tensor]]:
        """The constant."""
        return torch.full_like(evidence.certainty, self.value), {}


class ReturnConfidence(Confidence):
    """Φ_G = σ(β · [G_e − (V(s_e) − κ · s_V)]): trust the expert where it earned more than the agent can be sure of.

    Args:
        beta: β, steepness per unit of return.
        deviations: κ, how many standard deviations s_V over the value heads the agent's value V is lowered by:
            where it is uncertain, the expert is trusted. 0 takes V as it is; more needs several value heads
            (design choice, after the confidence bounds of bootstrapped DQN, Osband et al., 2016).
        horizon: whole (G_e, to the episode's end) or n_step (the expert's TD target: its rewards over
            ``expert_sampling.n_step`` steps and the agent's value from there on, which asks only whether the expert's
            next steps are better; needs the td term; design choice).
    """

    def __init__(self, beta: float = 2.0, deviations: float = 0.0, horizon: str = "whole") -> None:
        if deviations < 0:
            raise InputError("confidence.deviations", deviations, "give 0 or a larger number")
        if horizon not in ("whole", "n_step"):
            raise InputError("confidence.horizon", horizon, "choose whole or n_step")
        self.beta, self.deviations, self.horizon = _steepness(beta), deviations, horizon
        self.asks_target = horizon == "n_step"

    def check(self, value_heads: int, td: bool) -> None:
        """Refuse a spread of fewer than two value heads, and TD targets without a TD term."""
        if self.deviations and value_heads < 2:
            raise InputError("model.value_heads", value_heads, "give at least 2, confidence.deviations is their spread")
        if self.horizon == "n_step" and not td:
            raise InputError(
                "model.confidence.horizon", self.horizon, "give model.expert_loss.td a weight, or choose whole"
            )

    def __call__(self, evidence: Evidence) -> tuple[Tensor, dict[str, Tensor]]:
        """Φ and the gap it comes from."""
        value = evidence.value - self.deviations * evidence.deviation
        expert_return = evidence.expert_target if self.asks_target else evidence.expert_return
        phi = return_confidence(expert_return, value, self.beta)
        return phi, {"expert/return_gap": expert_return - value, "expert/value_deviation": evidence.deviation}


class EpisodeConfidence(Confidence):
    """Φ_J = σ(β · [(J_E − J_A) / s_E − l₀] + β_Q · [Q(s_e, a_e) − max_a Q(s_e, a)]).

    Trust the expert as long as its episodes end better than the agent's; at equal returns, trust it where
    the agent's own values do not contradict it. J_E and s_E are mean and standard deviation of the expert's
    inferred episode returns, J_A is the mean return of the agent's recent training episodes, and Q are the
    values that targets use (design choice; the second term is the published ΔQ against the greedy action,
    as log-odds). What the agent really earned needs no Q-values, which overrate the agent early, when an
    expert is needed most.

    Args:
        beta: β, steepness per standard deviation.
        half_at: l₀, the lead of the expert, in its standard deviations, at which Φ is ½. Above 0 the agent is
            let go before it has reached the expert.
        value_beta: β_Q, steepness per unit of return; 0 leaves the agent's values out.
    """

    def __init__(self, beta: float = 3.0, half_at: float = 0.0, value_beta: float = 0.0) -> None:
        self.beta, self.half_at, self.value_beta = _steepness(beta), half_at, _steepness(value_beta)

    def __call__(self, evidence: Evidence) -> tuple[Tensor, dict[str, Tensor]]:
        """Φ, the lead and the disadvantage of the expert's action that it comes from."""
        disadvantage = action_value(evidence.rated, evidence.expert_action) - evidence.rated.amax(1)
        phi = torch.sigmoid(self.beta * (evidence.lead - self.half_at) + self.value_beta * disadvantage)
        return phi, {"expert/lead": evidence.lead, "expert/disadvantage": disadvantage}


def _steepness(beta: float) -> float:
    if beta < 0:
        raise InputError("confidence.beta", beta, "give 0 or a larger number")
    return beta
