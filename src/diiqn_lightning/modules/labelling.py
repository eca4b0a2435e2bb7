"""Training of the network that labels the expert's transitions."""

from dataclasses import dataclass
from typing import Any

from tensordict import TensorDictBase
from torch import Tensor

from diiqn_lightning import keys
from diiqn_lightning.errors import InputError, require_positive
from diiqn_lightning.labeller import InverseModel, Transitions


@dataclass(frozen=True)
class LabellerSettings:
    """A network that learns from the agent's transitions to label the expert's.

    Args:
        hidden: widths of its hidden linear layers; null chooses them by the observation.
        learning_rate: of its parameter group.
        transitions: of each batch of updates, how many the labeller learns from; null takes all. Labels are learned
            long before values are, and each transition of the labeller's costs as much as three of the agent's.
        prior: of the actions in a state, by which it labels: behaviour (the agent's own, as it comes with its
            transitions) or uniform. By its own, an agent that explores little teaches its labeller that whatever is
            done in a state is what the agent itself does there: where the expert does something else, that passes
            for a sticky action, and where states do not tell actions apart, a habit passes for certainty. Under
            uniform the labeller learns p(a | s, s') ∝ π_b(a | s) · p(s' | s, a) and labels without the first factor:
            log π_b is added to its outputs in the loss alone (logit adjustment, Menon et al., 2021; its use here is a
            design choice).
        until: environment frames after which it learns no more; null goes on.
    """

    hidden: list[int] | None = None
    learning_rate: float = 1e-3
    prior: str = "behaviour"
    until: int | None = None
    transitions: int | None = None

    def __post_init__(self) -> None:
        if self.transitions is not None and self.transitions < 1:
            raise InputError(
                "model.labeller.transitions", self.transitions, "give a whole number of at least 1, or null"
            )
        require_positive(**{"model.labeller.learning_rate": self.learning_rate})
        if self.until is not None and self.until < 1:
            raise InputError("model.labeller.until", self.until, "give a whole number of at least 1, or null")
        if self.prior not in ("behaviour", "uniform"):
            raise InputError("model.labeller.prior", self.prior, "choose behaviour or uniform")


def labeller_losses(
    labeller: InverseModel, settings: LabellerSettings, batch: TensorDictBase, frames: int
) -> dict[str, Tensor]:
    """Mean loss over the agent's transitions of a batch ``[U, B]``, by its name; none when it learns no more.

    Args:
        labeller: the network.
        settings: its settings.
        batch: the agent's transitions.
        frames: environment frames so far.
    """
    if settings.until is not None and frames > settings.until:
        return {}
    transition = (keys.OBSERVATION, keys.ACTION, keys.REWARD, keys.NEXT_OBSERVATION, keys.TERMINATED)
    some = slice(settings.transitions)
    transitions = Transitions(*(batch.get(key).flatten(0, 1)[some] for key in transition))
    log_prior: Tensor | float = 0.0
    if settings.prior == "uniform":
        # An action that is never taken never comes: how far its probability is above 0 does not matter.
        log_prior = batch.get(keys.BEHAVIOUR).flatten(0, 1)[some].clamp(min=1e-6).log()
    return {"loss/labeller": labeller.loss(transitions, log_prior).mean()}


def labeller_group(labeller: InverseModel, settings: LabellerSettings) -> dict[str, Any]:
    """Its parameter group."""
    return {"params": list(labeller.parameters()), "lr": settings.learning_rate}
