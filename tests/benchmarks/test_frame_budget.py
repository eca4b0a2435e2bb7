import time

import pytest

from benchmarks.frame_budget import PARTS, Clock


@pytest.mark.parametrize("part", PARTS)
def test_what_is_timed_is_there(part):
    assert all(name in vars(owner) for owner, name in PARTS[part])


def test_the_time_of_a_part_within_another_one_counts_once():
    class Run:
        def outer(self):
            time.sleep(0.01)
            self.inner()

        def inner(self):
            time.sleep(0.05)

    clock = Clock()
    clock.wrap("updating, the rest", Run, "outer")
    clock.wrap("losses", Run, "inner")
    Run().outer()
    assert 0.05 <= clock.seconds["losses"] < 0.09
    assert 0.01 <= clock.seconds["updating, the rest"] < 0.04
