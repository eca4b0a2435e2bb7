"""What an export says of its values."""

import pytest

from diiqn_lightning.modules import DQN
from diiqn_lightning.modules.rivals import RILO, SEABO, GAIfO
from diiqn_lightning.report.model_card import _front_matter, _results, _values


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


def test_a_run_that_was_never_evaluated_has_a_card():
    part = {"mean": None, "standard_error": None, "episodes": 0, "epsilon": 0.0}
    summary = {"algorithm": "dqn", "environment": "breakout", "expert": None, "eval": {"greedy": part}}
    assert _results("DQN", summary) == "This run was never evaluated."
    (model,) = _front_matter("DQN", "MinAtar/Breakout-v1", summary)["model-index"]
    assert model["results"][0]["metrics"] == []
