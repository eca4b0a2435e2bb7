import numpy as np
import pytest

from diiqn_lightning.envs import make_gym_env
from diiqn_lightning.envs.pictures import enlarged, state_painter


def test_small_pictures_are_enlarged_and_numbers_become_bytes():
    picture = np.zeros((2, 3, 3))
    picture[1, 2] = 1.0
    large = enlarged(picture, pixels=6)
    assert large.shape == (4, 6, 3)
    assert large.dtype == np.uint8
    assert (large[2:, 4:] == 255).all()
    assert large.sum() == 4 * 3 * 255


def test_large_pictures_stay():
    picture = np.arange(300 * 3, dtype=np.uint8).reshape(300, 1, 3)
    assert np.array_equal(enlarged(picture, pixels=240), picture)


@pytest.mark.parametrize("env_id", ["MinAtar/Breakout-v1", "MinAtar/Seaquest-v0"])
def test_a_games_state_is_drawn_as_the_game_draws_itself(env_id):
    with make_gym_env(env_id, render_mode="rgb_array") as env:
        paint = state_painter(env)
        observation, _ = env.reset()
        earlier = observation, enlarged(env.render())
        for action in (1, 2, 0, 1):
            observation, *_ = env.step(action)
        now = enlarged(env.render())
        assert not np.array_equal(now, earlier[1])
        assert np.array_equal(paint(earlier[0]), earlier[1])
        assert np.array_equal(paint(observation), now)
        assert np.array_equal(enlarged(env.render()), now)  # painting changes nothing in the game


@pytest.mark.parametrize("env_id", ["Maze2D-v0", "PointMaze-v0"])
def test_a_mazes_state_is_drawn_on_its_map(env_id):
    with make_gym_env(env_id, render_mode="rgb_array") as env:
        paint = state_painter(env)
        observation, _ = env.reset()
        plan = enlarged(env.unwrapped.map_picture())
        drawn = paint(observation)
        rows, columns = np.nonzero((drawn != plan).any(2))
        scale = len(plan) / len(env.unwrapped.map_picture())
        x, y = env.unwrapped.place_of(observation)
        assert (columns.mean() + 0.5) / scale - 0.5 == pytest.approx(x, abs=0.1)
        assert (rows.mean() + 0.5) / scale - 0.5 == pytest.approx(y, abs=0.1)


def test_vectors_without_a_map_are_not_drawn():
    with make_gym_env("CartPole-v1", render_mode="rgb_array") as env:
        assert state_painter(env) is None
