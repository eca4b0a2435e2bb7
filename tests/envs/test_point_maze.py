import sys

import numpy as np
import pytest
import torch

from diiqn_lightning.envs import make_gym_env, spec_of
from diiqn_lightning.envs.point_maze_planner import CarefulDriver, way_to_goal
from diiqn_lightning.errors import InputError

NORTH, EAST, SOUTH, WEST = range(4)


def test_a_missing_simulator_is_said_in_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "gymnasium_robotics.envs.maze.point_maze", None)
    with pytest.raises(InputError, match=r"\[robotics\]"):
        make_gym_env("PointMaze-v0")


def test_the_next_cell_is_on_the_way():
    following = way_to_goal(["#####", "#S..#", "###.#", "#G..#", "#####"])
    assert following[1, 1] == (1, 2)
    assert following[1, 3] == (2, 3)
    assert following[3, 1] == (3, 1)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [({"layout": "none"}, "layout"), ({"hold": 0}, "hold"), ({"action_set": "knight"}, "action_set")],
)
def test_bad_arguments_are_refused(arguments, field):
    with pytest.raises(InputError, match=f"data.env_kwargs.{field}"):
        make_gym_env("PointMaze-v0", env_kwargs=arguments)


def driven(env):
    """Return of the careful driver's episode."""
    policy = CarefulDriver(env)
    observation, _ = env.reset()
    total, over = 0.0, False
    while not over:
        step = env.step(int(policy(torch.from_numpy(observation[None]))[0]))
        observation, total, over = step[0], total + step[1], step[2] or step[3]
    return total


class TestSimulated:
    """Needs gymnasium-robotics."""

    @pytest.fixture(autouse=True)
    def _simulator(self):
        pytest.importorskip("mujoco")

    def test_observations_are_flat_numbers(self):
        env = make_gym_env("PointMaze-v0", env_kwargs={"action_set": "king"})
        spec = spec_of(env)
        assert (spec.observation_shape, spec.observation_dtype, spec.num_actions) == ((8,), "float32", 8)
        observation, _ = env.reset()
        assert observation.tolist() == [-1, 1, -1, -1, -1, 1, 0, 0]

    def test_forces_push_the_ball_their_way(self):
        env = make_gym_env("PointMaze-v0", env_kwargs={"action_set": "cardinal", "layout": "open"})
        env.reset()
        east, *_ = env.step(EAST)
        south, *_ = env.step(SOUTH)
        assert east[6] > 1
        assert abs(east[7]) < 1e-6
        assert south[7] < -1
        before, after = (env.unwrapped.place_of(state) for state in (east, south))
        assert after[0] > before[0]  # still drifting east
        assert after[1] > before[1]  # south is down in the picture

    def test_episodes_are_determined_by_their_actions(self):
        one, other = make_gym_env("PointMaze-v0"), make_gym_env("PointMaze-v0")
        other.restore(0, [EAST, EAST, NORTH])
        assert np.array_equal(one.restore(3, [EAST, SOUTH, WEST]), other.restore(3, [EAST, SOUTH, WEST]))

    def test_an_agent_can_make_its_own_steps_and_not_those_of_other_forces(self):
        driver, agent = (make_gym_env("PointMaze-v0", env_kwargs={"action_set": name}) for name in ("king", "cardinal"))
        here = driver.reset()[0]
        straight = driver.step(EAST)[0]
        driver.reset()
        diagonal = driver.step(5)[0]  # southeast: the wall to the south takes half of it
        assert agent.unwrapped.can_make(here, straight)
        assert driver.unwrapped.can_make(here, diagonal)
        open_driver = make_gym_env("PointMaze-v0", env_kwargs={"action_set": "diagonal", "layout": "open"})
        open_agent = make_gym_env("PointMaze-v0", env_kwargs={"action_set": "cardinal", "layout": "open"})
        first = open_driver.reset()[0]
        second = open_driver.step(1)[0]
        assert not open_agent.unwrapped.can_make(first, second)

    @pytest.mark.parametrize("brake", [False, True])
    def test_an_agent_can_make_the_step_that_reaches_the_goal(self, brake):
        env = make_gym_env("PointMaze-v0", env_kwargs={"action_set": "cardinal", "brake": brake})
        policy, observation, reached = CarefulDriver(env), env.reset()[0], False
        while not reached:
            before = observation
            observation, _, reached, *_ = env.step(int(policy(torch.from_numpy(observation[None]))[0]))
        assert env.unwrapped.can_make(before, observation)

    @pytest.mark.parametrize("action_set", ["cardinal", "diagonal"])
    def test_the_driver_arrives_slowly(self, action_set):
        env = make_gym_env("PointMaze-v0", env_kwargs={"action_set": action_set})
        assert 0.2 < driven(env) < 0.8

    def test_braked_the_ball_goes_as_far_in_each_direction_and_rests(self):
        env = make_gym_env("PointMaze-v0", env_kwargs={"action_set": "cardinal", "layout": "open", "brake": True})
        start = env.reset()[0]
        east, south = env.step(EAST)[0], env.step(SOUTH)[0]
        assert east[4] - start[4] == pytest.approx(0.24, abs=0.02)
        assert east[5] - south[5] == pytest.approx(east[4] - start[4], abs=1e-3)
        assert np.abs(np.concatenate([east[6:], south[6:]])).max() < 0.01
        assert env.unwrapped.can_make(start, east)
        assert not env.unwrapped.can_make(start, south)

    def test_the_driver_arrives_with_brakes_too(self):
        env = make_gym_env("PointMaze-v0", env_kwargs={"action_set": "diagonal", "layout": "large", "brake": True})
        assert 0.3 < driven(env) < 0.9
