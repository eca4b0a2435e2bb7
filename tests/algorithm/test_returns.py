import pytest
import torch
from torch.testing import assert_close

from diiqn_lightning.algorithm.returns import (
    Detours,
    attainable_returns,
    discounted_returns,
    episode_sums,
    lead,
    partial_returns,
)


def test_two_episodes_by_hand():
    # γ = ½. First: 1 + ½(0 + ½ · 4) = 2; 0 + ½ · 4 = 2; 4. Second: 0 + ½ · 2 = 1; 2.
    reward = torch.tensor([1.0, 0.0, 4.0, 0.0, 2.0])
    returns = discounted_returns(reward, torch.tensor([3, 2]), 0.5)
    assert_close(returns, torch.tensor([2.0, 2.0, 4.0, 1.0, 2.0]))


def test_without_discount_it_is_the_sum_to_the_end():
    reward = torch.rand(50, generator=torch.Generator().manual_seed(0))
    assert_close(discounted_returns(reward, torch.tensor([50]), 1.0), reward.flip(0).cumsum(0).flip(0))


def test_episode_sums_by_hand():
    reward = torch.tensor([1.0, 0.0, 2.0, 5.0, -1.0])
    assert episode_sums(reward, torch.tensor([3, 2])).tolist() == [3.0, 4.0]


def test_lead_is_in_the_experts_standard_deviations():
    # Mean 6, deviation √8.
    assert lead(torch.tensor([4.0, 8.0]), 2.0) == pytest.approx(4 / 8**0.5)
    assert lead(torch.tensor([4.0, 8.0]), 10.0) == pytest.approx(-4 / 8**0.5)


def test_experts_whose_episodes_are_all_alike_have_a_finite_lead():
    assert lead(torch.tensor([5.0, 5.0]), 3.0) == pytest.approx(2 / 0.5)
    assert lead(torch.tensor([5.0]), 20.0) == pytest.approx(-15 / 2)
    assert lead(torch.tensor([0.0, 0.0]), 0.0) == 0.0


def test_partial_returns_by_hand():
    # Two episodes, γ = ½: rewards 1, 2, 4 and 8.
    reward = torch.tensor([1.0, 2.0, 4.0, 8.0])
    start, steps = torch.tensor([0, 0, 0, 1, 3]), torch.tensor([1, 2, 3, 2, 1])
    partial = partial_returns(reward, start, steps, 0.5)
    assert_close(partial, torch.tensor([1.0, 1 + 1.0, 1 + 1 + 1.0, 2 + 2.0, 8.0]))


def test_attainable_returns_by_hand():
    # Two episodes, γ = ½, rewards 1, 2, 4 and 8, 16. The first transition is walked around in two steps (rewards 0 and
    # 3) that rejoin behind the second one; the last transition in three (1, 1, 2) that end the episode.
    reward, lengths = torch.tensor([1.0, 2.0, 4.0, 8.0, 16.0]), torch.tensor([3, 2])
    detours = Detours(
        torch.tensor([2, 0, 0, 0, 3]),
        torch.tensor([2, 0, 0, 0, 1]),
        torch.tensor([[0.0, 3.0, 0.0], [0.0] * 3, [0.0] * 3, [0.0] * 3, [1.0, 1.0, 2.0]]),
    )
    # 0 + ½ · 3 + ¼ · 4; 2 + ½ · 4; 4; 8 + ½ · 2; 1 + ½ + ½.
    assert_close(attainable_returns(reward, lengths, 0.5, detours), torch.tensor([2.5, 4.0, 4.0, 9.0, 2.0]))
    # Without a discount: 3 + 4; 2 + 4; 4; 8 + 4; 4.
    assert_close(attainable_returns(reward, lengths, 1.0, detours), torch.tensor([7.0, 6.0, 4.0, 12.0, 4.0]))


def test_without_detours_attainable_returns_are_the_experts():
    reward, lengths = torch.rand(60, generator=torch.Generator().manual_seed(1)), torch.tensor([20, 1, 39])
    nothing = torch.zeros(60, dtype=torch.int64)
    detours = Detours(nothing, nothing, torch.zeros(60, 5))
    assert_close(attainable_returns(reward, lengths, 0.9, detours), discounted_returns(reward, lengths, 0.9))
