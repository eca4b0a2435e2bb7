import json

from benchmarks import turns


def test_contestants_take_turns():
    order = []
    contestants = {name: lambda name=name: order.append(name) or len(order) for name in "ab"}
    assert turns.in_turns(contestants, rounds=2) == {"a": [1, 3], "b": [2, 4]}
    assert order == ["a", "b", "a", "b"]


def test_a_ratio_is_taken_within_each_round():
    # The machine halves its speed in the second round: 2 to 1 in both, which the ratio of medians would not say
    # of rounds that drift more.
    measured = {"ours": [200.0, 100.0, 30.0], "theirs": [100.0, 50.0, 10.0]}
    found = turns.ratios(measured, [("ours", "theirs"), ("ours", "not measured")])
    assert found == {"ours_over_theirs": {"rounds": [2.0, 2.0, 3.0], "median": 2.0}}


def test_rows_name_what_was_measured_and_compare_with_the_same_but_for_one_field():
    measured = {("game", 0): [10.0, 20.0, 30.0], ("game", 2): [20.0, 20.0, 90.0]}
    first, second = turns.rows(measured, ("env", "workers"), "frames_per_second", beside=("workers", 0))
    assert first == {"env": "game", "workers": 0, "frames_per_second": [10.0, 20.0, 30.0], "median": 20.0}
    assert second["over_0"] == 2.0  # of 2, 1 and 3


def test_the_first_call_is_not_timed():
    calls = []
    turns.seconds_per_call(lambda: calls.append(0), at_least=0)
    assert len(calls) == 2


def test_a_result_says_how_it_was_measured(tmp_path, capsys):
    out = tmp_path / "folder" / "result.json"
    turns.write({"answer": 1}, out, threads=2, script="replay")
    written = json.loads(out.read_text())
    assert written["answer"] == 1
    assert written["command"].startswith("python -m benchmarks.replay")
    assert written["machine"]["threads"] == 2
    assert written["machine"]["versions"]["torch"]
    assert json.loads(capsys.readouterr().out) == written
