"""The learners, one LightningModule in each file."""

from diiqn_lightning.modules.diiqn import DIIQN
from diiqn_lightning.modules.dqn import DQN

__all__ = ["DIIQN", "DQN"]
