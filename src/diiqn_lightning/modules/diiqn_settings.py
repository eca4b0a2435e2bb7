"""Settings of :class:`diiqn_lightning.modules.DIIQN`: its loss, how it fades, and what does not go together."""

from dataclasses import dataclass

import torch
from torch import Tensor

from diiqn_lightning.algorithm.losses import action_value, large_margin_loss, lower_bound_loss
from diiqn_lightning.algorithm.schedules import LinearSchedule
from diiqn_lightning.errors import InputError, require_within
from diiqn_lightning.modules.carry_over import CarryOver
from diiqn_lightning.modules.outgrowing import Outgrown

TD_WEIGHTS = ("confidence", "certainty", "both")


@dataclass(frozen=True)
class ExpertLoss:
    """Weights of the terms of L_e; a term of weight 0 is not computed.

    Args:
        td: double-DQN TD loss on (s_e, a_e, r_e, s'_e).
        margin: large-margin loss (Hester et al., 2018) on (s_e, a_e).
        margin_size: m of the large margin, in units of return.
        margin_shape: linear (as published) or squared (½ of its square). Under a linear margin every violation
            pulls alike, until the network has memorised even those choices of the expert that hardly matter; under
            a squared one an action that is nearly as good pulls little, and one whose value is far off, because
            nobody ever tried it, pulls much (design choice).
        td_weight: what weighs the td term: confidence (Φ, as the other terms), certainty (ζ alone: a transition
            with the right labels misleads no TD error, however bad its expert is) or both (Φ · ζ: a dataset that is
            learned from again and again holds an agent back that has come further). The last two are design choices
            and need the combination add.
        imitation_weight: what weighs the margin and the lower bound: confidence (Φ) or certainty (Φ · ζ: a
            label that is a guess is imitated less; design choice).
        lower_bound: squared positive gap between the expert's inferred discounted return and
            Q(s_e, a_e) (Oh et al., 2018).
    """

    td: float = 0.0
    margin: float = 1.0
    margin_size: float = 0.2
    margin_shape: str = "linear"
    td_weight: str = "confidence"
    imitation_weight: str = "confidence"
    lower_bound: float = 0.0

    def __post_init__(self) -> None:
        for field in ("td", "margin", "margin_size", "lower_bound"):
            if getattr(self, field) < 0:
                raise InputError(f"model.expert_loss.{field}", getattr(self, field), "give 0 or a larger number")
        if self.margin_shape not in ("linear", "squared"):
            raise InputError("model.expert_loss.margin_shape", self.margin_shape, "choose linear or squared")
        if self.td_weight not in TD_WEIGHTS:
            raise InputError("model.expert_loss.td_weight", self.td_weight, f"choose one of {', '.join(TD_WEIGHTS)}")
        if self.imitation_weight not in TD_WEIGHTS[:2]:
            raise InputError(
                "model.expert_loss.imitation_weight", self.imitation_weight, "choose confidence or certainty"
            )

    def weigh_td(self, confidence: Tensor, certainty: Tensor) -> Tensor:
        """Weight of the TD term of each sample, by Φ and ζ, ``[B]`` each."""
        if self.td_weight == "both":
            return confidence * certainty
        return confidence if self.td_weight == "confidence" else certainty

    def imitation(self, q: Tensor, action: Tensor, expert_return: Tensor) -> Tensor:
        """L_e of each sample without its TD term, ``[B]``.

        Args:
            q: Q(s_e, ·), ``[B, A]``.
            action: a_e, ``[B]`` int64.
            expert_return: G_e, ``[B]``.
        """
        loss = torch.zeros_like(q[:, 0])
        if self.margin:
            violation = large_margin_loss(q, action, self.margin_size)
            loss = loss + self.margin * (violation if self.margin_shape == "linear" else 0.5 * violation.square())
        if self.lower_bound:
            loss = loss + self.lower_bound * lower_bound_loss(action_value(q, action), expert_return)
        return loss


@dataclass(frozen=True)
class Fading:
    """Factors on what is learned from the expert, by environment frames (design choice).

    An old dataset, learned from hundreds of times, in the end holds an agent back that has come further; what was
    cloned is lost where imitation fades before values are right (docs/research.md). Where both factors have come to 0,
    an update learns nothing of the expert's any more, but for shaping's potential, nor does the labeller.

    Args:
        td: of the TD term; null leaves it at 1.
        imitation: of the margin and the lower bound; null leaves it at 1. Φ itself, and the exploration that trusts in
            it, stay.
        outgrown: of imitation on top of that, once the agent is about as good as the expert. Φ alone can hold it at
            that level, where it is ½. null never lets go for good.
    """

    td: LinearSchedule | None = None
    imitation: LinearSchedule | None = None
    outgrown: Outgrown | None = None

    def __post_init__(self) -> None:
        for name in ("td", "imitation"):
            if (schedule := getattr(self, name)) is not None:
                ends = {f"model.fading.{name}.start": schedule.start, f"model.fading.{name}.end": schedule.end}
                require_within(0, 1, **ends)

    def shares(self, frames: int) -> tuple[float, float]:
        """Factors of the TD term and of imitation after so many environment frames."""
        td, imitation = (1.0 if part is None else part(frames) for part in (self.td, self.imitation))
        return td, imitation


def check_combination(
    combination: str,
    priority: str,
    expert_loss: ExpertLoss,
    expert_weight: float,
    fading: Fading | None,
    carry_over: CarryOver | None,
) -> None:
    """Refuse ways of combining both losses that do not exist, or that do not go with the other settings.

    Args:
        combination, priority, expert_loss, expert_weight, fading, carry_over: arguments of
            :class:`diiqn_lightning.modules.DIIQN`.

    Raises:
        InputError: that names the field.
    """
    for field, value, choices in (
        ("combination", combination, ("mix", "add")),
        ("priority", priority, ("agent", "mixed")),
    ):
        if value not in choices:
            raise InputError(f"model.{field}", value, f"choose {' or '.join(choices)}")
    if priority == "mixed" and not expert_loss.td:
        raise InputError("model.priority", priority, "choose agent, or give model.expert_loss.td a weight")
    if combination == "add":
        return
    if expert_loss.td_weight != "confidence":
        raise InputError(
            "model.expert_loss.td_weight", expert_loss.td_weight, "choose confidence, or the combination add"
        )
    if fading is not None:
        raise InputError("model.fading", fading, "choose null, or the combination add: a mixture cannot fade in part")
    # What lowers the expert's part of a mixture would leave the agent's as low as Φ has it.
    if carry_over is not None:
        raise InputError("model.carry_over", carry_over, "choose null, or the combination add")
    if expert_loss.imitation_weight != "confidence":
        raise InputError(
            "model.expert_loss.imitation_weight",
            expert_loss.imitation_weight,
            "choose confidence, or the combination add",
        )
    if expert_weight != 1:
        raise InputError("model.expert_weight", expert_weight, "choose 1, or the combination add")
