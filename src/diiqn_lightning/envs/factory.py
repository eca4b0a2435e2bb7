"""Makes environments: one for looking at, or many that step together behind TorchRL's interface."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from importlib import import_module
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode

from diiqn_lightning.envs import minatar_games, registration
from diiqn_lightning.envs.actions import with_actions
from diiqn_lightning.envs.episodes import TRAINING, SeededEpisodes, SerialVectorEnv
from diiqn_lightning.envs.workers import WorkerVectorEnv
from diiqn_lightning.errors import InputError


@dataclass(frozen=True)
class EnvironmentSpec:
    """What a learner has to know of an environment.

    Args:
        observation_shape: of one observation.
        observation_dtype: NumPy's name of its type.
        num_actions: size of the discrete action space.
    """

    observation_shape: tuple[int, ...]
    observation_dtype: str
    num_actions: int


def make_gym_env(
    env_id: str,
    *,
    seed: int = 0,
    purpose: int = TRAINING,
    rank: int = 0,
    index: int = 0,
    max_episode_steps: int | None = None,
    env_kwargs: Mapping[str, Any] | None = None,
    render_mode: str | None = None,
) -> SeededEpisodes:
    """Make one Gymnasium environment whose episodes are seeded by their number.

    Dictionary and tuple observations are flattened, discrete ones become one-hot vectors, and
    float64 becomes float32.

    Args:
        env_id: any registered id with a discrete action space; ``module:id`` imports the module first.
        seed, purpose, rank, index: see :class:`SeededEpisodes`.
        max_episode_steps: truncate episodes there, unless the environment's own limit comes first.
        env_kwargs: handed to the environment. ``actions`` is for this project: another action set, see
            :func:`diiqn_lightning.envs.actions.with_actions`.
        render_mode: as in Gymnasium.

    Raises:
        InputError: for an unknown id, arguments that the environment does not take, an action space
            that is not discrete, or an observation space that cannot be flattened.
    """
    minatar_games.register()
    registration.register()
    if env_id not in gym.registry and ":" not in env_id:
        close = get_close_matches(env_id, gym.registry, n=1, cutoff=0.5)
        raise InputError(
            "data.env", env_id, f"use a registered Gymnasium id{f' such as {close[0]!r}' if close else ''}"
        )
    arguments = dict(env_kwargs or {})
    actions = arguments.pop("actions", None)
    if render_mode is not None:
        arguments["render_mode"] = render_mode
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module, _, name = env_id.rpartition(":")
            if module:  # Gymnasium imports it in make, and not in spec
                import_module(module)
            env: gym.Env[Any, Any] = gym.make(name, disable_env_checker=True, **arguments)
    except InputError:
        raise
    except Exception as error:  # an environment's constructor may raise anything for arguments that it does not take
        reason = " ".join(str(error).split())
        raise InputError(
            "data.env", env_id, f"this environment cannot be made ({reason}); mend that or choose another"
        ) from error
    if not isinstance(env.action_space, gym.spaces.Discrete):
        raise InputError(
            "data.env", env_id, f"choose an environment with discrete actions, this one has {env.action_space}"
        )
    if env.action_space.start != 0:
        raise InputError("data.env", env_id, "choose an environment whose discrete actions start at 0")
    if actions is not None:
        env = with_actions(env, actions)
    if max_episode_steps is not None:  # the agent's steps: one of them may be several of the environment's
        env = gym.wrappers.TimeLimit(env, max_episode_steps)
    return SeededEpisodes(_plain_observations(env, env_id), seed, purpose, rank, index)


def _plain_observations(env: gym.Env[Any, Any], env_id: str) -> gym.Env[Any, Any]:
    if not isinstance(env.observation_space, gym.spaces.Box):
        if not env.observation_space.is_np_flattenable:
            raise InputError(
                "data.env", env_id, f"wrap it to give arrays, its observation space is {env.observation_space}"
            )
        space = in_canonical_order(env.observation_space)
        env = gym.wrappers.TransformObservation(
            env, partial(gym.spaces.utils.flatten, space), gym.spaces.utils.flatten_space(space)
        )
    if env.observation_space.dtype not in (np.bool_, np.uint8, np.float32):
        env = gym.wrappers.DtypeObservation(env, np.float32)
    return env


def in_canonical_order(space: gym.Space[Any]) -> gym.Space[Any]:
    """The same space with dictionaries in the order of their keys.

    Gymnasium keeps the order in which a dictionary space was written and Minari does not, so that
    flattening with either's space would mix up environment and dataset.
    """
    if isinstance(space, gym.spaces.Dict):
        return gym.spaces.Dict({name: in_canonical_order(part) for name, part in sorted(space.spaces.items())})
    if isinstance(space, gym.spaces.Tuple):
        return gym.spaces.Tuple([in_canonical_order(part) for part in space.spaces])
    return space


def spec_of(env: gym.Env[Any, Any]) -> EnvironmentSpec:
    """Shapes and sizes of an environment that :func:`make_gym_env` made."""
    space = env.observation_space
    assert space.shape is not None
    assert isinstance(env.action_space, gym.spaces.Discrete)
    return EnvironmentSpec(tuple(space.shape), np.dtype(space.dtype).name, int(env.action_space.n))


def make_env(
    env_id: str,
    num_envs: int,
    *,
    seed: int = 0,
    purpose: int = TRAINING,
    rank: int = 0,
    max_episode_steps: int | None = None,
    env_kwargs: Mapping[str, Any] | None = None,
    workers: int = 0,
    worker_timeout: float = 60.0,
) -> Any:
    """Make ``num_envs`` environments that step together, as one TorchRL environment.

    They live in this process or in workers, which makes no difference to what they give, and are reset by TorchRL
    one by one when their episode ends
    (Gymnasium's own autoreset would put transitions from one episode's end to the next one's start
    into the replay buffer).

    Args:
        env_id, seed, purpose, rank, max_episode_steps, env_kwargs: see :func:`make_gym_env`.
        num_envs: how many.
        workers: processes that they are shared out among; 0 has them in this one.
        worker_timeout: seconds after which a worker that does not answer counts as hanging.

    Returns:
        A ``torchrl.envs.GymWrapper`` of batch size ``[num_envs]`` with integer actions ``[num_envs]``.

    Raises:
        InputError: as :func:`make_gym_env`, and for ``num_envs`` below 1.
    """
    from torchrl.envs import GymWrapper

    if num_envs < 1:
        raise InputError("data.num_envs", num_envs, "give a whole number of at least 1")
    make = partial(
        make_gym_env,
        env_id,
        seed=seed,
        purpose=purpose,
        rank=rank,
        max_episode_steps=max_episode_steps,
        env_kwargs=env_kwargs,
    )
    makes = [partial(make, index=index) for index in range(num_envs)]
    vector = (
        WorkerVectorEnv(makes, workers, worker_timeout)
        if workers
        else SerialVectorEnv(makes, autoreset_mode=AutoresetMode.DISABLED)
    )
    return GymWrapper(vector, categorical_action_encoding=True)
