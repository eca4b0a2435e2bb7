"""What MinAtar needs beyond Gymnasium's interface."""

from typing import Any

import gymnasium as gym

from diiqn_lightning.envs.actions import renumbered

GAMES = ("Asterix", "Breakout", "Freeway", "Seaquest", "SpaceInvaders")


def register() -> None:
    """Make ``MinAtar/<Game>-v0`` (six actions) and ``-v1`` (minimal actions) known to Gymnasium.

    Gymnasium 1.x does not run MinAtar's own entry point. Each process that makes environments calls
    this; calling it again does nothing.
    """
    if "MinAtar/Breakout-v1" not in gym.registry:
        from minatar.gym import register_envs

        register_envs()


def _game(env: gym.Env[Any, Any]) -> Any:
    return getattr(env.unwrapped, "game", None) if type(env.unwrapped).__module__ == "minatar.gym" else None


def clear_last_action(env: gym.Env[Any, Any]) -> None:
    """Forget the action that sticky actions would repeat in the next episode's first step.

    MinAtar keeps it over a reset, so that a used and a fresh environment would differ after the
    same seed. Other environments are left alone.
    """
    game = _game(env)
    if game is not None:
        game.last_action = 0


def executed_action(env: gym.Env[Any, Any], commanded: int) -> int:
    """Action that the last step really executed: MinAtar's sticky actions may repeat the one before.

    Args:
        env: the environment after the step.
        commanded: the action that was asked for.

    Returns:
        Index in the environment's action space, or −1 where the executed action is not in it (the
        first step of an episode may execute "no operation", which minimal action sets can lack).
    """
    game = _game(env)
    if game is None:
        return commanded
    actions = list(env.unwrapped.action_set)  # type: ignore[attr-defined]
    return renumbered(env, actions.index(game.last_action)) if game.last_action in actions else -1


def without_sticky_actions(env: gym.Env[Any, Any]) -> None:
    """Let the environment execute what it is asked for from now on; other environments are left alone."""
    game = _game(env)
    if game is not None:
        game.sticky_action_prob = 0.0
