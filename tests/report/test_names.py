import pytest

from diiqn_lightning.errors import InputError
from diiqn_lightning.report.names import environment_name, expert_source


@pytest.mark.parametrize(
    ("env_id", "name"),
    [
        ("MinAtar/SpaceInvaders-v1", "space_invaders"),
        ("MinAtar/Breakout-v0", "breakout"),
        ("CartPole-v1", "cart_pole"),
        ("Maze2D-v0", "maze2d"),
        ("Some-Thing", "some_thing"),
        ("package.module:MyGame-v0", "my_game"),
    ],
)
def test_environment_names_are_those_of_the_configuration_files(env_id, name):
    assert environment_name(env_id) == name


def test_a_skill_is_the_shipped_file():
    assert expert_source("medium", "MinAtar/Breakout-v1").endswith("experts/breakout-medium.expert")


def test_anything_else_is_a_path():
    assert expert_source("some/where.expert", "MinAtar/Breakout-v1") == "some/where.expert"


def test_names_what_is_shipped_when_a_skill_is_not():
    with pytest.raises(InputError, match="breakout-medium"):
        expert_source("weak", "CartPole-v1")
