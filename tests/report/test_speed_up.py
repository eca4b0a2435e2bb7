import math
from dataclasses import replace

import pytest

from diiqn_lightning.report.finished_run import FinishedRun
from diiqn_lightning.report.speed_up import level_near_best, speed_up


def runs(*curves, frames=(100, 200, 300, 400)):
    return [
        FinishedRun("a", "maze2d", "", seed, 400, {"eval_return": curve[-1], "random_return": -1.0}, (frames, curve))
        for seed, curve in enumerate(curves)
    ]


FAST = runs((1.0, 5.0, 5.0, 5.0), (1.0, 5.0, 5.0, 5.0))
SLOW = runs((0.0, 0.0, 0.0, 5.0), (0.0, 0.0, 5.0, 5.0))


def test_fewer_frames_by_hand():
    # The mean curve of the slow ones is at 5 after 400 frames, of the fast ones after 200; a slow one alone after 300.
    percent, at_least = speed_up(FAST, SLOW, 5.0)
    assert (percent.estimate, at_least) == (50.0, False)
    assert math.isclose(percent.low, 100 * (1 - 200 / 300))
    assert percent.high == 50.0


def test_a_reference_that_never_arrives_gives_a_lower_bound():
    short = runs((1.0, 1.0), (0.0, 1.0), frames=(100, 250))
    percent, at_least = speed_up(FAST, short, 5.0)
    assert percent == pytest.approx((20, 20, 20))
    assert at_least


def test_what_never_arrives_is_no_number():
    assert math.isnan(speed_up(SLOW, FAST, 6.0).percent.estimate)


def test_a_resample_that_never_arrives_counts_as_minus_infinity():
    one_of_two = runs((9.0, 9.0, 9.0, 9.0), (1.0, 1.0, 1.0, 1.0))
    assert speed_up(one_of_two, SLOW, 5.0).percent.low == -math.inf


def test_near_best_is_between_random_and_the_best_mean():
    assert level_near_best([FAST, runs((0.0, 0.0, 0.0, 1.0))]) == -1 + 0.95 * 6


def test_near_best_is_nothing_where_a_random_agent_is_not_known_or_none_is_better():
    unknown = [replace(run, numbers={"eval_return": -19.0}) for run in FAST]
    assert level_near_best([unknown]) is None
    assert level_near_best([runs((-1.0,) * 4), runs((-2.0,) * 4)]) is None
