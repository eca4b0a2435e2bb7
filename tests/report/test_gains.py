from dataclasses import replace

import pytest

from diiqn_lightning.report.finished_run import FinishedRun
from diiqn_lightning.report.gains import gain_rows, interquartile_means, mean_curve, write_gains
from diiqn_lightning.report.page_results import frames_section


def run(algorithm, seed, curve, expert="", environment="breakout"):
    numbers = {"eval_return": curve[-1], "random_return": 1.0} | ({"expert_return": 8.0} if expert else {})
    return FinishedRun(algorithm, environment, expert, seed, 300, numbers, ([100, 200, 300], list(curve)))


# DQN ends at 5; DIIQN at 10, with mean curve 6, 9, 10.
RUNS = [
    run("dqn", 0, (1.0, 2.0, 4.0)),
    run("dqn", 1, (1.0, 2.0, 6.0)),
    run("diiqn", 0, (4.0, 8.0, 9.0), "breakout-strong"),
    run("diiqn", 1, (8.0, 10.0, 11.0), "breakout-strong"),
]


def test_gains_by_hand():
    gained, baseline = gain_rows(RUNS, "dqn")
    assert gained["algorithm"] == "diiqn, strong expert"
    assert (gained["return_mean"], gained["gain_percent"], gained["over_expert_percent"]) == (10.0, 100.0, 25.0)
    assert gained["normalised_mean"] == (10 - 1) / (5 - 1)
    assert (gained["frames_to_expert"], gained["frames_to_baseline"]) == (200, 100)
    assert gained["share_of_baseline_frames"] == round(100 / 300, 3)
    assert (baseline["gain_percent"], baseline["frames_to_expert"], baseline["share_of_baseline_frames"]) == (0, "", 1)


def test_games_without_the_baseline_have_no_gain():
    assert len(gain_rows([*RUNS, run("diiqn", 0, (1.0, 2.0, 3.0), "x-strong", "asterix")], "dqn")) == 2
    assert gain_rows(RUNS, "another") == []


@pytest.mark.parametrize("level", [0.0, 1.0, 1.0 + 1e-7])
def test_a_baseline_that_learned_nothing_measures_nothing(level):
    flat = [run("dqn", seed, (level, level, level)) for seed in (0, 1)]
    gained, _ = gain_rows([*flat, *RUNS[2:]], "dqn")
    assert (gained["normalised_mean"], gained["frames_to_baseline"], gained["share_of_baseline_frames"]) == ("", "", "")
    assert (gained["gain_percent"] == "") == (level == 0)
    assert interquartile_means([*flat, *RUNS[2:]], "dqn") == {}


def test_nobody_is_faster_than_a_baseline_that_learned_nothing():
    runs = [run("dqn", seed, (1.0, 1.0, 1.0)) for seed in (0, 1)] + RUNS[2:]
    (table,) = frames_section(runs, runs, "dqn").blocks
    for row in table.rows:
        assert (row[3], row[5]) == ("", "")


def test_scores_are_normalised_by_the_baselines_mean():
    means = interquartile_means(RUNS, "dqn")
    assert means["dqn"]["iqm"][0] == 1
    assert means["diiqn, strong expert"]["iqm"][0] == pytest.approx(9 / 4)
    assert means["diiqn, strong expert"]["difference"][0] == pytest.approx(5 / 4)
    assert means["diiqn, strong expert"]["difference"][1] > 0
    assert means["diiqn, strong expert"]["games"] == ["breakout"]


def test_a_single_seed_has_no_interval():
    (_, alone) = interquartile_means([RUNS[0], RUNS[2]], "dqn").values()
    assert alone["iqm"][1:] == [None, None]


def test_curves_are_averaged_where_all_have_been_evaluated():
    short = FinishedRun("dqn", "breakout", "", 2, 200, {}, ([100, 200], [4.0, 5.0]))
    assert mean_curve([RUNS[0], short]) == ([100, 200], [2.5, 3.5])


def test_the_table_is_written(tmp_path):
    table = write_gains(gain_rows(RUNS, "dqn"), tmp_path / "gains.csv")
    assert "diiqn, strong expert | 2 | 10.0 | 100.0" in table
    assert (tmp_path / "gains.csv").read_text().count("\n") == 3


def test_a_baseline_is_at_its_own_return_with_its_last_frame_at_the_latest():
    """More episodes after the run may put its return above the last point of its curve."""
    better = [replace(each, numbers=each.numbers | {"eval_return": 5.5}) for each in RUNS[:2]]
    gained, baseline = gain_rows([*better, *RUNS[2:]], "dqn")
    assert (baseline["frames_to_baseline"], baseline["share_of_baseline_frames"]) == (300, 1)
    assert (gained["frames_to_baseline"], gained["share_of_baseline_frames"]) == (100, round(100 / 300, 3))
    table = frames_section([*better, *RUNS[2:]], [*better, *RUNS[2:]], "dqn").blocks[0]
    cells = {row[1]: row for row in table.rows}
    assert cells["dqn"][3] == "300"
    assert cells["diiqn, strong expert"][3] == "100"
    assert cells["diiqn, strong expert"][5].startswith("67 [")
