import pytest

from diiqn_lightning.errors import InputError
from diiqn_lightning.report.alignment import align
from diiqn_lightning.report.finished_run import FinishedRun


def run(frames, values, algorithm="dqn", environment="breakout"):
    return FinishedRun(algorithm, environment, "", 0, frames[-1], {"eval_return": values[-1]}, (frames, values))


def test_longer_runs_are_cut_to_the_last_shared_evaluation():
    short, long = run([100, 200], [1.0, 2.0]), run([101, 199, 300], [3.0, 4.0, 9.0], "diiqn")
    (one, other), (note,) = align([short, long])
    assert one == short
    assert (other.frames, other.numbers["eval_return"], other.curve) == (199, 4.0, ([101, 199], [3.0, 4.0]))
    assert "200 to 300 frames" in note


def test_what_a_whole_run_took_is_not_said_of_its_part():
    short, long = run([100], [1.0]), run([100, 200], [1.0, 2.0], "diiqn")
    long.numbers.update(seconds=60.0, train_return=2.0, frames_per_second=9.0)
    cut = align([short, long])[0][1]
    assert cut.numbers == {"eval_return": 1.0, "frames_per_second": 9.0}


def test_runs_of_one_length_stay_as_they_are_whatever_their_curves():
    runs = [run([100, 200], [1.0, 2.0]), run([50, 201], [1.0, 2.0])]
    assert align(runs) == (runs, [])


def test_environments_are_cut_by_themselves():
    runs = [run([100], [1.0]), run([100, 200], [1.0, 2.0], environment="asterix")]
    assert align(runs) == (runs, [])


def test_refuses_runs_that_share_no_evaluation():
    with pytest.raises(InputError, match="--frames"):
        align([run([100], [1.0]), run([150, 300], [1.0, 2.0])])
