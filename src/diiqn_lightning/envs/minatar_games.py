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


def is_game(env: gym.Env[Any, Any]) -> bool:
    """Whether an environment is one of MinAtar's."""
    return _game(env) is not None


class _Standing:
    """A game that stands still in a state."""

    visualized = False

    def __init__(self, state: Any) -> None:
        self._state = state

    def state(self) -> Any:
        return self._state


def picture_of(env: gym.Env[Any, Any], state: Any) -> Any:
    """What a game would show if it were in a state: ``[10, 10, 3]`` numbers in [0, 1].

    Args:
        env: one of MinAtar's, made with ``render_mode="rgb_array"``; it is as before afterwards.
        state: ``[10, 10, C]`` bool.
    """
    inner: Any = env.unwrapped
    game, inner.game = inner.game, _Standing(state)
    try:
        return inner.render()
    finally:
        inner.game = game


def clear_last_action(env: gym.Env[Any, Any]) -> None:
    """Forget the action that sticky actions would repeat in the next episode's first step.

    MinAtar keeps it over a reset, so that a used and a fresh environment would differ after the
    same seed. Other environments are left alone.
    """
    game = _game(env)
    if game is not None:
        game.last_action = 0


def seed_in_place(env: gym.Env[Any, Any], seed: int) -> bool:
    """Seed a game as its reset would, without new generators.

    MinAtar makes a generator for each seed, which takes as long as forty of its frames; seeding the one that is there
    gives the same numbers.

    Args:
        env: any environment.
        seed: of the next episode.

    Returns:
        Whether it is seeded: its reset then needs no seed. False for other environments, and for a game that has not
        been reset with a seed yet.
    """
    game: Any = _game(env)
    if game is None or game.env.random is not game.random:
        return False
    game.random.seed(seed)
    return True


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
