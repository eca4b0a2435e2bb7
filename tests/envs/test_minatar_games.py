from diiqn_lightning.envs import make_gym_env
from diiqn_lightning.envs.minatar_games import executed_action, seed_in_place


def test_sticky_actions_show_in_the_executed_action():
    env = make_gym_env("MinAtar/Breakout-v1", env_kwargs={"sticky_action_prob": 1.0})
    env.reset()
    env.step(2)
    # The episode begins with "no operation", which sticky actions repeat for ever.
    assert executed_action(env, commanded=2) == 0


def test_without_stickiness_the_command_is_executed():
    env = make_gym_env("MinAtar/Breakout-v1", env_kwargs={"sticky_action_prob": 0.0})
    env.reset()
    for action in (2, 0, 1):
        env.step(action)
        assert executed_action(env, action) == action


def test_other_environments_execute_what_they_are_told():
    env = make_gym_env("CartPole-v1")
    env.reset()
    assert executed_action(env, 1) == 1


def test_a_game_is_seeded_in_place_once_it_has_been_reset_with_a_seed():
    env = make_gym_env("MinAtar/Asterix-v1")
    assert not seed_in_place(env.env, 7)
    fresh, _ = env.env.reset(seed=7)
    drawn = env.unwrapped.game.random.randint(1 << 30, size=5).tolist()
    assert seed_in_place(env.env, 7)
    again, _ = env.env.reset()
    assert (again == fresh).all()
    assert env.unwrapped.game.random.randint(1 << 30, size=5).tolist() == drawn


def test_other_environments_are_not_seeded_in_place():
    assert not seed_in_place(make_gym_env("CartPole-v1"), 7)
