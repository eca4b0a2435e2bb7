import math
import tracemalloc

import numpy as np
import pytest

from diiqn_lightning.report.statistics import (
    difference_of_means,
    frames_to,
    iqm,
    iqm_and_band,
    iqm_difference,
    mean_and_band,
    normalised,
    performance_profile,
    probability_of_improvement,
    ratio_above,
)


def test_normalised_scores_by_hand():
    assert normalised(7.0, random=1.0, reference=4.0) == 2.0


def test_interquartile_means_by_hand():
    # Of five, the smallest and the largest are left out; of two, none.
    assert iqm({"a": [9.0, 1.0, 2.0], "b": [3.0, -50.0]}).estimate == 2.0
    assert iqm({"a": [1.0], "b": [3.0]}).estimate == 2.0


def test_interquartile_means_count_games_alike():
    # Half of what counts is game b's, though it has a quarter of the runs.
    assert iqm({"a": [0.0] * 6, "b": [6.0] * 2}).estimate == 3.0
    assert iqm_difference({"a": [0.0] * 6, "b": [6.0] * 2}, {"a": [0.0], "b": [0.0]}).estimate == 3.0


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
    assert frames_to(curve, 5.0000012) == 200  # what a ledger rounded to five digits


def test_probability_of_improvement_by_hand():
    # Game a: of the pairs (3, 1) (3, 3) (2, 1) (2, 3) two are won and one is a draw: 2.5 / 4. Game b: 1.
    ours = {"a": [3.0, 2.0], "b": [9.0, 8.0]}
    theirs = {"b": [1.0, 2.0, 3.0], "a": [1.0, 3.0]}
    assert probability_of_improvement(ours, theirs).estimate == (2.5 / 4 + 1) / 2


def test_performance_profiles_by_hand():
    # Above 1: one of two in a, none of one in b; games count alike.
    profile = performance_profile({"a": [0.5, 2.0], "b": [1.0]}, [0.0, 1.0, 2.0])
    assert [point.estimate for point in profile] == [1.0, 0.25, 0.0]


def test_bands_go_through_the_mean_and_take_whole_curves():
    # Two seeds that cross: drawn whole, their mean at either frame is 0, 1 or 2, and so the limits are 0 and 2.
    band = mean_and_band([[0.0, 2.0], [2.0, 0.0]])
    assert band == [(1.0, 0.0, 2.0), (1.0, 0.0, 2.0)]
    assert iqm_and_band({"a": [[1.0, 4.0], [1.0, 4.0]], "b": [[3.0, 4.0], [3.0, 4.0]]}) == [(2, 2, 2), (4, 4, 4)]


def test_percent_and_difference_of_means_by_hand():
    assert ratio_above([3.0, 5.0], [2.0, 2.0]) == (100.0, 50.0, 150.0)
    assert difference_of_means([3.0, 5.0], [2.0, 2.0]) == (2.0, 1.0, 3.0)
    assert difference_of_means([3.0, 5.0], [2.0]) == (2.0, 1.0, 3.0)  # a single number has no spread


def test_many_seeds_are_drawn_in_turns(monkeypatch):
    monkeypatch.setattr("diiqn_lightning.report.statistics.LARGEST_BATCH", 1000)
    low, high = iqm({"a": list(np.linspace(0, 1, 30))})[1:]
    assert 0.2 < low < 0.5 < high < 0.8


def test_unequal_numbers_of_seeds_take_no_more_memory():
    """60 is the first number that 5, 4 and 3 go into: so often each game's seeds are repeated."""
    random = np.random.default_rng(0)
    curves = {str(seeds): random.normal(size=(seeds, 20)) for seeds in (5, 4, 3)}
    tracemalloc.start()
    iqm_and_band(curves)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 400e6
