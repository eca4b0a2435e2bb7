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


_NUMBER = {8: torch.int64, 4: torch.int32, 2: torch.int16}
"""Types by their bytes."""


def side_by_side(*observations: Tensor) -> Tensor:
    """Features of (s, s') or of more states as one observation of all their planes, or as one long vector.

    Args:
        observations: T of them, ``[B, *O]`` each.

    Returns:
        ``[B, …, T · C]`` float32, where C is the size of the last axis.
    """
    size = observations[0].shape[-1]
    width = next(width for width in (8, 4, 2, 1) if size % width == 0)
    if observations[0].element_size() > 1 or width == 1 or torch.compiler.is_compiling():
        return as_features(torch.cat(observations, dim=-1))
    # A few planes at a time are a few bytes at a time: copied as one number they take a fifth to a half of the time.
    numbers = [observation.contiguous().view(_NUMBER[width]) for observation in observations]
    return as_features(torch.cat(numbers, dim=-1).view(observations[0].dtype))


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


class PolicyAndValueNetworks(nn.Module):
    """A network of the policy's values and one of its own for what rates them, side by side.

    Args:
        observation_shape: of both.
        num_actions: outputs of the policy's network, A.
        num_values: outputs of the other one, V.
        hidden: of both.
        alike: whether both begin with the same weights, as far as they have the same layers.
    """

    def __init__(
        self,
        observation_shape: Sequence[int],
        num_actions: int,
        num_values: int,
        hidden: Sequence[int] | None = None,
        alike: bool = False,
    ) -> None:
        super().__init__()
        self.policy = QNetwork(observation_shape, num_actions, hidden)
        self.value = QNetwork(observation_shape, num_values, hidden)
        if alike:
            self.value.body.load_state_dict(self.policy.body.state_dict())
            if num_values == num_actions:
                self.value.head.load_state_dict(self.policy.head.state_dict())

    def forward(self, observation: Tensor) -> Tensor:
        """The policy's outputs and then the others, ``[B, *O]`` to ``[B, A + V]`` float32."""
        features = as_features(observation)
        return torch.cat([self.policy(features), self.value(features)], dim=1)


class Body(nn.Module):
    """Features of an observation, or of several :func:`side_by_side`: a convolution for images, then linear layers.

    ``[B, *O]``, whose last axis is T times as long, to ``[B, width]``.

    Args:
        observation_shape: shape of one observation.
        hidden: widths of the linear layers; ``None`` chooses them by the shape.
        length: T, observations seen at once.
    """

    def __init__(self, observation_shape: Sequence[int], hidden: Sequence[int] | None, length: int = 1) -> None:
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
            layers.append(ImageEncoder(planes * length, channels=16))
            size = 16 * (height - 2) * (width - 2)
        elif len(observation_shape) == 1:
            size = observation_shape[0] * length
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
