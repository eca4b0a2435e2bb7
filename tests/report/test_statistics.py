import math

import numpy as np
import pytest

from diiqn_lightning.report.statistics import frames_to, iqm, iqm_difference, normalised


def test_normalised_scores_by_hand():
    assert normalised(7.0, random=1.0, reference=4.0) == 2.0


def test_interquartile_means_by_hand():
    # Of five, the smallest and the largest are left out; of two, none.
    assert iqm({"a": [9.0, 1.0, 2.0], "b": [3.0, -50.0]}).estimate == 2.0
    assert iqm({"a": [1.0], "b": [3.0]}).estimate == 2.0


def test_a_single_seed_tells_no_spread():
    assert math.isnan(iqm({"a": [1.0], "b": [3.0, 4.0]}).low)


@pytest.mark.filterwarnings("ignore:.*distribution is degenerate")
def test_equal_seeds_leave_no_doubt_whatever_the_games():
    # Games differ, seeds do not: resampling within games changes nothing.
    assert iqm({"a": [1.0, 1.0], "b": [3.0, 3.0]}) == (2.0, 2.0, 2.0)


def test_an_interval_covers_the_true_mean_about_as_often_as_it_says():
    generator = np.random.default_rng(1)
    covered = 0
    for _ in range(50):
        interval = iqm({game: list(generator.normal(size=10)) for game in "abcde"})
        covered += interval.low <= 0 <= interval.high
    assert 42 <= covered <= 50


def test_a_clear_difference_is_above_zero_and_none_is_not():
    generator = np.random.default_rng(2)
    one = {game: list(generator.normal(5, 1, 5)) for game in "ab"}
    other = {game: list(generator.normal(0, 1, 5)) for game in "ab"}
    assert iqm_difference(one, other).low > 0
    assert iqm_difference(one, one).low < 0 < iqm_difference(one, one).high


def test_frames_to_a_return():
    curve = ([100, 200, 300], [1.0, 5.0, 4.0])
    assert frames_to(curve, 4.0) == 200
    assert frames_to(curve, 6.0) is None
