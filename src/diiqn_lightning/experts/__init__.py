"""The expert's side: datasets of states, the table of inferred actions, the index of neighbours."""

from diiqn_lightning.experts.dataset import ExpertDataset, ExpertLabels, ExpertStates
from diiqn_lightning.experts.neighbours import NeighbourIndex
from diiqn_lightning.experts.table import InferredActions

__all__ = ["ExpertDataset", "ExpertLabels", "ExpertStates", "InferredActions", "NeighbourIndex"]
