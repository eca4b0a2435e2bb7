"""Settings of :class:`diiqn_lightning.modules.DIIQN`: its loss and its labeller."""

from dataclasses import dataclass

from diiqn_lightning.errors import InputError, require_positive


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
        td_weight: what weighs the td term: confidence (Φ, as the other terms) or certainty (ζ alone). A
            transition with the right labels misleads no TD error, however bad its expert is
            (design choice; needs the combination add).
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
        for field in ("td_weight", "imitation_weight"):
            if getattr(self, field) not in ("confidence", "certainty"):
                raise InputError(f"model.expert_loss.{field}", getattr(self, field), "choose confidence or certainty")


@dataclass(frozen=True)
class LabellerSettings:
    """A network that learns from the agent's transitions to label the expert's.

    Args:
        hidden: widths of its hidden linear layers; null chooses them by the observation.
        learning_rate: of its parameter group.
        transitions: of each batch of updates, how many the labeller learns from; null takes all. Labels are learned
            long before values are, and each transition of the labeller's costs as much as three of the agent's.
        largest_action_weight: transitions weigh 1 / (A · π_b(a | s)) in the loss of the action, at most this
            much; null weighs all alike. An agent that explores little would else teach its labeller that
            whatever is done in a state is what the agent itself does there: where the expert does something
            else, that would pass for a sticky action (design choice).
    """

    hidden: list[int] | None = None
    learning_rate: float = 1e-3
    largest_action_weight: float | None = None
    transitions: int | None = None

    def __post_init__(self) -> None:
        if self.transitions is not None and self.transitions < 1:
            raise InputError(
                "model.labeller.transitions", self.transitions, "give a whole number of at least 1, or null"
            )
        require_positive(**{"model.labeller.learning_rate": self.learning_rate})
        largest = self.largest_action_weight
        if largest is not None and not largest >= 1:
            raise InputError("model.labeller.largest_action_weight", largest, "give 1 or a larger number, or null")
