import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from diiqn_lightning.envs import make_gym_env, spec_of
from diiqn_lightning.envs.maze2d import Maze2D
from diiqn_lightning.errors import InputError

NORTH, EAST, SOUTH, WEST = range(4)


@pytest.mark.parametrize("observation", ["planes", "coordinates"])
@pytest.mark.filterwarnings("ignore:.*(bool|low|high|Box|render).*")
def test_it_keeps_gymnasiums_rules(observation):
    check_env(Maze2D("small", observation=observation, render_mode="rgb_array"), skip_render_check=False)


def test_it_is_made_by_its_id_with_arguments():
    env = make_gym_env("Maze2D-v0", env_kwargs={"layout": "small", "action_set": "king"})
    spec = spec_of(env)
    assert (spec.observation_shape, spec.observation_dtype, spec.num_actions) == ((9, 9, 3), "bool", 8)
    env = make_gym_env("Maze2D-v0", env_kwargs={"layout": "random", "size": 7, "observation": "coordinates"})
    assert (spec_of(env).observation_shape, spec_of(env).observation_dtype) == ((4,), "float32")


@pytest.mark.parametrize("observation", ["planes", "coordinates"])
def test_a_cell_can_be_read_from_its_observation(observation):
    maze = Maze2D("medium", observation=observation)
    for cell in np.argwhere(~maze.maze.walls):
        assert maze.cell_of(maze.observe(tuple(cell))) == tuple(cell)


def test_steps_cost_the_goal_pays_and_walls_hold():
    maze = Maze2D("random", size=5, loops=1.0)
    maze.reset(seed=0)
    assert maze.step(NORTH)[1:4] == (-0.01, False, False)
    assert maze.cell == (1, 1)
    for action in (EAST, EAST, SOUTH):
        assert maze.step(action)[1:4] == (-0.01, False, False)
    assert maze.step(SOUTH)[1:4] == (1.0, True, False)
    # Four steps: 1 − 3 · 0.01.
    assert maze.optimal_return() == pytest.approx(0.97)


def test_an_episode_is_cut_off():
    maze = Maze2D("small", max_steps=2)
    maze.reset()
    assert maze.step(NORTH)[3] is False
    assert maze.step(NORTH)[2:4] == (False, True)


def test_feasible_is_what_one_of_the_moves_can_make():
    king, agent = Maze2D("small", "king"), Maze2D("small", "cardinal")
    here, diagonal, below = (king.observe(cell) for cell in ((1, 1), (2, 2), (2, 1)))
    assert king.can_make(here, diagonal)
    assert not agent.can_make(here, diagonal)
    assert agent.can_make(here, below)
    assert agent.can_make(here, here)  # against the wall


def test_a_goal_out_of_reach_is_said():
    assert Maze2D("small", "cardinal").warning([[0], [1], [2], [3]]) is None
    assert "cannot be reached" in Maze2D("small", "north+west").warning([[0], [1]])
    assert Maze2D("small", "north+west", max_steps=50).optimal_return() == pytest.approx(-0.5)


def test_a_goal_out_of_reach_is_one_of_the_agents_actions():
    maze = Maze2D("small", "cardinal")
    assert "(north, west)" in maze.warning([[NORTH], [WEST]])
    assert maze.warning([[SOUTH, SOUTH], [EAST], [WEST], [NORTH]]) is None
    assert "(east-west, south-north)" in maze.warning([[EAST, WEST], [SOUTH, NORTH]])
    # The goal ends an episode in the middle of an action.
    near = Maze2D("random", size=5, loops=1.0)
    assert near.warning([[EAST, EAST, SOUTH, SOUTH, NORTH]]) is None


def test_the_picture_shows_walls_agent_and_goal():
    maze = Maze2D("small", render_mode="rgb_array")
    before = maze.render()
    assert before.shape == (72, 72, 3)
    assert before.dtype == np.uint8
    maze.step(EAST)
    assert not np.array_equal(before, maze.render())
    assert maze.place_of(maze.observe((1, 2))) == (2.0, 1.0)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"layout": "none"}, "layout"),
        ({"observation": "pixels"}, "observation"),
        ({"action_set": "queen"}, "action_set"),
        ({"max_steps": 0}, "max_steps"),
    ],
)
def test_bad_arguments_are_refused_in_one_sentence(arguments, field):
    with pytest.raises(InputError, match=f"data.env_kwargs.{field}"):
        make_gym_env("Maze2D-v0", env_kwargs=arguments)
