"""HA-DIIQN: DIIQN with an expert whose actions the agent does not have (arXiv 2511.03616)."""

from typing import Any

import torch
from tensordict import TensorDictBase
from torch import Tensor

from diiqn_lightning import keys
from diiqn_lightning.algorithm.confidence import Confidence, Evidence
from diiqn_lightning.errors import InputError
from diiqn_lightning.modules.diiqn import DIIQN


class HADIIQN(DIIQN):
    """DIIQN that learns the steps of a bridge where the expert's own step cannot be made.

    The callbacks ``feasibility`` and ``bridging`` write which transitions those are, and put a step of the bridge, with
    the agent's own outcome of it, in the place of the expert's. What is left for the module is how
    far to trust it.

    Args:
        bridge_confidence: the rule of Φ on bridged transitions: PublishedConfidence is the paper's,
            Φ = ΔQ(s_e, a_feas, a_a) · δ(s_e), since ζ of a bridge is 1; null takes the rule of all others
            (design choice).
        observation_shape, num_actions, **diiqn: arguments of :class:`DIIQN`.
    """

    blocks = (*DIIQN.blocks, "feasibility", "bridging")

    def __init__(
        self,
        observation_shape: tuple[int, ...],
        num_actions: int,
        bridge_confidence: Confidence | None = None,
        **diiqn: Any,
    ) -> None:
        super().__init__(observation_shape, num_actions, **diiqn)
        self.bridge_confidence = bridge_confidence
        if bridge_confidence is not None:
            bridge_confidence.check(self.heads.count, td=self.expert_loss.td > 0)

    def trust_in(self, evidence: Evidence, expert: TensorDictBase) -> tuple[Tensor, dict[str, Tensor]]:
        """Φ by the rule that fits, and the mean Φ of bridged transitions for the logs."""
        weight, parts = super().trust_in(evidence, expert)
        bridged = expert.get("bridged")
        if self.bridge_confidence is not None:
            bridge_weight, bridge_parts = self.bridge_confidence(evidence)
            weight, parts = torch.where(bridged, bridge_weight, weight), bridge_parts | parts
        return weight, parts | {"bridging/guidance_rate": bridged}

    @property
    def _rules(self) -> tuple[Confidence, ...]:
        """That of bridged transitions, too."""
        return super()._rules if self.bridge_confidence is None else (*super()._rules, self.bridge_confidence)

    def _check_keys(self, batch: TensorDictBase) -> None:
        if not self._keys_checked and keys.EXPERT_BRIDGED not in batch.keys(True):
            raise InputError("bridging", None, "configure the callback bridging, which HA-DIIQN learns from")
        super()._check_keys(batch)
