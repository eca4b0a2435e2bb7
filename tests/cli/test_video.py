"""Films of evaluation episodes."""

import gymnasium as gym
from gymnasium.envs.registration import EnvSpec
from PIL import Image

from tests.cli.test_training import fit
from tests.conftest import Corridor


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


class WithoutDisplay(Corridor):
    """A corridor that cannot be drawn here, as one whose window needs a display."""

    def render(self):
        raise RuntimeError("no display")


def test_what_cannot_be_filmed_is_said_before_training_and_does_not_end_it(run, tmp_path, monkeypatch):
    spec = EnvSpec("WithoutDisplay-v0", entry_point=WithoutDisplay, max_episode_steps=20)
    monkeypatch.setitem(gym.registry, spec.id, spec)
    code, _, complaint = run(*fit("dqn", tmp_path / "run", f"--data.env={spec.id}", "--data.num_envs=4"))
    assert code == 0, complaint
    assert complaint.count("No video: no display") == 1
    assert not (tmp_path / "run" / "videos").exists()
