"""How a network's output is shared out among a policy and the values that rate it."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from diiqn_lightning.errors import InputError
from diiqn_lightning.networks import PolicyAndValueNetworks, QNetwork


class Heads:
    """The first A outputs are the policy's values; ``count`` value heads of A outputs each follow (design choice).

    Without value heads the policy's values rate themselves, as in DQN.

    Args:
        num_actions: A.
        count: K, value heads.
        acting: what the greedy action is the largest of: policy (the policy's values) or mean (the mean of them and of
            what rates actions).
        network: shared (all outputs are of one network), own (the value heads have one of their own) or twin (one of
            their own, which begins with the policy network's weights).
    """

    def __init__(self, num_actions: int, count: int, acting: str = "policy", network: str = "shared") -> None:
        if count < 0:
            raise InputError("model.value_heads", count, "give 0 or a larger whole number")
        if acting not in ("policy", "mean"):
            raise InputError("model.acting", acting, "choose policy or mean")
        if acting == "mean" and not count:
            raise InputError("model.acting", acting, "choose policy, or give model.value_heads of at least 1")
        if network not in ("shared", "own", "twin"):
            raise InputError("model.value_network", network, "choose shared, own or twin")
        if network != "shared" and not count:
            raise InputError("model.value_network", network, "choose shared, or give model.value_heads of at least 1")
        self.num_actions, self.count, self.acting, self.network = num_actions, count, acting, network
        self.size = (1 + count) * num_actions

    def build(self, observation_shape: Sequence[int], hidden: Sequence[int] | None) -> nn.Module:
        """A network with these outputs, ``[B, *O]`` to ``[B, (1 + K) · A]``."""
        if self.network != "shared":
            values, alike = self.count * self.num_actions, self.network == "twin"
            return PolicyAndValueNetworks(observation_shape, self.num_actions, values, hidden, alike)
        return QNetwork(observation_shape, self.size, hidden)

    def policy(self, output: Tensor) -> Tensor:
        """The policy's values, ``[B, (1 + K) · A]`` to ``[B, A]``."""
        return output[:, : self.num_actions]

    def chosen_by(self, output: Tensor) -> Tensor:
        """Values whose largest one is the action, ``[B, (1 + K) · A]`` to ``[B, A]``."""
        policy = self.policy(output)
        return policy if self.acting == "policy" else (policy + self.rated(output)) / 2

    def chosen_from(self, network: nn.Module, observation: Tensor) -> Tensor:
        """:meth:`chosen_by` of what :meth:`build` made, and no more than it takes: ``[B, *O]`` to ``[B, A]``."""
        if self.acting == "policy" and isinstance(network, PolicyAndValueNetworks):
            return cast(Tensor, network.policy(observation))
        return self.chosen_by(network(observation))

    def each(self, output: Tensor) -> Tensor:
        """What each value head says, ``[B, (1 + K) · A]`` to ``[max(K, 1), B, A]``."""
        return self._by_head(output[:, self.num_actions if self.count else 0 :])

    def rated_by(self, network: nn.Module, observation: Tensor) -> Tensor:
        """:meth:`rated` of a network that :meth:`build` made, and no more of it than that takes.

        Args:
            network: ``[B, *O]`` to ``[B, (1 + K) · A]``.
            observation: ``[B, *O]``.

        Returns:
            ``[B, A]``.
        """
        if isinstance(network, PolicyAndValueNetworks):
            return self._by_head(network.value(observation)).mean(0)
        return self.rated(network(observation))

    def _by_head(self, values: Tensor) -> Tensor:
        # Not len(values): an export would take the example's batch for a constant.
        return values.reshape(values.shape[0], -1, self.num_actions).transpose(0, 1)

    def rated(self, output: Tensor) -> Tensor:
        """What rates actions, the mean of the value heads: ``[B, (1 + K) · A]`` to ``[B, A]``."""
        return output if self.count == 0 else self.each(output).mean(0)

    def deviation(self, output: Tensor, action: Tensor) -> Tensor:
        """How far the value heads disagree about an action, their standard deviation; 0 for fewer than two.

        Args:
            output: ``[B, (1 + K) · A]``.
            action: ``[B]`` int64.

        Returns:
            ``[B]``.
        """
        if self.count < 2:
            return torch.zeros(len(output), device=output.device)
        each = self.each(output)
        return each.gather(2, action.view(1, -1, 1).expand(self.count, -1, 1)).squeeze(2).std(0)
