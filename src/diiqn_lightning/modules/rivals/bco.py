"""BCO and BCO(α): behavioural cloning from observation (Torabi et al., 2018, arXiv 1805.01954)."""

from typing import Any

import torch
from tensordict import TensorDictBase
from torch import Tensor
from torch.optim import Optimizer

from diiqn_lightning import keys
from diiqn_lightning.labeller import InverseModel
from diiqn_lightning.modules.dqn import DQN
from diiqn_lightning.modules.labelling import LabellerSettings, labeller_group, labeller_losses
from diiqn_lightning.modules.rivals.cloning import clone_loss


class BCO(DQN):
    """An inverse model p(a | s, s') learned from the agent's transitions labels the expert's; a policy clones them.

    The network's outputs are the logits of the policy; no reward is seen and nothing has a value. The agent
    explores with ε as DQN does: at random at first, the paper's pre-demonstration phase, then more and more as its
    policy says, so that the inverse model learns what happens where the expert is.
    Adapted: the paper trains inverse model and policy to convergence in turns; here both go on learning, and the
    callback ``action_inference`` labels anew every so many frames.

    Args:
        labeller: the inverse model's settings; null has none, where the actions are known (the oracle). Without
            ``until`` it learns on from what the policy does, as in BCO(α); BCO(0) learns from a random phase alone.
        observation_shape, num_actions, **dqn: arguments of :class:`DQN`; those of targets have no effect.
    """

    blocks = ("action_inference", "expert_sampling")
    sees_reward = False

    def __init__(
        self,
        observation_shape: tuple[int, ...],
        num_actions: int,
        labeller: LabellerSettings | None = None,
        **dqn: Any,
    ) -> None:
        super().__init__(observation_shape, num_actions, **dqn)
        del self.target  # nothing is rated
        self.labeller_settings = labeller
        if labeller is not None:
            self.labeller = InverseModel(observation_shape, num_actions, labeller.hidden, labeller.history)

    def prepare_targets(self, batch: TensorDictBase) -> None:
        """There are none."""

    def losses(self, update: TensorDictBase) -> dict[str, Tensor]:
        """Cloning loss of one update ``[B]``."""
        loss, agrees = clone_loss(self.online, update.get(keys.EXPERT))
        update.set(keys.TD_ERROR, torch.zeros_like(update.get(keys.REWARD)))  # all transitions are replayed alike
        return {"loss": loss, "expert/agreement": agrees}

    def batch_losses(self, batch: TensorDictBase) -> dict[str, Tensor]:
        """The inverse model learns from several updates' transitions at once."""
        if self.labeller_settings is None:
            return {}
        return labeller_losses(self.labeller, self.labeller_settings, batch, self.num_actions, self.environment_frames)

    def configure_optimizers(self) -> Optimizer:
        """One optimizer; the inverse model is a parameter group of its own."""
        groups: list[dict[str, Any]] = [{"params": list(self.online.parameters())}]
        if self.labeller_settings is not None:
            groups.append(labeller_group(self.labeller, self.labeller_settings))
        return self.optimizer_factory(groups)
