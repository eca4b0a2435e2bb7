import numpy as np
import pytest
import torch

from diiqn_lightning.envs import make_env, make_gym_env
from diiqn_lightning.envs.episodes import EVALUATION, restore_running_episodes, running_episodes
from diiqn_lightning.envs.minatar_games import GAMES


def play(env, steps, seed=0):
    """States of some steps with random actions, over episodes' ends."""
    random = np.random.default_rng(seed)
    states = [env.reset()[0]]
    for _ in range(steps):
        state, _, terminated, truncated, _ = env.step(int(random.integers(3)))
        states.append(state)
        if terminated or truncated:
            states.append(env.reset()[0])
    return states


@pytest.mark.parametrize("game", GAMES)
def test_an_episode_depends_on_its_number_alone(game):
    used, fresh = (make_gym_env(f"MinAtar/{game}-v1", seed=5) for _ in range(2))
    play(used, 300)
    number = used.episode
    used.episode -= 1
    again = play(used, 50, seed=1)
    fresh.episode = number - 1
    assert all(np.array_equal(a, b) for a, b in zip(again, play(fresh, 50, seed=1), strict=True))


def test_seed_purpose_rank_and_index_each_give_other_episodes():
    variants = [{}, {"seed": 1}, {"purpose": EVALUATION}, {"rank": 1}, {"index": 1}]
    games = [np.stack(play(make_gym_env("MinAtar/Asterix-v1", **variant), 200)[:150]) for variant in variants]
    for i in range(len(games)):
        for j in range(i):
            assert not np.array_equal(games[i], games[j])


def test_a_running_episode_is_restored_by_its_actions():
    env = make_gym_env("MinAtar/SpaceInvaders-v1", seed=2)
    play(env, 137)
    other = make_gym_env("MinAtar/SpaceInvaders-v1", seed=2)
    observation = other.restore(env.episode, list(env.actions))
    assert np.array_equal(observation, env.unwrapped.game.state())
    assert np.array_equal(env.step(1)[0], other.step(1)[0])


def test_environments_that_step_together_are_restored_together():
    def step(env, current, count, generator):
        states = []
        for _ in range(count):
            current["action"] = torch.randint(0, 3, (4,), generator=generator)
            step, current = env.step_and_maybe_reset(current)
            states.append(step["next", "observation"].clone())
        return states, current

    generator = torch.Generator().manual_seed(0)
    env = make_env("MinAtar/Breakout-v1", 4, seed=9)
    _, current = step(env, env.reset(), 60, generator)
    saved, remembered = running_episodes(env), generator.get_state()
    expected, _ = step(env, current, 60, generator)

    other = make_env("MinAtar/Breakout-v1", 4, seed=9)
    restored = restore_running_episodes(other, saved)
    assert torch.equal(restored["observation"], current["observation"])
    generator.set_state(remembered)
    got, _ = step(other, restored, 60, generator)
    assert all(torch.equal(a, b) for a, b in zip(got, expected, strict=True))
