import math

import pytest
import torch
from torch.testing import assert_close

from diiqn_lightning.algorithm.discrimination import (
    adversarial_loss,
    gradient_penalty,
    imitation_reward,
    positive_unlabelled_loss,
)

# Logits of log 3: D = ¾; of −log 3: D = ¼.
SURE = math.log(3)


def test_adversarial_loss_by_hand():
    # Expert: −log ¾ and −log ¼; agent: −log(1 − ¾) = −log ¼.
    loss = adversarial_loss(torch.tensor([SURE, -SURE]), torch.tensor([SURE]))
    assert loss.item() == pytest.approx((math.log(4 / 3) + math.log(4)) / 2 + math.log(4))


def test_positive_unlabelled_loss_by_hand():
    # η = ¼: ¼ · −log ¾ (expert) + −log ¼ (unlabelled as not the expert) − ¼ · −log ¼ (expert as not the expert).
    loss = positive_unlabelled_loss(torch.tensor([SURE]), torch.tensor([SURE]), 0.25)
    assert loss.item() == pytest.approx(0.25 * math.log(4 / 3) + math.log(4) - 0.25 * math.log(4))


def test_what_is_the_experts_among_the_unlabelled_stays_the_experts():
    # Two kinds of states; the expert is in the first alone, the unlabelled half in each: R must be 1 and 0,
    # where cross-entropy has its optimum at D = 1 / (1 + ½) = ⅔ and 0.
    def fitted(loss):
        logits = torch.zeros(2, requires_grad=True)
        optimizer = torch.optim.Adam([logits], lr=0.05)
        for _ in range(600):
            optimizer.zero_grad()
            loss(logits[[0, 0]], logits[[0, 1]]).backward()
            optimizer.step()
        return torch.sigmoid(logits.detach())

    unlabelled = fitted(lambda expert, agent: positive_unlabelled_loss(expert, agent, 0.5))
    adversarial = fitted(adversarial_loss)
    assert unlabelled[0] > 0.95
    assert unlabelled[1] < 0.1
    assert_close(adversarial[0].item(), 2 / 3, atol=0.02, rtol=0)
    assert adversarial[1] < 0.05


def test_gradient_penalty_by_hand():
    # l = 3 · x₀ + 4 · x₁: ‖∂l/∂x‖ = 5, (5 − 1)² = 16, and it leads back to the weights.
    weight = torch.tensor([3.0, 4.0], requires_grad=True)
    features = torch.ones(6, 2, requires_grad=True)
    penalty = gradient_penalty(features @ weight, features)
    assert penalty.item() == pytest.approx(16)
    penalty.backward()
    assert_close(weight.grad, 2 * 4 * torch.tensor([0.6, 0.8]))


@pytest.mark.parametrize(
    ("form", "reward"),
    [("logit", SURE), ("survival", math.log(4)), ("step_cost", math.log(0.75)), ("probability", 0.75)],
)
def test_rewards_by_hand(form, reward):
    assert imitation_reward(torch.tensor(SURE), form).item() == pytest.approx(reward)
