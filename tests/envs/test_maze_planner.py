import numpy as np
import pytest
import torch

from diiqn_lightning.envs import make_gym_env
from diiqn_lightning.envs.maze_planner import DetourPlanner, LostPlanner, ShortestPlanner, cheapest_actions


def played(env, policy):
    """Return of an episode."""
    observation, _ = env.reset()
    total, over = 0.0, False
    while not over:
        observation, reward, terminated, truncated, _ = env.step(int(policy(torch.from_numpy(observation[None]))[0]))
        total, over = total + reward, terminated or truncated
    return total


@pytest.mark.parametrize("observation", ["planes", "coordinates"])
@pytest.mark.parametrize("action_set", ["cardinal", "king", "knight"])
def test_it_reaches_the_goal_and_not_by_the_shortest_way(action_set, observation):
    arguments = {"layout": "large", "action_set": action_set, "observation": observation}
    env = make_gym_env("Maze2D-v0", env_kwargs=arguments)
    reached = played(env, DetourPlanner(env))
    assert 0 < reached < env.unwrapped.optimal_return()


def test_skills_differ():
    env = make_gym_env("Maze2D-v0", env_kwargs={"layout": "medium", "action_set": "king"})
    returns = [played(env, planner(env)) for planner in (LostPlanner, DetourPlanner, ShortestPlanner)]
    assert returns == sorted(set(returns))
    assert returns[-1] == pytest.approx(env.unwrapped.optimal_return())


def test_with_the_true_costs_it_would_be_the_shortest_way():
    env = make_gym_env("Maze2D-v0", env_kwargs={"layout": "large"})
    maze = env.unwrapped
    actions = cheapest_actions(maze, np.ones(maze.maze.shape))
    policy = lambda states: torch.tensor([actions[maze.cell_of(state)] for state in states.numpy()])  # noqa: E731
    assert played(env, policy) == pytest.approx(maze.optimal_return())
