import math

import pytest
import torch

from diiqn_lightning.algorithm.cloning import cloning_loss


def test_only_known_actions_count():
    logits = torch.tensor([[0.0, math.log(3)], [0.0, 0.0], [9.0, 0.0]], requires_grad=True)
    # −log ¾ and −log ½; the third action is not known.
    loss = cloning_loss(logits, torch.tensor([1, 0, 1]), torch.tensor([True, True, False]))
    assert loss.item() == pytest.approx((math.log(4 / 3) + math.log(2)) / 2)
    loss.backward()
    assert float(logits.grad[2].abs().sum()) == 0


def test_nothing_known_is_no_loss():
    assert cloning_loss(torch.zeros(2, 3), torch.tensor([0, 1]), torch.tensor([False, False])).item() == 0
