import json

import pytest

from diiqn_lightning.cli.experiment_parts import write_measures
from diiqn_lightning.errors import InputError
from diiqn_lightning.report.ledger import find_runs, read_ledger, write_ledger
from diiqn_lightning.report.run_folder import RunFolder
from diiqn_lightning.report.sources import collect
from diiqn_lightning.sweeps.experiment_ledger import ExperimentLedger, ReusableRuns
from tests.report.test_ledger import make_run

CURVE = "frames,eval/return,inference/accuracy\n50,,0.7\n100,1.5,\n150,,0.8\n200,2.5,\n"


@pytest.fixture
def ledger(tmp_path):
    """A run of 200 frames, evaluated after 100 and 200."""
    folder = make_run(tmp_path / "run", frames=200, value=2.5)
    (folder / "metrics.csv").write_text(CURVE)
    write_ledger(tmp_path / "ledger.csv", find_runs([tmp_path]))
    return tmp_path / "ledger.csv"


def test_a_longer_run_serves_as_it_was_when_it_was_shorter(ledger):
    key = read_ledger(ledger)[0]["key"]
    row, curve = ReusableRuns([ledger]).find(key, 0, 100)
    assert (row["frames"], row["eval_return"], row["seconds"]) == ("100", "1.5", "")
    assert [point["frames"] for point in curve] == ["100"]
    row, curve = ReusableRuns([ledger]).find(key, 0, 199)
    assert (row["frames"], row["eval_return"], len(curve)) == ("200", "2.5", 2)


@pytest.mark.parametrize(("key", "seed", "frames"), [(None, 0, 201), (None, 0, 120), (None, 1, 100), ("other", 0, 100)])
def test_other_runs_shorter_ones_and_those_not_evaluated_there_do_not_serve(key, seed, frames, ledger):
    assert ReusableRuns([ledger]).find(key or read_ledger(ledger)[0]["key"], seed, frames) is None


def test_speeds_are_those_of_the_algorithm_in_the_environment(ledger):
    runs = ReusableRuns([ledger, ledger.with_name("none.csv")])
    assert runs.frames_per_second("dqn", "breakout") == [100.0]
    assert runs.frames_per_second("dqn", "asterix") == []


def test_a_file_that_is_no_ledger_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="verb ledger"):
        ReusableRuns([tmp_path / "a.csv"])


def test_one_run_counts_under_each_name_and_measures_are_kept(tmp_path, ledger):
    own = ExperimentLedger(tmp_path / "out" / "ledger.csv", ["inference/accuracy"], ["one", "two"], ["variant"], {})
    for environment in ("one", "two"):
        own.add_run(environment, "variant", RunFolder(tmp_path / "run"), 200)
    runs = collect([own.path]).runs
    assert [(run.environment, run.algorithm, run.frames) for run in runs] == [
        ("one", "variant", 200), ("two", "variant", 200),
    ]  # fmt: skip
    # Logged between evaluations: the value before each counts.
    assert own.last(read_ledger(own.path)[0], "inference/accuracy") == 0.8


def test_a_run_that_was_not_evaluated_there_counts_whole(tmp_path, ledger):
    own = ExperimentLedger(tmp_path / "out" / "ledger.csv", [], ["one"], ["variant"], {})
    own.add_run("one", "variant", RunFolder(tmp_path / "run"), 120)
    assert [run.frames for run in collect([own.path]).runs] == [200]
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["frames"] == 200


def test_what_another_part_of_the_experiment_has_written_stays_unless_it_is_outdated(tmp_path, ledger):
    path = tmp_path / "out" / "ledger.csv"
    whole = ["one", "two"], ["variant"]
    for environment in whole[0]:
        ExperimentLedger(path, [], *whole, {}).add_run(environment, "variant", RunFolder(tmp_path / "run"), 200)
    assert [row["environment"] for row in read_ledger(path)] == ["one", "two"]
    again = ExperimentLedger(path, [], *whole, {("one", "variant", "0"): "another"})
    assert list(again.rows) == [("two", "variant", "0")]


def test_a_ledger_of_other_runs_is_not_written_over(tmp_path, ledger):
    with pytest.raises(InputError, match="none of this experiment's .*dqn in breakout"):
        ExperimentLedger(ledger, [], ["breakout"], ["variant"], {})
    assert read_ledger(ledger)[0]["algorithm"] == "dqn"


def test_two_sessions_keep_each_others_runs(tmp_path, ledger):
    path = tmp_path / "out" / "ledger.csv"
    one, other = (ExperimentLedger(path, [], ["one", "two"], ["variant"], {}) for _ in range(2))
    one.add_run("one", "variant", RunFolder(tmp_path / "run"), 200)
    other.add_run("two", "variant", RunFolder(tmp_path / "run"), 200)
    assert [row["environment"] for row in read_ledger(path)] == ["one", "two"]
    assert set(other.rows) == {("one", "variant", "0"), ("two", "variant", "0")}


def test_a_session_keeps_runs_of_a_variant_that_it_knows_nothing_of(tmp_path, ledger):
    path = tmp_path / "out" / "ledger.csv"
    before = ExperimentLedger(path, [], ["one"], ["variant"], {})
    grown = ExperimentLedger(path, [], ["one"], ["variant", "new"], {})
    grown.add_run("one", "new", RunFolder(tmp_path / "run"), 200)
    before.add_run("one", "variant", RunFolder(tmp_path / "run"), 200)
    assert [row["algorithm"] for row in read_ledger(path)] == ["new", "variant"]


def test_one_run_in_two_lengths_has_a_curve_for_each(tmp_path, ledger):
    own = ExperimentLedger(tmp_path / "out" / "ledger.csv", [], ["long", "short"], ["variant"], {})
    for environment, frames in (("short", 100), ("long", 200)):
        own.add_run(environment, "variant", RunFolder(tmp_path / "run"), frames)
    runs = {run.environment: run for run in collect([own.path]).runs}
    assert runs["short"].curve == ([100], [1.5])
    assert runs["long"].curve == ([100, 200], [1.5, 2.5])
    own.add_run("short", "variant", RunFolder(tmp_path / "run"), 200)
    assert [run.curve[0] for run in collect([own.path]).runs] == [[100, 200]] * 2


def test_a_longer_run_makes_no_room_for_a_shorter_one(tmp_path, ledger):
    own = ExperimentLedger(tmp_path / "out" / "ledger.csv", [], ["one", "two"], ["variant"], {})
    own.add_run("one", "variant", RunFolder(tmp_path / "run"), 200)
    own.refuse_shorter("one", "variant", 0, 199)
    own.refuse_shorter("two", "variant", 0, 100)
    with pytest.raises(InputError, match="variant in one with 200 frames, more than the 100 .* another --out"):
        own.refuse_shorter("one", "variant", 0, 100)
    # Whole steps of many environments: more than a hundredth after what the command asked for.
    own.rows["one", "variant", "0"]["command"] = "python -m diiqn_lightning fit --max_frames=100 --video=null"
    own.refuse_shorter("one", "variant", 0, 100)


def test_measures_say_of_how_many_seeds_they_are_where_not_all_have_one(tmp_path, ledger):
    own = ExperimentLedger(tmp_path / "out" / "ledger.csv", ["inference/accuracy"], ["one"], ["variant"], {})
    own.add_run("one", "variant", RunFolder(tmp_path / "run"), 200)
    assert write_measures(own, own.measures, tmp_path / "all.csv").splitlines()[2:] == ["| one | variant | 1 | 0.8 |"]
    without = make_run(tmp_path / "other", seed=1)
    own.add_run("one", "variant", RunFolder(without), 100)
    write_measures(own, own.measures, tmp_path / "some.csv")
    assert (tmp_path / "some.csv").read_text().splitlines() == [
        "environment,variant,seeds,inference/accuracy,seeds with inference/accuracy", "one,variant,2,0.8,1",
    ]  # fmt: skip
