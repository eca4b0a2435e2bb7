import pytest
import torch
from torch.testing import assert_close

from diiqn_lightning.errors import InputError
from diiqn_lightning.modules.heads import Heads

# Two states, two actions: the policy's values, then those of two heads.
OUTPUT = torch.tensor([[1.0, 2.0, 3.0, 4.0, 5.0, 8.0], [0.0, -1.0, 1.0, 1.0, 3.0, 7.0]])


def test_value_heads_rate_by_their_mean():
    heads = Heads(num_actions=2, count=2)
    assert heads.size == 6
    assert_close(heads.policy(OUTPUT), OUTPUT[:, :2])
    assert_close(heads.each(OUTPUT), torch.stack([OUTPUT[:, 2:4], OUTPUT[:, 4:]]))
    assert_close(heads.rated(OUTPUT), torch.tensor([[4.0, 6.0], [2.0, 4.0]]))


def test_their_spread_is_a_standard_deviation():
    # Of 4 and 8, and of 1 and 3.
    deviation = Heads(2, 2).deviation(OUTPUT, torch.tensor([1, 0]))
    assert_close(deviation, torch.tensor([8.0, 2.0]).sqrt())


def test_without_value_heads_the_policy_rates_itself():
    heads, output = Heads(2, 0), OUTPUT[:, :2]
    assert torch.equal(heads.rated(output), output)
    assert torch.equal(heads.each(output)[0], output)
    assert not bool(heads.deviation(output, torch.tensor([0, 1])).any())


def test_the_mean_acts_where_it_is_told_to():
    # 1, 2 and 4, 6; 0, -1 and 2, 4: in the second state the policy and the mean choose differently.
    assert torch.equal(Heads(2, 2).chosen_by(OUTPUT), OUTPUT[:, :2])
    assert_close(Heads(2, 2, "mean").chosen_by(OUTPUT), torch.tensor([[2.5, 4.0], [1.0, 1.5]]))


@pytest.mark.parametrize(("count", "acting", "remedy"), [(1, "value", "policy or mean"), (0, "mean", "value_heads")])
def test_who_acts_has_to_be_there(count, acting, remedy):
    with pytest.raises(InputError, match=remedy):
        Heads(2, count, acting)


@pytest.mark.parametrize(("count", "network", "remedy"), [(1, "two", "shared, own or twin"), (0, "own", "value_heads")])
def test_a_network_of_the_values_own_needs_values(count, network, remedy):
    with pytest.raises(InputError, match=remedy):
        Heads(2, count, network=network)


@pytest.mark.parametrize("network", ["shared", "own"])
@pytest.mark.parametrize("count", [1, 2])
def test_a_network_is_asked_for_ratings_alone(network, count):
    heads = Heads(3, count, network=network)
    built, states = heads.build((5,), [7]), torch.rand(4, 5)
    output = built(states)
    assert output.shape == (4, heads.size)
    assert_close(heads.rated_by(built, states), heads.rated(output))


def test_what_a_policy_learns_leaves_values_in_a_network_of_their_own():
    heads, states = Heads(3, 1, network="own"), torch.rand(4, 5)
    built = heads.build((5,), [7])
    heads.policy(built(states)).square().sum().backward()
    assert all(parameter.grad is None or not parameter.grad.any() for parameter in built.value.parameters())
    assert all(parameter.grad.any() for parameter in built.policy.parameters())
