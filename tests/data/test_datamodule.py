import pytest

from diiqn_lightning.data import EvaluationSettings, ReplayDataModule
from diiqn_lightning.errors import InputError


def test_knows_the_environment_before_training():
    data = ReplayDataModule("MinAtar/Seaquest-v1")
    assert data.observation_shape == (10, 10, 10)
    assert data.num_actions == 6
    assert data.replay_ratio == 8


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"num_envs": 0}, "data.num_envs is 0"),
        ({"num_envs": -2}, "data.num_envs is -2"),
        ({"batch_size": 0}, "data.batch_size"),
        ({"frames_per_update": 0}, "data.frames_per_update"),
        ({"replay_capacity": 0}, "data.replay_capacity"),
        ({"frames_per_epoch": 0}, "data.frames_per_epoch"),
        ({"learning_starts": -1}, "data.learning_starts"),
        ({"max_frames": 1000, "learning_starts": 1000}, "max_frames is 1000"),
        ({"env": "Pendulum-v1"}, "discrete"),
    ],
)
def test_refuses_in_one_sentence_that_names_the_field(changes, hint):
    with pytest.raises(InputError, match=hint):
        ReplayDataModule(**changes)


@pytest.mark.parametrize("changes", [{"episodes": 0}, {"epsilon": 2.0}, {"max_episode_steps": 0}])
def test_refuses_an_evaluation_that_cannot_be_played(changes):
    with pytest.raises(InputError, match="data.evaluation"):
        EvaluationSettings(**changes)
