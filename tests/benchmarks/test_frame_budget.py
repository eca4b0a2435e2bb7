from itertools import count

import pytest

from benchmarks.frame_budget import PARTS, Clock


@pytest.mark.parametrize("part", PARTS)
def test_what_is_timed_is_there(part):
    assert all(name in vars(owner) for owner, name in PARTS[part])


def test_the_time_of_a_part_within_another_one_counts_once(monkeypatch):
    class Run:
        def outer(self):
            self.inner()

        def inner(self):
            pass

    # A second passes from each look at the clock to the next: 1 before the inner part, 1 in it, 1 after it.
    monkeypatch.setattr("benchmarks.frame_budget.time.perf_counter", count().__next__)
    clock = Clock()
    clock.wrap("updating, the rest", Run, "outer")
    clock.wrap("losses", Run, "inner")
    Run().outer()
    assert clock.seconds["losses"] == 1
    assert clock.seconds["updating, the rest"] == 2
