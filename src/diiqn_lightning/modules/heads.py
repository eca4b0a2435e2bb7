"""How a network's output is shared out among a policy and the values that rate it."""

import torch
from torch import Tensor

from diiqn_lightning.errors import InputError


class Heads:
    """The first A outputs are the policy's values; ``count`` value heads of A outputs each follow (design choice).

    Without value heads the policy's values rate themselves, as in DQN.

    Args:
        num_actions: A.
        count: K, value heads.
        acting: what the greedy action is the largest of: policy (the policy's values) or mean (the mean of them and of
            what rates actions).
    """

    def __init__(self, num_actions: int, count: int, acting: str = "policy") -> None:
        if count < 0:
            raise InputError("model.value_heads", count, "give 0 or a larger whole number")
        if acting not in ("policy", "mean"):
            raise InputError("model.acting", acting, "choose policy or mean")
        if acting == "mean" and not count:
            raise InputError("model.acting", acting, "choose policy, or give model.value_heads of at least 1")
        self.num_actions, self.count, self.acting = num_actions, count, acting
        self.size = (1 + count) * num_actions

    def policy(self, output: Tensor) -> Tensor:
        """The policy's values, ``[B, (1 + K) · A]`` to ``[B, A]``."""
        return output[:, : self.num_actions]

    def chosen_by(self, output: Tensor) -> Tensor:
        """Values whose largest one is the action, ``[B, (1 + K) · A]`` to ``[B, A]``."""
        policy = self.policy(output)
        return policy if self.acting == "policy" else (policy + self.rated(output)) / 2

    def each(self, output: Tensor) -> Tensor:
        """What each value head says, ``[B, (1 + K) · A]`` to ``[max(K, 1), B, A]``."""
        values = output[:, self.num_actions if self.count else 0 :].view(len(output), -1, self.num_actions)
        return values.transpose(0, 1)

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
