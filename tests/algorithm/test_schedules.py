import pytest

from diiqn_lightning.algorithm.schedules import LinearSchedule
from diiqn_lightning.errors import InputError


def test_goes_in_a_straight_line_and_stays():
    epsilon = LinearSchedule(start=1.0, end=0.2, frames=100)
    assert [epsilon(frames) for frames in (0, 25, 50, 100, 1000)] == pytest.approx([1.0, 0.8, 0.6, 0.2, 0.2])


def test_can_rise():
    assert LinearSchedule(0.4, 1.0, 10)(5) == pytest.approx(0.7)


def test_refuses_a_line_without_length():
    with pytest.raises(InputError, match="frames is 0"):
        LinearSchedule(1.0, 0.0, 0)


def test_can_begin_later():
    share = LinearSchedule(start=1.0, end=0.0, frames=100, after=50)
    assert [share(frames) for frames in (0, 50, 75, 150, 200)] == pytest.approx([1.0, 1.0, 0.75, 0.0, 0.0])


def test_refuses_to_begin_before_the_first_frame():
    with pytest.raises(InputError, match="after is -1"):
        LinearSchedule(1.0, 0.0, 10, after=-1)
