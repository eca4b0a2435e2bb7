"""Another action set for any discrete environment: some of its actions, or moves made of several."""

from collections.abc import Mapping, Sequence
from typing import Any, SupportsFloat

import gymnasium as gym

from diiqn_lightning.errors import InputError

FIELD = "data.env_kwargs.actions"

Action = int | str
"""Number of an action, or its name where the environment has names."""


class ActionMap(gym.Wrapper[Any, Any, Any, Any]):
    """Each action is a sequence of the environment's own actions, taken one after another.

    Rewards of a sequence are summed, and it ends early with the episode. One frame of the agent is then
    several of the environment's: frames, budgets and step limits count the agent's.

    Args:
        env: an environment with discrete actions.
        sequences: the environment's actions behind each action, by number or name.

    Raises:
        InputError: for no actions, empty sequences, and actions that the environment does not have.
    """

    def __init__(self, env: gym.Env[Any, Any], sequences: Sequence[Sequence[Action]]) -> None:
        super().__init__(env)
        if not sequences or not all(sequences):
            raise InputError(FIELD, list(sequences), "name at least one action, and at least one in each sequence")
        self.sequences = [[action_number(env, action) for action in sequence] for sequence in sequences]
        self.action_space = gym.spaces.Discrete(len(self.sequences))

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        """Take the sequence."""
        total = 0.0
        for own in self.sequences[int(action)]:
            observation, reward, terminated, truncated, info = self.env.step(own)
            total += float(reward)
            if terminated or truncated:
                break
        return observation, total, terminated, truncated, info


class ActionSubset(ActionMap):
    """Some of the environment's own actions, renumbered in the given order.

    Args:
        env: an environment with discrete actions.
        actions: which, by number or name.

    Raises:
        InputError: as :class:`ActionMap`, and for an action that is there twice.
    """

    def __init__(self, env: gym.Env[Any, Any], actions: Sequence[Action]) -> None:
        super().__init__(env, [[action] for action in actions])
        if len({sequence[0] for sequence in self.sequences}) < len(self.sequences):
            raise InputError(FIELD, list(actions), "name each action once")


def with_actions(env: gym.Env[Any, Any], actions: Sequence[Action | Sequence[Action]]) -> gym.Env[Any, Any]:
    """The environment with another action set: single actions make a subset, sequences a map.

    Args:
        env: an environment with discrete actions.
        actions: numbers or names, or sequences of them.
    """
    if isinstance(actions, str) or not isinstance(actions, Sequence):
        raise InputError(FIELD, actions, "give a list of actions, by number or name")
    for action in actions:
        if not isinstance(action, int | str | Sequence):
            raise InputError(FIELD, action, "give numbers or names of actions, or lists of them")
    if all(isinstance(action, int | str) for action in actions):
        return ActionSubset(env, actions)  # type: ignore[arg-type]
    return ActionMap(env, [[action] if isinstance(action, int | str) else action for action in actions])


def renumbered(env: gym.Env[Any, Any], own: int) -> int:
    """The number under which an agent knows one of the environment's own actions; −1 if it does not have it.

    Args:
        env: with or without another action set.
        own: number of the action in the environment itself.
    """
    while isinstance(env, gym.Wrapper):
        if isinstance(env, ActionMap):
            return env.sequences.index([own]) if [own] in env.sequences else -1
        env = env.env
    return own


def action_number(env: gym.Env[Any, Any], action: Action) -> int:
    """Number of an action of the environment's by its number or name.

    Raises:
        InputError: if it has none such.
    """
    space = env.action_space
    assert isinstance(space, gym.spaces.Discrete)
    names = action_names(env)
    if action in names:
        return names.index(str(action))
    if isinstance(action, int) and not isinstance(action, bool) and 0 <= action < space.n:
        return action
    known = f"one of {', '.join(names)}, or " if names else ""
    raise InputError(FIELD, action, f"give {known}a number from 0 to {int(space.n) - 1}")


def action_meanings(env: gym.Env[Any, Any]) -> list[tuple[str, ...]]:
    """What each of an agent's actions is: names of the environment's own actions, or numbers where it has none.

    Args:
        env: with or without another action set.
    """
    names = action_names(env)
    return [tuple(names[own] if names else str(own) for own in sequence) for sequence in own_actions(env)]


def own_actions(env: gym.Env[Any, Any]) -> list[list[int]]:
    """Numbers of the environment's own actions behind each of an agent's.

    Args:
        env: with or without another action set.
    """
    inner: Any = env
    while isinstance(inner, gym.Wrapper) and not isinstance(inner, ActionMap):
        inner = inner.env
    if isinstance(inner, ActionMap):
        return inner.sequences
    assert isinstance(env.action_space, gym.spaces.Discrete)
    return [[number] for number in range(int(env.action_space.n))]


def action_names(env: gym.Env[Any, Any]) -> list[str]:
    """Names of the environment's actions in the order of their numbers; empty where it has none."""
    inner: Any = env.unwrapped
    if type(inner).__module__ == "minatar.gym":
        return [inner.game.env.action_map[number] for number in inner.action_set]
    names: Any = getattr(inner, "moves", None)
    if not isinstance(names, Mapping):  # another environment's attribute of this name may be anything
        names = inner.get_action_meanings() if hasattr(inner, "get_action_meanings") else []
    names = [str(name) for name in names]
    return names if len(names) == getattr(inner.action_space, "n", None) else []
