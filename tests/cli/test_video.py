"""Films of evaluation episodes."""

from importlib.util import find_spec

import pytest
from PIL import Image

from tests.cli.test_training import fit


def test_a_run_ends_with_a_film_of_its_agent(run, tmp_path):
    options = ["--data.frames_per_epoch=400", "--data.evaluation.episodes=2", "--video.max_steps=30"]
    code, _, complaint = run(*fit("dqn", tmp_path / "run", *options, frames=400))
    assert code == 0, complaint
    (path,) = (tmp_path / "run" / "videos").iterdir()
    assert path.suffix == ".gif"
    assert int(path.stem) >= 400
    with Image.open(path) as film:
        assert film.size == (240, 240)
        assert 1 < film.n_frames <= 31  # pictures that are equal are one, shown for longer


@pytest.mark.skipif(find_spec("pygame") is not None, reason="pygame is here, and CartPole can be drawn")
def test_what_cannot_be_filmed_is_said_before_training(run, tmp_path):
    code, _, complaint = run(*fit("dqn", tmp_path / "run", "--data.env=CartPole-v1", "--data.num_envs=4"))
    assert code == 0
    assert complaint.count("No video: ") == 1
    assert not (tmp_path / "run" / "videos").exists()
