"""Networks, chosen by the observation's shape."""

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
    if observation.dtype == torch.bool and not torch.compiler.is_compiling():
        # The same bytes: torch converts them five to ten times faster than booleans.
        return observation.view(torch.uint8).float()
    return observation.float()


def as_sequence(*observations: Tensor) -> Tensor:
    """Features of (s, s') or of more states as one input of a :class:`Body`.

    Args:
        observations: T of them, ``[B, *O]`` each.

    Returns:
        ``[B, T, *O]`` float32.
    """
    return as_features(torch.stack(observations, dim=1))


class QNetwork(nn.Module):
    """State-action values Q(s, ·) of all actions at once.

    Images (``[height, width, channels]``) go through one 3×3 convolution of 16 channels and a
    linear layer of 128, the network of the published MinAtar DQN; vectors through two linear
    layers (design choice: the CartPole setting that most libraries share).

    Args:
        observation_shape: shape of one observation: ``[H, W, C]`` or ``[D]``.
        num_actions: number of discrete actions.
        hidden: width of each hidden linear layer, from the input to the output. ``None``: ``[128]``
            for images and ``[128, 128]`` for vectors.

    Raises:
        InputError: for shapes that are neither an image nor a vector, images smaller than 3×3, and
            sizes below 1.
    """

    def __init__(self, observation_shape: Sequence[int], num_actions: int, hidden: Sequence[int] | None = None) -> None:
        super().__init__()
        self.body = Body(observation_shape, hidden)
        self.head = nn.Linear(self.body.width, num_actions)

    def forward(self, observation: Tensor) -> Tensor:
        """Q-values, ``[B, *O]`` to ``[B, num_actions]`` float32."""
        return cast(Tensor, self.head(self.body(as_features(observation))))


class Body(nn.Module):
    """Features of an observation, or of several at once: a convolution for images, then linear layers.

    ``[B, *O]`` to ``[B, width]``; ``[B, length, *O]`` to ``[B, width]`` where a length is given.

    Args:
        observation_shape: shape of one observation.
        hidden: widths of the linear layers; ``None`` chooses them by the shape.
        length: T, observations seen at once (:func:`as_sequence`); ``None`` is one, without an axis of its own.
    """

    def __init__(
        self, observation_shape: Sequence[int], hidden: Sequence[int] | None, length: int | None = None
    ) -> None:
        super().__init__()
        widths = list(hidden) if hidden is not None else ([128] if len(observation_shape) == 3 else [128, 128])
        if not widths or min(widths) < 1:
            raise InputError("model.hidden", widths, "give at least one width, each at least 1")
        layers: list[nn.Module] = []
        if len(observation_shape) == 3:
            height, width, planes = observation_shape
            if min(height, width) < 3:
                raise InputError(
                    "observation shape", tuple(observation_shape), "use images of at least 3×3, or flatten them"
                )
            layers.append(
                ImageEncoder(planes, channels=16)
                if length is None
                else ImageSequenceEncoder(planes, length, channels=16)
            )
            size = 16 * (height - 2) * (width - 2)
        elif len(observation_shape) == 1:
            layers += [] if length is None else [nn.Flatten()]
            size = observation_shape[0] * (length or 1)
        else:
            raise InputError(
                "observation shape",
                tuple(observation_shape),
                "use an environment with images [height, width, channels] or vectors, or flatten its observations",
            )
        for width in widths:
            layers += [nn.Linear(size, width), nn.ReLU(inplace=True)]
            size = width
        self.layers = nn.Sequential(*layers)
        self.width = size

    def forward(self, features: Tensor) -> Tensor:
        """Last hidden layer."""
        return cast(Tensor, self.layers(features))


class ImageEncoder(nn.Module):
    """One 3×3 convolution over images that come as ``[B, H, W, C]``; returns ``[B, channels·(H−2)·(W−2)]``."""

    def __init__(self, planes: int, channels: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(planes, channels, kernel_size=3)

    def forward(self, image: Tensor) -> Tensor:
        """Features of images."""
        # [B, H, W, C] seen as [B, C, H, W] is torch's channels-last layout: no copy, and the
        # convolution is up to three times faster in it (docs/performance.md). Flattening in the
        # order H, W, C keeps it that way.
        features = self.convolution(image.permute(0, 3, 1, 2))
        return torch.relu_(features).permute(0, 2, 3, 1).flatten(1)


class ImageSequenceEncoder(nn.Module):
    """One 3×3 convolution over T images ``[B, T, H, W, C]`` at once; returns ``[B, channels·(H−2)·(W−2)]``.

    The same as :class:`ImageEncoder` on T · C planes. Laid one after another images are copied whole, where planes
    of several images beside each other would be copied a few bytes at a time, at the cost of the convolution itself.
    """

    def __init__(self, planes: int, length: int, channels: int) -> None:
        super().__init__()
        self.convolution = nn.Conv3d(planes, channels, kernel_size=(length, 3, 3))

    def forward(self, images: Tensor) -> Tensor:
        """Features of sequences of images."""
        features = self.convolution(images.permute(0, 4, 1, 2, 3)).squeeze(2)
        return torch.relu_(features).permute(0, 2, 3, 1).flatten(1)
