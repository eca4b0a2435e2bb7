"""Rivals of DIIQN, one LightningModule in each file, and the parts that they share."""

from diiqn_lightning.modules.rivals.bco import BCO
from diiqn_lightning.modules.rivals.dai import DAI
from diiqn_lightning.modules.rivals.gaifo import GAIfO
from diiqn_lightning.modules.rivals.jsrl import JSRL
from diiqn_lightning.modules.rivals.oril import ORIL
from diiqn_lightning.modules.rivals.rilo import RILO
from diiqn_lightning.modules.rivals.seabo import SEABO

__all__ = ["BCO", "DAI", "JSRL", "ORIL", "RILO", "SEABO", "GAIfO"]
