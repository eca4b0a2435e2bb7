"""Q-networks, chosen by the observation's shape."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from diiqn_lightning.errors import InputError


def as_features(observation: Tensor) -> Tensor:
    """Observation to float32: booleans to 0 and 1, bytes (pixels) to [0, 1], numbers as they are.

    Args:
        observation: any shape; bool, uint8, or a number type.

    Returns:
        The same shape, float32.
    """
    if observation.dtype == torch.uint8:
        return observation.float() / 255
    return observation.float()


class QNetwork(nn.Module):
    """State-action values Q(s, ·) of all actions at once.

    Images (``[height, width, channels]``) go through one 3×3 convolution of 16 channels and a
    linear layer of 128, the network of the published MinAtar DQN; vectors through two linear
    layers (design choice: the CartPole setting that most libraries share).

    Args:
        observation_shape: shape of one observation: ``[H, W, C]`` or ``[D]``.
        num_actions: number of discrete actions.
        channels: convolution channels (images only).
        hidden: width of each hidden linear layer, from the input to the output. ``None``: ``[128]``
            for images and ``[128, 128]`` for vectors.

    Raises:
        InputError: for shapes that are neither an image nor a vector, images smaller than 3×3, and
            sizes below 1.
    """

    def __init__(
        self,
        observation_shape: Sequence[int],
        num_actions: int,
        channels: int = 16,
        hidden: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        widths = list(hidden) if hidden is not None else ([128] if len(observation_shape) == 3 else [128, 128])
        for name, size in (("num_actions", num_actions), ("channels", channels), *(("hidden", w) for w in widths)):
            if size < 1:
                raise InputError(name, size, "give a whole number of at least 1")
        self.encoder: nn.Module
        if len(observation_shape) == 3:
            height, width, planes = observation_shape
            if min(height, width) < 3:
                raise InputError(
                    "observation_shape", tuple(observation_shape), "use images of at least 3×3, or flatten them"
                )
            self.encoder = ImageEncoder(planes, channels)
            size = channels * (height - 2) * (width - 2)
        elif len(observation_shape) == 1:
            self.encoder = nn.Identity()
            size = observation_shape[0]
        else:
            raise InputError(
                "observation_shape",
                tuple(observation_shape),
                "give an image [height, width, channels] or a vector; flatten other observations",
            )
        layers: list[nn.Module] = []
        for width in widths:
            layers += [nn.Linear(size, width), nn.ReLU()]
            size = width
        self.trunk = nn.Sequential(*layers)
        self.head = nn.Linear(size, num_actions)

    def features(self, observation: Tensor) -> Tensor:
        """Last hidden layer, ``[B, *O]`` to ``[B, hidden[-1]]``."""
        return cast(Tensor, self.trunk(self.encoder(as_features(observation))))

    def forward(self, observation: Tensor) -> Tensor:
        """Q-values, ``[B, *O]`` to ``[B, num_actions]`` float32."""
        return cast(Tensor, self.head(self.features(observation)))


class ImageEncoder(nn.Module):
    """One 3×3 convolution over images that come as ``[B, H, W, C]``; returns ``[B, channels·(H−2)·(W−2)]``."""

    def __init__(self, planes: int, channels: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(planes, channels, kernel_size=3)

    def forward(self, image: Tensor) -> Tensor:
        # [B, H, W, C] seen as [B, C, H, W] is torch's channels-last layout: no copy, and the
        # convolution is two to three times faster in it than in the plain one (docs/performance.md).
        return torch.relu(self.convolution(image.permute(0, 3, 1, 2))).flatten(1)
