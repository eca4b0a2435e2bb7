"""A reward of the tests' own in place of a learned one."""

import pytest
import torch
from torch.testing import assert_close

from diiqn_lightning import keys
from diiqn_lightning.algorithm.schedules import LinearSchedule
from diiqn_lightning.modules.rivals.replaced_reward import ReplacedReward


class SecondCoordinate(ReplacedReward):
    """Rewards the second coordinate of the state that is left."""

    def imitation_reward(self, batch):
        return batch.get(keys.OBSERVATION)[..., 1]


@pytest.mark.parametrize(
    ("environment_weight", "imitation_weight", "now"),
    [(0.0, 1.0, 1.0), (1.0, 0.5, 0.5), (2.0, LinearSchedule(4.0, 0.0, 100), 3.0)],
    ids=["imitation alone", "both", "a weight that falls"],
)
def test_targets_are_of_the_weighted_sum(environment_weight, imitation_weight, now, batch, stepper):
    module = SecondCoordinate((2,), 2, environment_weight, imitation_weight, discount=0.0)
    run = stepper(module, frames=25)
    logged = run.step(batch)
    earned = batch[keys.OBSERVATION][..., 1]
    assert_close(run.batch[keys.TARGET], environment_weight * 2.0 + now * earned)
    assert_close(logged["imitation/reward"], earned)  # without its weight


def test_without_a_weight_of_its_own_the_environments_reward_is_not_seen(batch, stepper):
    targets = []
    for reward in (2.0, float("inf")):
        torch.manual_seed(0)
        run = stepper(SecondCoordinate((2,), 2, 0.0, 1.0))
        batch[keys.REWARD].fill_(reward)
        run.step(batch)
        targets.append(run.batch[keys.TARGET])
    assert torch.equal(*targets)


def test_values_of_the_sum_are_not_bounded_by_the_environments_rewards():
    assert not SecondCoordinate((2,), 2, 1.0, 1.0).sees_reward
