from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest

from diiqn_lightning.envs import make_gym_env
from diiqn_lightning.envs.minatar_games import executed_action
from diiqn_lightning.envs.outcomes import copy_environment, tells_actions_apart


def test_left_and_right_differ_even_at_a_wall():
    env = make_gym_env("Corridor-v0", seed=0)
    env.reset()
    apart = []
    for _ in range(5):
        before = copy_environment(env)
        state, *_ = env.step(0)
        apart.append(tells_actions_apart(before, 0, state))
    assert apart == [True] * 5  # left against the wall stays where it is, right would move


def test_moves_against_a_wall_look_the_same():
    # Breakout: no operation, left, right. At the left wall, left is no operation.
    env = make_gym_env("MinAtar/Breakout-v1", seed=0)
    env.reset()
    env.unwrapped.game.sticky_action_prob = 0.0
    apart = []
    for position in (2, 1, 0):
        env.unwrapped.game.env.pos = position
        before = copy_environment(env)
        state, *_ = env.step(1)
        apart.append(tells_actions_apart(before, 1, state))
    assert apart == [True, True, False]


@pytest.mark.parametrize("game", ["Breakout", "Asterix"])
def test_agrees_with_playing_on_from_the_same_seed(game):
    """The same prefix of actions in fresh environments, one for each last action."""
    env = make_gym_env(f"MinAtar/{game}-v1", seed=3)
    env.reset()
    random = np.random.default_rng(0)
    answers = []
    for step in range(60):
        action = int(random.integers(env.action_space.n))
        before = copy_environment(env)
        state, _, terminated, truncated, _ = env.step(action)
        executed = executed_action(env, action)
        answer = tells_actions_apart(before, executed, state)
        answers.append(answer)
        if step % 6 == 0 and executed >= 0:
            outcomes = [played(game, [*env.actions[:-1]], other) for other in range(env.action_space.n)]
            assert np.array_equal(outcomes[executed], state)
            same = [np.array_equal(outcome, state) for outcome in outcomes]
            assert answer == (sum(same) == 1)
        if terminated or truncated:
            break
    assert any(answers)
    assert game == "Breakout" or not all(answers)  # random moves seldom reach Breakout's walls


def played(game, prefix, last):
    env = make_gym_env(f"MinAtar/{game}-v1", seed=3)
    env.restore(0, prefix)
    env.unwrapped.game.sticky_action_prob = 0.0
    return env.step(last)[0]


def test_the_environment_itself_is_left_alone():
    one, other = (make_gym_env("MinAtar/Asterix-v1", seed=1) for _ in range(2))
    one.reset()
    other.reset()
    for _ in range(30):
        before = copy_environment(one)
        state, *_ = one.step(1)
        tells_actions_apart(before, 1, state)
        assert np.array_equal(state, other.step(1)[0])


def test_what_cannot_be_copied_is_not():
    env = make_gym_env("Corridor-v0", seed=0)
    env.unwrapped.socket = Path(__file__).open()  # noqa: SIM115
    assert copy_environment(env) is None
    env.unwrapped.socket.close()


class Forbids(gym.Env):
    """Action 1 is not allowed."""

    observation_space = gym.spaces.Box(0, 1, (1,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def step(self, action):
        if action == 1:
            raise ValueError("illegal move")
        return np.zeros(1, np.float32), 0.0, False, False, {}


def test_an_action_that_the_environment_forbids_leads_nowhere():
    assert tells_actions_apart(Forbids(), 0, np.zeros(1, np.float32))
