"""diiqn-lightning: deep implicit imitation Q-networks on Lightning and TorchRL.

Importing the package is cheap; its parts are imported by name, for example
``from diiqn_lightning.modules import DIIQN``.
"""

__version__ = "0.1.0"
