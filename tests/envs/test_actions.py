import gymnasium as gym
import numpy as np
import pytest

from diiqn_lightning.envs import make_gym_env, spec_of
from diiqn_lightning.envs.actions import action_meanings, action_names
from diiqn_lightning.envs.minatar_games import executed_action
from diiqn_lightning.errors import InputError


def minatar(game, actions, **more):
    return make_gym_env(f"MinAtar/{game}", env_kwargs={"actions": actions, "sticky_action_prob": 0.0, **more})


def test_minatars_actions_have_names():
    assert action_names(make_gym_env("MinAtar/Breakout-v1")) == ["n", "l", "r"]
    assert action_names(make_gym_env("CartPole-v1")) == []


def test_a_subset_renumbers_actions_given_by_name_or_number():
    whole = minatar("Breakout-v1", ["n", "l", "r"])
    for actions in (["r", "n"], [2, 0]):
        part = minatar("Breakout-v1", actions)
        assert spec_of(part).num_actions == 2
        whole.restore(0, [2, 0, 2])
        part.restore(0, [0, 1, 0])
        assert np.array_equal(whole.unwrapped.game.state(), part.unwrapped.game.state())


def test_a_map_takes_its_actions_one_after_another_and_sums_their_rewards():
    seaquest = make_gym_env("MinAtar/Seaquest-v0", env_kwargs={"sticky_action_prob": 0.0})
    compound = minatar("Seaquest-v0", [["l", "f"], ["r", "f"], "n"])
    assert spec_of(compound).num_actions == 3
    names = action_names(seaquest)
    seaquest.restore(0, [names.index(name) for name in "lfrfn"])
    compound.restore(0, [0, 1, 2])
    assert np.array_equal(seaquest.unwrapped.game.state(), compound.unwrapped.game.state())
    pole = make_gym_env("CartPole-v1", env_kwargs={"actions": [[0, 1, 0], [1]]})
    pole.reset()
    assert pole.step(0)[1] == 3.0


def test_a_sequence_ends_with_the_episode():
    pole = make_gym_env("CartPole-v1", env_kwargs={"actions": [[1] * 50]})
    pole.reset()
    _, reward, terminated, _, _ = pole.step(0)
    assert terminated
    assert reward < 50


def test_the_executed_action_is_told_in_the_agents_numbers():
    env = minatar("Breakout-v1", ["r", "l"])
    env.reset()
    env.step(1)
    assert executed_action(env, 1) == 1
    compound = minatar("Breakout-v1", [["l", "l"]])
    compound.reset()
    compound.step(0)
    assert executed_action(compound, 0) == -1


@pytest.mark.parametrize(
    ("actions", "hint"),
    [
        ([], "at least one"),
        ([[]], "at least one"),
        (["x"], "n, l, r"),
        ([3], "from 0 to 2"),
        (["l", 1], "once"),
        ("l", "list"),
        (2, "list"),
    ],
)
def test_bad_action_sets_are_refused(actions, hint):
    with pytest.raises(InputError, match=hint):
        minatar("Breakout-v1", actions)


def test_step_limits_count_the_agents_steps():
    env = make_gym_env("MinAtar/Seaquest-v1", env_kwargs={"actions": [["l", "f"], ["r", "f"]]}, max_episode_steps=4)
    env.reset()
    assert [env.step(0)[3] for _ in range(4)] == [False, False, False, True]


def test_actions_are_told_by_what_they_do():
    assert action_meanings(minatar("Breakout-v1", ["r", ["l", "n"]])) == [("r",), ("l", "n")]
    assert action_meanings(make_gym_env("MinAtar/Breakout-v1")) == [("n",), ("l",), ("r",)]
    assert action_meanings(make_gym_env("CartPole-v1", env_kwargs={"actions": [1]})) == [("1",)]
    assert action_meanings(make_gym_env("CartPole-v1")) == [("0",), ("1",)]


class Grid(gym.Env):
    """Four ways and staying; what it calls moves are the ways alone."""

    moves = ((-1, 0), (0, 1), (1, 0), (0, -1))
    observation_space = gym.spaces.Box(0, 4, (2,), np.float32)
    action_space = gym.spaces.Discrete(5)


def test_moves_that_are_not_the_actions_names_are_no_names():
    assert action_names(Grid()) == []
    assert action_meanings(Grid()) == [("0",), ("1",), ("2",), ("3",), ("4",)]


@pytest.mark.parametrize("actions", [[0.5], [1.0, 0]])
def test_a_fraction_of_an_action_is_refused(actions):
    with pytest.raises(InputError, match="give numbers or names of actions"):
        minatar("Breakout-v1", actions)
