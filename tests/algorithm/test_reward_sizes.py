import torch

from diiqn_lightning.algorithm.reward_sizes import MOST_SIZES, RewardSizes


def test_estimates_are_rounded_to_rewards_that_were_seen():
    sizes, estimate = RewardSizes(), torch.tensor([-0.08, 0.4, 0.6, 7.0])
    assert torch.equal(sizes.nearest(estimate), estimate)  # nothing is known
    sizes.observe(torch.tensor([[0.0, -0.01], [-0.01, 0.0]]))
    assert torch.equal(sizes.nearest(estimate), torch.full((4,), -0.01))
    sizes.observe(torch.tensor([1.0]))
    other = RewardSizes()
    other.load_state(sizes.state())
    of_two = RewardSizes()
    of_two.observe(torch.stack([sizes.padded, RewardSizes().padded]))
    for one in (sizes, other, of_two):
        assert torch.equal(one.nearest(estimate), torch.tensor([-0.01, -0.01, 1.0, 1.0]))


def test_many_sizes_are_a_continuum():
    sizes, estimate = RewardSizes(), torch.tensor([0.3])
    sizes.observe(torch.arange(MOST_SIZES) + 1.0)
    assert sizes.nearest(estimate) == 1
    sizes.observe(torch.tensor([0.5]))
    assert sizes.nearest(estimate) == estimate
    sizes.observe(torch.tensor([1.0]))
    assert sizes.nearest(estimate) == estimate
    others = RewardSizes()
    others.observe(torch.stack([torch.zeros(MOST_SIZES), sizes.padded]))
    others.observe(torch.tensor([1.0]))
    assert others.nearest(estimate) == estimate
