"""What other actions would have led to: a question that only a copy of the environment can answer."""

import copy
from typing import Any

import gymnasium as gym
import numpy as np

from diiqn_lightning.envs.minatar_games import without_sticky_actions


def copy_environment(env: gym.Env[Any, Any]) -> gym.Env[Any, Any] | None:
    """An independent copy with the same random numbers to come, or ``None`` if it cannot be copied."""
    try:
        return copy.deepcopy(env)
    except Exception:
        # Windows, simulators and sockets fail in ways of their own.
        return None


def tells_actions_apart(before: gym.Env[Any, Any], executed: int, next_state: Any) -> bool:
    """Whether no other action would have led to the same next state.

    Where it would, nobody can tell from the states which action was executed: moves against a wall,
    or frames in which the game holds the player still.

    Args:
        before: a copy of the environment before the step; it is used up.
        executed: the action that was executed; −1 if it is not in the action space.
        next_state: the observation after it.
    """
    without_sticky_actions(before)
    others = [action for action in range(before.action_space.n) if action != executed]  # type: ignore[attr-defined]
    for number, action in enumerate(others, start=1):
        twin = before if number == len(others) else copy.deepcopy(before)
        try:
            state, *_ = twin.step(action)
        except Exception:  # an environment's own, that forbids the action here: it leads nowhere
            continue
        if np.array_equal(state, next_state):
            return False
    return executed >= 0
