"""How long an agent has been as good as its expert."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from diiqn_lightning.errors import InputError, require_positive


@dataclass(frozen=True)
class Outgrown:
    """When an agent has outgrown its expert (design choice).

    A confidence in the expert falls where the agent passes it and rises where it falls back, which holds an agent at
    its expert's level. What is counted here never comes back.

    Args:
        frames: environment frames that count, over which imitation falls from 1 to 0.
        lead: of the expert over the agent's last episodes, in standard deviations of the expert's; frames at which it
            is smaller count. At 0 the agent has to be better; above, it is let go a little sooner: exploration lowers
            its returns, and it is better than they say.
    """

    frames: int
    lead: float = 0.0

    def __post_init__(self) -> None:
        require_positive(**{"model.fading.outgrown.frames": self.frames})
        if not self.lead < 1:
            remedy = "give a number below 1: until its first episodes have ended a beginner is taken to be 1 behind"
            raise InputError("model.fading.outgrown.lead", self.lead, remedy)


class Outgrowing(nn.Module):
    """Counts an agent's frames near its expert's level or above; its state is in the checkpoint.

    Args:
        settings: which frames count, and how many.
    """

    counted: Tensor
    """Frames that count, and the run's frames at the last look: ``[2]`` float32, which holds them exactly
    beyond a hundred million: they come in whole chunks."""

    def __init__(self, settings: Outgrown) -> None:
        super().__init__()
        self.settings = settings
        self.register_buffer("counted", torch.zeros(2))

    def begin_anew(self, frames: int) -> None:
        """As if no frame had counted up to ``frames`` of the run: nobody may have looked for long."""
        self.counted.copy_(torch.tensor([0, frames]))

    @property
    def share(self) -> float:
        """What is left of imitation, from 1 down to 0."""
        return max(0.0, 1 - float(self.counted[0]) / self.settings.frames)

    def look(self, lead: float, frames: int) -> None:
        """Count the frames since the last look.

        Args:
            lead: of the expert over the agent's last episodes, in the expert's standard deviations; 0 while its
                returns are not known.
            frames: environment frames of the run so far.
        """
        if lead < self.settings.lead and lead != 0:
            self.counted[0] += frames - self.counted[1]
        self.counted[1] = frames
