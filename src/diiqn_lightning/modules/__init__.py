"""The learners, one LightningModule in each file."""

from diiqn_lightning.modules.diiqn import DIIQN
from diiqn_lightning.modules.dqn import DQN
from diiqn_lightning.modules.ha_diiqn import HADIIQN

__all__ = ["DIIQN", "DQN", "HADIIQN"]
