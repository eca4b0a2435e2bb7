import pytest
import torch
from tensordict import TensorDict
from torch.testing import assert_close

from diiqn_lightning import keys
from diiqn_lightning.errors import InputError
from diiqn_lightning.modules.carry_over import CarryOver, CarryOverMeter


def meter(held_out, learned, **settings):
    meter = CarryOverMeter(CarryOver(**settings), num_actions=4)
    meter.agreement.copy_(torch.tensor([held_out, learned]))
    return meter


def test_carry_over_is_a_ratio_above_chance():
    # (0.5 − ¼) / (0.75 − ¼)
    assert meter(0.5, 0.75).carry_over.item() == pytest.approx(0.5)


@pytest.mark.parametrize(("held_out", "weight"), [(0.5, 0.0), (0.575, 0.5), (0.7, 1.0), (0.1, 0.0)])
def test_the_weight_rises_between_its_limits(held_out, weight):
    # Carry-over ½, 0.65, 0.9, and below chance.
    assert meter(held_out, 0.75, none_below=0.6, full_from=0.7).weight.item() == pytest.approx(weight, abs=1e-5)


def test_an_untried_expert_is_imitated():
    assert CarryOverMeter(CarryOver(), 4).weight.item() == 1


@pytest.mark.parametrize(("certainty", "weight"), [(0.59, 0.0), (0.61, 1.0)])
def test_guesses_are_not_imitated(certainty, weight):
    one = meter(0.75, 0.75, certain_from=0.6)
    one.certainty.fill_(certainty)
    assert one.weight.item() == weight


def test_agreements_and_certainty_follow_a_batch():
    # Two updates of two transitions; the second of each is held out, and the last one is no guidance.
    # What is left of the old value after 32 transitions is 2⁻¹⁶, and after 4 of them a quarter.
    expert = {
        "agrees": torch.tensor([[True, False], [False, True]]),
        "valid": torch.tensor([[True, True], [True, False]]),
        "held_out": torch.tensor([[False, True], [False, True]]),
        "inference_confidence": torch.tensor([[0.2, 0.4], [0.9, 1.0]]),
    }
    batch = TensorDict({keys.EXPERT: TensorDict(expert, [2, 2])}, [2, 2])
    one = meter(1.0, 1.0, rate=1 - 2**-16)
    one.measure(batch)
    assert_close(one.agreement, torch.tensor([0.25 * 1 + 0.75 * 0, 0.25 * 1 + 0.75 * 0.5]))
    assert one.certainty.item() == pytest.approx(0.75 * 0.5)


def test_without_held_out_transitions_there_is_nothing_to_measure():
    batch = TensorDict({keys.EXPERT: TensorDict({}, [1, 2])}, [1, 2])
    with pytest.raises(InputError, match="held_out is 0"):
        meter(1.0, 1.0).measure(batch)


@pytest.mark.parametrize("settings", [{"none_below": 0.85}, {"none_below": -0.1}, {"rate": 0.0}, {"certain_from": 1.1}])
def test_refuses_settings_out_of_range(settings):
    with pytest.raises(InputError, match="carry_over"):
        CarryOver(**settings)
