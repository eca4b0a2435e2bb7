"""The learners, one LightningModule in each file."""

from diiqn_lightning.modules.diiqn import DIIQN
from diiqn_lightning.modules.dqn import DQN
from diiqn_lightning.modules.ha_diiqn import HADIIQN
from diiqn_lightning.modules.rivals import BCO, DAI, JSRL, ORIL, RILO, SEABO, GAIfO

__all__ = ["BCO", "DAI", "DIIQN", "DQN", "HADIIQN", "JSRL", "ORIL", "RILO", "SEABO", "GAIfO"]
