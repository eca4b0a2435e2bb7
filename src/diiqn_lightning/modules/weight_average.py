"""The mean of a network's weights over the last frames."""

import copy
import math

import torch
from torch import nn

from diiqn_lightning.errors import InputError

SHARE_OF_A_RUN = 5
"""The mean reaches back over a fifth of the frames so far at most: what a network begins with is soon forgotten."""


class WeightAverage(nn.Module):
    """A network whose weights are an exponential moving average of another one's (Polyak and Juditsky, 1992).

    Weights that are learned with a constant or a slowly falling rate swing about where they are going, and the policy
    swings with them; their mean over many updates is closer to it than any of them. A weight of the mean moves by
    1 − exp(−n / N) of the difference after n frames, so that N frames ago counts 1 / e of now, however many updates and
    environments these frames are (design choice).

    Args:
        network: to copy and to follow.
        frames: N, environment frames that the mean reaches back.

    Raises:
        InputError: if ``frames`` is not positive.
    """

    def __init__(self, network: nn.Module, frames: int) -> None:
        super().__init__()
        if frames < 1:
            raise InputError("model.averaging", frames, "give a number of frames of at least 1, or null")
        self.frames, self.followed_to = frames, 0
        self.network = copy.deepcopy(network).requires_grad_(False)

    @torch.no_grad()
    def follow(self, network: nn.Module, frames: int) -> None:
        """Take in a network's weights.

        Args:
            network: of the same shapes.
            frames: environment frames of the run so far.
        """
        reach = min(self.frames, frames / SHARE_OF_A_RUN)
        share = -math.expm1(-(frames - self.followed_to) / reach)
        torch._foreach_lerp_(list(self.network.parameters()), list(network.parameters()), share)
        self.followed_to = frames
