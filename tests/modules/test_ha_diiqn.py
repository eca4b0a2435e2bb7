import math

import pytest
import torch
from torch.testing import assert_close

from diiqn_lightning import keys
from diiqn_lightning.algorithm.confidence import FixedConfidence, PublishedConfidence
from diiqn_lightning.errors import InputError
from diiqn_lightning.modules import DIIQN, HADIIQN
from tests.modules.test_diiqn import guided
from tests.modules.test_dqn import ONLINE, TARGET, Table, losses


def make(kind, **changes):
    module = kind((1,), 2, discount=0.5, **changes)
    module.online, module.target = Table(ONLINE), Table(TARGET).requires_grad_(False)
    return module


def heterogeneous(*bridged):
    """The transitions of the DIIQN test; on a bridge ζ is 1."""
    batch = guided()
    expert = batch.get(keys.EXPERT)
    expert.set("bridged", torch.tensor(bridged))
    expert.get("inference_confidence")[expert.get("bridged")] = 1.0
    return batch


def test_without_bridges_it_is_diiqn():
    one, other = guided(), heterogeneous(False, False)
    arguments = {"confidence": PublishedConfidence(count_max=7)}
    plain = losses(make(DIIQN, **arguments), one)["loss"]
    bridging = losses(make(HADIIQN, bridge_confidence=FixedConfidence(1.0), **arguments), other)["loss"]
    assert plain.item() == bridging.item()
    assert_close(one[keys.EXPERT_WEIGHT], other[keys.EXPERT_WEIGHT])


def test_bridges_are_trusted_by_their_own_rule():
    module = make(HADIIQN, confidence=FixedConfidence(0.25), bridge_confidence=FixedConfidence(0.75))
    batch = heterogeneous(True, False)
    outputs = losses(module, batch)
    assert_close(batch[keys.EXPERT_WEIGHT], torch.tensor([0.75, 0.25]))
    assert outputs["bridging/guidance_rate"].tolist() == [True, False]


def test_by_default_they_are_trusted_like_all_others():
    batch = heterogeneous(True, False)
    losses(make(HADIIQN, confidence=FixedConfidence(0.25)), batch)
    assert_close(batch[keys.EXPERT_WEIGHT], torch.tensor([0.25, 0.25]))


def test_on_a_bridge_the_published_confidence_is_divergence_times_frequency():
    # Row 1 is bridged; δ = log 8 / log 8 = 1, so that Φ = σ(Q(s_e, a_feas) − Q(s_e, a_a)).
    batch = heterogeneous(False, True)
    q = torch.tensor(ONLINE)[1]
    agent_action = int(batch[keys.ACTION][1])
    losses(make(HADIIQN, confidence=PublishedConfidence(count_max=7)), batch)
    expected = 1 / (1 + math.exp(-(float(q[1]) - float(q[agent_action]))))
    assert batch[keys.EXPERT_WEIGHT][1].item() == pytest.approx(expected)
    # Without the bridge ζ = ¼ would cap it.
    plain = guided()
    losses(make(DIIQN, confidence=PublishedConfidence(count_max=7)), plain)
    assert plain[keys.EXPERT_WEIGHT][1].item() == pytest.approx(min(0.25, expected))


def test_a_missing_callback_is_said():
    module = make(HADIIQN)
    with pytest.raises(InputError, match="bridging"):
        module.training_step(guided().unsqueeze(0), 0)
