import math

import pytest
import torch
from torch.testing import assert_close

from diiqn_lightning import keys
from diiqn_lightning.algorithm.schedules import LinearSchedule
from diiqn_lightning.errors import InputError
from diiqn_lightning.modules import SEABO


def test_targets_have_the_bonus(batch, stepper):
    module = SEABO((2,), 2, discount=0.0, steepness=math.log(2), imitation_weight=3.0)
    batch[keys.EXPERT_DISTANCE] = torch.tensor([0.0, 1.0, 2.0, 3.0]).expand(2, 4)
    run = stepper(module)
    run.step(batch)
    # The environment's 2, and 3 · 2^−d.
    assert_close(run.batch[keys.TARGET][0], 2 + 3 * torch.tensor([1, 0.5, 0.25, 0.125]))


def test_the_bonus_falls_as_its_weight_is_told_to(batch, stepper):
    weight = LinearSchedule(3.0, 1.0, 100)
    module = SEABO((2,), 2, discount=0.0, imitation_weight=weight)
    batch[keys.EXPERT_DISTANCE] = torch.zeros(2, 4)
    run = stepper(module, frames=50)
    run.step(batch)
    assert_close(run.batch[keys.TARGET], torch.full((2, 4), 2 + 2.0))


def test_a_missing_callback_is_said(batch):
    with pytest.raises(InputError, match="expert_distance"):
        SEABO((2,), 2).imitation_reward(batch)


def test_wrong_steepness():
    with pytest.raises(InputError, match=r"model\.steepness is 0"):
        SEABO((2,), 2, steepness=0.0)
