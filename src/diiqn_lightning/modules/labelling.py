"""Training of the network that labels the expert's transitions."""

from dataclasses import dataclass
from typing import Any

from tensordict import TensorDictBase
from torch import Tensor

from diiqn_lightning import keys
from diiqn_lightning.algorithm.losses import uniform_behaviour_weight
from diiqn_lightning.errors import InputError, require_positive
from diiqn_lightning.labeller import InverseModel, Transitions

LONGEST_HISTORY = 64
"""States before a transition that a labeller may see: the network's input and what a batch takes grow with them."""

TAUGHT_ENOUGH = 0.9
"""Share of the agent's transitions that have to teach a labeller about actions, lest it learns a few by heart and the
labels drift (design choice; measured in docs/research.md)."""

TAUGHT_RATE = 0.01
"""Share of the newest transitions, 256 at most, in a labeller's running share of those that teach it about actions."""


@dataclass(frozen=True)
class LabellerSettings:
    """A network that learns from the agent's transitions to label the expert's.

    Args:
        hidden: widths of its hidden linear layers; null chooses them by the observation.
        learning_rate: of its parameter group.
        transitions: of those that are learned from at a time, 256 or, with few environments, an update's or two, how
            many the labeller learns from; null takes all. Labels are learned long before values are, and each
            transition of the labeller's costs as much as three of the agent's.
        settled_transitions: the same once the agent explores too little to teach about actions (see
            ``largest_action_weight``), and only rewards and terminations are still learned; null changes nothing.
        largest_action_weight: transitions weigh 1 / (A · π_b(a | s)) in the loss of the action, and nothing
            where some action's weight would be larger than this; null weighs all alike. An agent that explores
            little would else teach its labeller that whatever is done in a state is what the agent itself does
            there: where the expert does something else, that would pass for a sticky action (design choice).
        until: environment frames after which it learns no more; null goes on. What an agent that no longer explores
            does in a state is always the same: to learn on from that is to forget what other actions do (design
            choice).
        history: H, states before s that the network sees beside (s, s'), for environments whose states hide what a
            move depends on (design choice). It takes more of the agent's transitions to learn from: an expert's ways
            look like none of a beginner's.
    """

    hidden: list[int] | None = None
    learning_rate: float = 1e-3
    largest_action_weight: float | None = None
    transitions: int | None = None
    settled_transitions: int | None = None
    until: int | None = None
    history: int = 0

    def __post_init__(self) -> None:
        for field in ("transitions", "settled_transitions", "until"):
            if (number := getattr(self, field)) is not None and number < 1:
                raise InputError(f"model.labeller.{field}", number, "give a whole number of at least 1, or null")
        require_positive(**{"model.labeller.learning_rate": self.learning_rate})
        if not 0 <= self.history <= LONGEST_HISTORY:
            raise InputError("model.labeller.history", self.history, f"give a whole number from 0 to {LONGEST_HISTORY}")
        largest = self.largest_action_weight
        if largest is not None and not largest >= 1:
            raise InputError("model.labeller.largest_action_weight", largest, "give 1 or a larger number, or null")


def labeller_losses(
    labeller: InverseModel, settings: LabellerSettings, batch: TensorDictBase, num_actions: int, frames: int
) -> dict[str, Tensor]:
    """Mean loss over the agent's transitions by its name; none when it learns no more.

    Args:
        labeller: the network.
        settings: its settings.
        batch: the agent's transitions, ``[U, B]`` or ``[B]``.
        num_actions: A.
        frames: environment frames so far.
    """
    if settings.until is not None and frames > settings.until:
        return {}
    transition = (keys.OBSERVATION, keys.ACTION, keys.REWARD, keys.NEXT_OBSERVATION, keys.TERMINATED)
    settled = settings.settled_transitions is not None and not is_taught(labeller)
    some = slice(settings.settled_transitions if settled else settings.transitions)
    last = batch.batch_dims - 1
    found = [batch.get(key).flatten(0, last)[some] for key in transition]
    history = batch.get(keys.HISTORY).flatten(0, last)[some] if settings.history else None
    transitions = Transitions._make([*found, history])
    weight: Tensor | float = 1.0
    if settings.largest_action_weight is not None:
        probability = batch.get(keys.BEHAVIOUR_PROBABILITY).flatten(0, last)[some]
        weight = uniform_behaviour_weight(probability, num_actions, settings.largest_action_weight)
        rate = 1 - (1 - TAUGHT_RATE) ** max(1, batch.numel() / 256)
        labeller.taught.lerp_((weight > 0).float().mean(), rate)
    return {"loss/labeller": labeller.loss(transitions, weight).mean()}


def is_taught(labeller: InverseModel) -> bool:
    """Whether the agent still explores enough to teach it about actions."""
    return float(labeller.taught) >= TAUGHT_ENOUGH


def labeller_group(labeller: InverseModel, settings: LabellerSettings) -> dict[str, Any]:
    """Its parameter group; what decays the Q-network's weights is no matter of the labeller's."""
    return {"params": list(labeller.parameters()), "lr": settings.learning_rate, "weight_decay": 0.0}
