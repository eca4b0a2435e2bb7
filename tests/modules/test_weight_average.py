import math

import pytest
import torch
from torch.testing import assert_close

from diiqn_lightning.errors import InputError
from diiqn_lightning.modules.weight_average import WeightAverage


def network(*weights):
    module = torch.nn.Linear(len(weights), 1, bias=False)
    module.weight.data = torch.tensor([weights])
    return module


def test_a_weight_moves_by_what_its_frames_are_worth():
    average = WeightAverage(network(0.0, 8.0), frames=1000)
    average.follow(network(0.0, 8.0), 10_000)  # far enough into a run that the whole 1000 count
    average.follow(network(4.0, 0.0), 10_500)
    old = math.exp(-0.5)
    assert_close(average.network.weight, torch.tensor([[4 * (1 - old), 8 * old]]))


def test_many_small_steps_are_worth_as_much_as_a_large_one():
    one, many = (WeightAverage(network(0.0), frames=1000) for _ in range(2))
    for average in (one, many):
        average.follow(network(0.0), 100_000)
    one.follow(network(1.0), 100_600)
    for frames in range(100_010, 100_610, 10):
        many.follow(network(1.0), frames)
    assert_close(one.network.weight, many.network.weight)


def test_what_a_run_began_with_is_soon_forgotten():
    average = WeightAverage(network(1.0), frames=1_000_000)
    for frames in range(100, 10_100, 100):
        average.follow(network(0.0), frames)
    assert average.network.weight.item() < 1e-6


def test_it_learns_nothing_itself():
    average = WeightAverage(network(1.0), frames=10)
    assert not any(parameter.requires_grad for parameter in average.parameters())


@pytest.mark.parametrize("frames", [0, -5])
def test_refuses_to_reach_back_nowhere(frames):
    with pytest.raises(InputError, match="model.averaging"):
        WeightAverage(network(1.0), frames)
