"""How long an agent has been better than its expert."""

import torch
from torch import Tensor, nn


class Outgrowing(nn.Module):
    """Counts frames in which the agent's last episodes are better than the expert's; its state is in the checkpoint.

    Design choice: a confidence in the expert falls where the agent passes it and rises where it falls back, which holds
    an agent at its expert's level. What is counted here never comes back.

    Args:
        frames: N, after which nothing is left to imitate.
        below: lead of the expert, in its standard deviations, below which a frame counts.
    """

    counted: Tensor
    """Frames at which the agent was as good, and the run's frames at the last look: ``[2]`` float64."""

    def __init__(self, frames: int, below: float = 0.0) -> None:
        super().__init__()
        self.frames, self.below = frames, below
        self.register_buffer("counted", torch.zeros(2, dtype=torch.float64))

    @property
    def share(self) -> float:
        """What is left of imitation, from 1 down to 0."""
        return max(0.0, 1 - float(self.counted[0]) / self.frames)

    def look(self, lead: float, frames: int) -> None:
        """Count the frames since the last look.

        Args:
            lead: of the expert over the agent's last episodes, in the expert's standard deviations; 0 while its
                returns are not known.
            frames: environment frames of the run so far.
        """
        if lead < self.below and lead != 0:
            self.counted[0] += frames - self.counted[1]
        self.counted[1] = frames
