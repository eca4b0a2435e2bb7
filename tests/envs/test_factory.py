import gymnasium as gym
import numpy as np
import pytest
import torch

from diiqn_lightning.envs import make_env, make_gym_env, spec_of
from diiqn_lightning.envs.minatar_games import GAMES
from diiqn_lightning.errors import InputError


@pytest.mark.parametrize("game", GAMES)
@pytest.mark.parametrize(("version", "full"), [("v0", True), ("v1", False)])
def test_all_games_and_both_action_sets_step_together(game, version, full):
    env = make_env(f"MinAtar/{game}-{version}", num_envs=3)
    current = env.reset()
    current["action"] = torch.zeros(3, dtype=torch.int64)
    step, _ = env.step_and_maybe_reset(current)
    assert step["observation"].dtype == torch.bool
    assert (
        step["next", "observation"].shape
        == step["observation"].shape
        == (3, *spec_of(env._env.envs[0]).observation_shape)
    )
    assert (env.action_spec.space.n == 6) is full or game == "Seaquest"  # Seaquest needs all six


def test_vector_observations_are_float32():
    spec = spec_of(make_gym_env("CartPole-v1"))
    assert (spec.observation_shape, spec.observation_dtype, spec.num_actions) == ((4,), "float32", 2)


def test_discrete_observations_become_one_hot():
    env = make_gym_env("FrozenLake-v1")
    observation, _ = env.reset()
    assert observation.shape == (16,)
    assert observation.sum() == 1


def test_dictionary_observations_are_flattened():
    class Pair(gym.Env):
        observation_space = gym.spaces.Dict(a=gym.spaces.Box(0, 1, (2,)), b=gym.spaces.Box(0, 1, (3,)))
        action_space = gym.spaces.Discrete(2)

        def reset(self, *, seed=None, options=None):
            return {"a": np.zeros(2, np.float32), "b": np.ones(3, np.float32)}, {}

    gym.register("Pair-v0", entry_point=Pair)
    observation, _ = make_gym_env("Pair-v0").reset()
    assert observation.tolist() == [0, 0, 1, 1, 1]


def test_a_module_that_registers_the_environment_is_imported():
    env = make_gym_env("tests.conftest:Corridor-v1")
    assert env.spec.max_episode_steps == 30


def test_environment_arguments_and_step_limits_reach_the_environment():
    env = make_gym_env("MinAtar/Breakout-v1", env_kwargs={"sticky_action_prob": 0.0}, max_episode_steps=3)
    assert env.unwrapped.game.sticky_action_prob == 0.0
    env.reset()
    assert [env.step(0)[3] for _ in range(3)] == [False, False, True]


@pytest.mark.parametrize(
    ("env_id", "env_kwargs", "hint"),
    [
        ("MinAtar/Brakeout-v1", None, "MinAtar/Breakout-v1"),
        ("Pendulum-v1", None, "discrete actions"),
        ("MinAtar/Breakout-v1", {"no_such_argument": 1}, "cannot be made"),
        ("FrozenLake-v1", {"map_name": "9x9"}, "cannot be made .*9x9"),
    ],
)
def test_refuses_in_one_sentence(env_id, env_kwargs, hint):
    with pytest.raises(InputError, match=hint) as refusal:
        make_gym_env(env_id, env_kwargs=env_kwargs)
    assert "\n" not in str(refusal.value)


def test_refuses_no_environments():
    with pytest.raises(InputError, match="num_envs is 0"):
        make_env("CartPole-v1", 0)


def test_an_id_with_a_module_imports_it(tmp_path, monkeypatch):
    (tmp_path / "mine_to_import.py").write_text(
        "import gymnasium\n"
        "from tests.conftest import Corridor\n"
        "gymnasium.register('Imported-v0', Corridor, max_episode_steps=7)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with make_gym_env("mine_to_import:Imported-v0") as env:
        env.reset()
        steps = [env.step(0)[3] for _ in range(7)]
    assert steps == [False] * 6 + [True]
    with pytest.raises(InputError, match="cannot be made"):
        make_gym_env("no_such_module:Imported-v0")
