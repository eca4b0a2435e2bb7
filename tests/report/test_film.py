import imageio.v3 as imageio
import numpy as np
import pytest

from diiqn_lightning.errors import InputError
from diiqn_lightning.report.film import BORDER, border, check_ending, side_by_side, write_film
from diiqn_lightning.report.watching import Shot

MARKS = ("follows", "leaves", "no advice", None)


def shots(count, mark=None, size=240):
    return [Shot(np.full((size, size, 3), 40 * step, np.uint8), step, float(step), "", mark) for step in range(count)]


def test_borders_differ_without_their_colours():
    dark = {mark: border(100, 90, mark).min(2) < 255 for mark in MARKS}
    shares = [dark[mark][:BORDER].mean() for mark in MARKS]
    assert shares[0] == 1
    assert 0.4 < shares[1] < 0.6
    assert 0.05 < shares[2] < 0.2
    assert shares[3] == 0


def test_who_ends_first_waits_for_the_other():
    frames = list(side_by_side(["a", "b"], [iter(shots(2)), iter(shots(4))]))
    assert len(frames) == 4
    assert len({frame.shape for frame in frames}) == 1
    half = frames[0].shape[1] // 2
    assert np.array_equal(frames[1][:, :half], frames[3][:, :half])
    assert not np.array_equal(frames[1][:, half:], frames[3][:, half:])


def test_pictures_of_two_heights_fit_into_one_frame():
    frames = list(side_by_side(["a", "b"], [iter(shots(2, size=241)), iter(shots(2, size=101))]))
    assert all(size % 2 == 0 for size in frames[0].shape[:2])


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # imageio's reader leaves pipes open
@pytest.mark.parametrize("name", ["film.gif", "film.mp4"])
def test_films_are_read_as_they_were_written(name, tmp_path):
    frames = list(side_by_side(["a"], [iter(shots(4, "leaves"))]))
    assert write_film(tmp_path / name, iter(frames), 10) == 4
    assert [path.name for path in tmp_path.iterdir()] == [name]
    film = imageio.imread(tmp_path / name, plugin="FFMPEG" if name.endswith("mp4") else "pillow")
    assert film.shape == (4, *frames[0].shape)
    assert np.abs(film.astype(int) - np.stack(frames)).mean() < 3


def test_nothing_is_left_of_a_film_that_fails(tmp_path):
    def failing():
        yield np.zeros((20, 20, 3), np.uint8)
        raise InputError("data.env", "x", "mend it")

    with pytest.raises(InputError):
        write_film(tmp_path / "film.gif", failing(), 10)
    assert not list(tmp_path.iterdir())


def test_mp4_without_its_encoder_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr("diiqn_lightning.report.film.find_spec", lambda name: None)
    check_ending(tmp_path / "film.gif")
    with pytest.raises(InputError, match=r"choose a .gif, or install"):
        check_ending(tmp_path / "film.mp4")
