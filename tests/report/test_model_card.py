"""What an export says of its values."""

import pytest

from diiqn_lightning.modules import DQN
from diiqn_lightning.modules.rivals import RILO, SEABO, GAIfO
from diiqn_lightning.report.model_card import _values


@pytest.mark.parametrize(
    ("algorithm", "words"),
    [
        (RILO, "and an imitation reward"),
        (SEABO, "and an imitation reward"),
        (GAIfO, "no reward"),
        (DQN, "the Q-values"),
    ],
)
def test_says_which_reward_values_are_of(algorithm, words):
    assert words in _values(algorithm((2,), 2))
