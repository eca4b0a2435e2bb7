import pytest

from diiqn_lightning.experts.action_sets import has_actions_of

POINTS = {"environment": "PointMaze-v0", "environment_arguments": {"action_set": "diagonal"}}


@pytest.mark.parametrize(
    ("card", "env_id", "env_kwargs", "same"),
    [
        (POINTS, "PointMaze-v0", {"action_set": "diagonal"}, True),
        (POINTS, "PointMaze-v0", {"action_set": "cardinal"}, False),
        ({"environment": "MinAtar/Breakout-v1"}, "MinAtar/Breakout-v1", {"sticky_action_prob": 0.0}, True),
        ({"environment": "MinAtar/Breakout-v0"}, "MinAtar/Breakout-v1", None, False),
        ({"environment": "MinAtar/Breakout-v1"}, "MinAtar/Breakout-v1", {"actions": ["r", "l", "n"]}, False),
        ({"environment": "MinAtar/Breakout-v1"}, "MinAtar/Breakout-v1", {"actions": ["n", "l", "r"]}, True),
        ({}, "MinAtar/Breakout-v1", None, True),
        ({"environment": "Elsewhere-v3"}, "MinAtar/Breakout-v1", None, True),
        # What a stranger's card may say.
        ({"environment": "MinAtar/Breakout-v0", "environment_arguments": "abc"}, "MinAtar/Breakout-v1", None, True),
        ({**POINTS, "environment_arguments": {"actions": [["n"], 3.5]}}, "PointMaze-v0", None, True),
    ],
)
def test_by_name_and_in_order(card, env_id, env_kwargs, same):
    assert has_actions_of(card, env_id, env_kwargs) == same


def test_a_card_has_no_module_imported(tmp_path, monkeypatch):
    (tmp_path / "a_strangers.py").write_text("raise SystemExit('imported')\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert has_actions_of({"environment": "a_strangers:CartPole-v1"}, "CartPole-v1", None)
    with pytest.raises(SystemExit):  # the agent's own environment is one that the user has named
        has_actions_of({"environment": "a_strangers:CartPole-v1"}, "a_strangers:CartPole-v1", None)
