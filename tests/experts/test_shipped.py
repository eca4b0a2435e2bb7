"""The datasets that the repository ships."""

import time
from pathlib import Path

import pytest
import torch

from diiqn_lightning.envs import make_gym_env, spec_of
from diiqn_lightning.experts import files
from diiqn_lightning.experts.recording import episode_returns
from diiqn_lightning.report.names import environment_name

FOLDER = Path(__file__).parents[2] / "experts"
SCRIPTED = ("maze2d-weak", "maze2d-medium", "maze2d-strong", "point_maze-medium")
GAMES = ("asterix", "breakout", "freeway", "seaquest", "space_invaders")
SHIPPED = sorted(FOLDER.glob("*.expert"))


def test_each_game_has_three_skills_that_differ():
    for game in (*GAMES, "maze2d"):
        returns = [
            files.load(FOLDER / f"{game}-{skill}.expert").card["return_mean"] for skill in ("weak", "medium", "strong")
        ]
        assert returns == sorted(returns), game


def test_they_are_small():
    assert sum(path.stat().st_size for path in SHIPPED) < 8e6


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_dataset_is_what_its_card_says(path):
    dataset = files.load(path)
    card, labels = dataset.card, dataset.labels
    assert path.stem.startswith(environment_name(card["environment"]))
    if path.stem.startswith("point_maze"):
        pytest.importorskip("mujoco")
    spec = spec_of(make_gym_env(card["environment"], env_kwargs=card["environment_arguments"]))
    dataset.check_fits(spec.observation_shape, spec.observation_dtype, card["environment"])
    least = 100_000 if "100k" in path.stem else 5_000 if path.stem in SCRIPTED else 30_000
    assert card["transitions"] == dataset.states.num_transitions >= least
    assert card["content_hash"] == dataset.states.content_hash
    assert card["return_mean"] == pytest.approx(float(episode_returns(dataset).mean()))
    assert card["epsilon"] == (1.0 if "random" in path.stem else 0.1 if path.stem in SCRIPTED else 0.01)
    assert "record" in card["command"]
    assert card["licence"] == "Apache-2.0"
    # Whole episodes: each ends, and none ends before its last transition.
    over = labels.terminated | labels.truncated
    assert torch.equal(over, dataset.states.is_last)
    if labels.distinguishable is not None:  # Point Maze is not copied
        assert 0.2 < float(labels.distinguishable.float().mean()) <= 1


def test_a_hundred_thousand_transitions_load_in_two_seconds():
    path = FOLDER / "space_invaders-medium-100k.expert"
    files.load(path)
    started = time.perf_counter()
    files.load(path)
    assert time.perf_counter() - started < 2
