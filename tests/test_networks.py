import pytest
import torch

from diiqn_lightning.errors import InputError
from diiqn_lightning.networks import Body, QNetwork, as_features, side_by_side


@pytest.mark.parametrize(
    ("shape", "dtype"), [((10, 10, 4), torch.bool), ((8, 12, 3), torch.uint8), ((5,), torch.float32)]
)
def test_gives_a_value_for_each_action(shape, dtype):
    network = QNetwork(shape, num_actions=6)
    assert network(torch.ones(2, *shape).to(dtype)).shape == (2, 6)


def test_has_the_published_minatar_size():
    # conv 4·16·9 + 16, linear 1024·128 + 128, head 128·3 + 3
    parameters = sum(p.numel() for p in QNetwork((10, 10, 4), 3).parameters())
    assert parameters == 592 + 131_200 + 387


def test_sees_where_things_are_in_the_picture():
    network = QNetwork((10, 10, 1), 2)
    here, there = torch.zeros(1, 10, 10, 1), torch.zeros(1, 10, 10, 1)
    here[0, 1, 2], there[0, 2, 1] = 1, 1
    assert not torch.allclose(network(here), network(there))


def test_the_convolution_is_the_one_over_channels_first_pictures():
    network = QNetwork((6, 5, 3), 2)
    picture = torch.rand(4, 6, 5, 3)
    convolution = network.body.layers[0].convolution
    expected = torch.relu(convolution(picture.permute(0, 3, 1, 2).contiguous())).permute(0, 2, 3, 1).flatten(1)
    torch.testing.assert_close(network.body.layers[0](picture), expected)


@pytest.mark.parametrize("shape", [(6, 5, 3), (6, 5, 4), (6, 5, 6), (6, 5, 8), (7,), (10,)])
@pytest.mark.parametrize("kind", [torch.bool, torch.uint8, torch.float32])
def test_observations_side_by_side_are_joined_along_the_last_axis(shape, kind):
    here, between, there = (torch.randint(0, 2, (4, *shape)).to(kind) for _ in range(3))
    expected = as_features(torch.cat([here, between, there], dim=-1))
    assert torch.equal(side_by_side(here, between, there), expected)
    # Parts of a larger tensor, as states before others are.
    history = torch.stack([between, here], dim=1)
    assert torch.equal(side_by_side(*history.unbind(1), there), as_features(torch.cat([between, here, there], dim=-1)))


@pytest.mark.parametrize("shape", [(6, 5, 4), (3,)])
def test_a_body_of_several_observations_takes_them_side_by_side(shape):
    body = Body(shape, [7], length=2)
    here, there = torch.rand(4, *shape) < 0.5, torch.rand(4, *shape) < 0.5
    features = body(side_by_side(here, there))
    assert features.shape == (4, 7)
    assert not torch.equal(features, body(side_by_side(there, here)))


def test_bytes_are_scaled_and_numbers_are_not():
    assert as_features(torch.tensor([255], dtype=torch.uint8)).item() == 1.0
    assert as_features(torch.tensor([True])).item() == 1.0
    assert as_features(torch.tensor([7.5])).item() == 7.5


@pytest.mark.parametrize(("shape", "hidden"), [((2, 10, 1), None), ((3, 4), None), ((4,), [0]), ((4,), [])])
def test_refuses_shapes_it_cannot_take(shape, hidden):
    with pytest.raises(InputError):
        QNetwork(shape, 2, hidden)
