"""The greedy policy alone: what is left of a module when it has learned."""

import torch
from torch import Tensor, nn

from diiqn_lightning.modules.dqn import DQN


class GreedyPolicy(nn.Module):
    """Observations as the environment gives them to actions and the values that chose them.

    Pre-processing is inside: booleans to 0 and 1, bytes to [0, 1] (:func:`diiqn_lightning.networks.as_features`).

    Args:
        module: a trained one; its network is shared and not copied.
    """

    def __init__(self, module: DQN) -> None:
        super().__init__()
        self.network = module.acting_network
        self._chosen_by = module.chosen_by

    def forward(self, observation: Tensor) -> tuple[Tensor, Tensor]:
        """Greedy actions and the policy's values.

        Args:
            observation: ``[B, *O]``, of the environment's own type.

        Returns:
            Actions ``[B]`` int64, and values ``[B, A]`` float32, whose largest entry is the action.
        """
        values = self._chosen_by(self.network, observation)
        return values.argmax(1), values


def exported_program(policy: GreedyPolicy, observation: Tensor) -> torch.export.ExportedProgram:
    """The policy as a program of torch's operators, for any batch size.

    Args:
        policy: on the CPU.
        observation: an example, ``[B, *O]`` with B of at least 2: an axis of one entry would be taken for a constant.
    """
    batch = torch.export.Dim("batch", min=1)
    program = torch.export.export(policy.eval(), (observation,), dynamic_shapes={"observation": {0: batch}})
    # Where each operator stood in the source: paths of the machine that exports, which are nobody else's business.
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)
    return program
