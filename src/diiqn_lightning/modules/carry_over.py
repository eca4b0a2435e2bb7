"""How far imitation deserves its weight: does it carry over to unseen states, and are there labels to imitate?"""

from dataclasses import dataclass

import torch
from tensordict import TensorDictBase
from torch import Tensor, nn

from diiqn_lightning import keys
from diiqn_lightning.errors import InputError, require_positive, require_within


@dataclass(frozen=True)
class CarryOver:
    """Imitate as far as imitation carries over to states that it has not seen.

    The agent's agreement with the expert is measured, above chance, on transitions that the imitation terms learn
    from and on held-out ones (``expert_sampling.held_out``). Where the second falls behind the first, the network
    memorises choices that hardly matter, and its own values pay for it: the terms then lose weight until it stops
    (design choice; measured in docs/research.md).

    Where states hardly tell actions apart, the labels of an expert are mostly guesses, and what carries over is the
    guessing. Values may be so close there that even a small weight decides every action. The terms therefore weigh
    nothing as long as the labels' mean certainty ζ̄ is below ``certain_from``.

    Args:
        none_below: carry-over, held-out agreement over the other one, below which the terms weigh nothing.
        full_from: carry-over from which they weigh as much as Φ says; in between, the weight rises linearly.
        certain_from: ζ̄ from which the terms weigh anything.
        rate: share of the newest 32 transitions in the running means of both agreements and of ζ.
    """

    none_below: float = 0.7
    full_from: float = 0.85
    certain_from: float = 0.0
    rate: float = 0.005

    def __post_init__(self) -> None:
        require_positive(**{"model.carry_over.rate": self.rate})
        require_within(0, 1, **{"model.carry_over.certain_from": self.certain_from})
        if not 0 <= self.none_below < self.full_from:
            raise InputError(
                "model.carry_over.none_below",
                self.none_below,
                f"give a number from 0 to below full_from, which is {self.full_from}",
            )


class CarryOverMeter(nn.Module):
    """Follows the carry-over of a run; its state is in the checkpoint.

    Args:
        settings: what follows from it.
        num_actions: A.
    """

    agreement: Tensor
    """Running share of expert transitions whose action the agent would take: held-out ones, the others. ``[2]``."""

    certainty: Tensor
    """ζ̄, the running mean of the certainty of labels; a scalar."""

    def __init__(self, settings: CarryOver, num_actions: int) -> None:
        super().__init__()
        self.settings, self.chance = settings, 1 / num_actions
        self.register_buffer("agreement", torch.ones(2))
        self.register_buffer("certainty", torch.zeros(()))

    def begin_anew(self) -> None:
        """As nothing had been measured."""
        self.agreement.fill_(1)
        self.certainty.zero_()

    @property
    def carry_over(self) -> Tensor:
        """Agreement on held-out transitions over agreement on the others, both above chance; a scalar."""
        held_out, learned = (self.agreement - self.chance).clamp(min=1e-3)
        ratio: Tensor = held_out / learned
        return ratio

    @property
    def weight(self) -> Tensor:
        """What the imitation terms are multiplied by, a scalar in [0, 1]."""
        low, high = self.settings.none_below, self.settings.full_from
        share = ((self.carry_over - low) / (high - low)).clamp(0, 1)
        return torch.where(self.certainty >= self.settings.certain_from, share, 0.0)

    def measure(self, batch: TensorDictBase) -> None:
        """Follow the updates of a batch ``[U, B]``.

        Raises:
            InputError: if nothing was held out.
        """
        if keys.EXPERT_HELD_OUT not in batch.keys(True):
            raise InputError(
                "expert_sampling.held_out", 0, "give a share of the episodes, from which model.carry_over is measured"
            )
        agrees, valid = batch.get(keys.EXPERT_AGREES), batch.get(keys.EXPERT_VALID)
        held_out = batch.get(keys.EXPERT_HELD_OUT)
        rate = 1 - (1 - self.settings.rate) ** (batch.numel() / 32)
        if bool(valid.any()):
            self.certainty.lerp_(batch.get(keys.EXPERT).get("inference_confidence")[valid].mean(), rate)
        for number, among in enumerate((valid & held_out, valid & ~held_out)):
            if bool(among.any()):
                self.agreement[number].lerp_(agrees[among].float().mean(), rate)
