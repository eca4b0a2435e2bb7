"""Whether an expert's actions are the agent's: only then do their numbers mean the same."""

from collections.abc import Mapping
from typing import Any

from diiqn_lightning.envs import make_gym_env
from diiqn_lightning.envs.actions import action_meanings
from diiqn_lightning.errors import InputError


def has_actions_of(card: Mapping[str, Any], env_id: str, env_kwargs: Mapping[str, Any] | None) -> bool:
    """Whether a dataset's actions are those of an environment, by name where they have names, and in the same order.

    Versions of a game, its ``action_set`` and ``data.env_kwargs.actions`` make the difference.

    Args:
        card: of the dataset. Where it says of no environment, or of one that cannot be made here, the numbers are
            taken for the agent's, as nothing says otherwise.
        env_id: Gymnasium id of the agent's environment.
        env_kwargs: of the agent's environment.
    """
    recorded_in, arguments = card.get("environment"), card.get("environment_arguments") or {}
    if not isinstance(recorded_in, str) or not isinstance(arguments, Mapping):
        return True
    # A dataset may be a stranger's: it has no module imported but the one that the agent's own environment is from.
    if (module := recorded_in.rpartition(":")[0]) and module != env_id.rpartition(":")[0]:
        return True
    try:
        theirs = _meanings(recorded_in, arguments)
    except (InputError, TypeError, ValueError):
        return True
    return theirs == _meanings(env_id, env_kwargs)


def _meanings(env_id: str, env_kwargs: Mapping[str, Any] | None) -> list[tuple[str, ...]]:
    env = make_gym_env(env_id, env_kwargs=env_kwargs)
    meanings = action_meanings(env)
    env.close()
    return meanings
