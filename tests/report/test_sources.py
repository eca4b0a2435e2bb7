import csv
import json

import pytest

from diiqn_lightning.errors import InputError
from diiqn_lightning.report.ledger import find_runs, write_ledger
from diiqn_lightning.report.sources import collect
from tests.report.test_ledger import make_run

HEADER = ["run", "_step", "frames", "eval/return", "expert/weight", "algorithm", "environment", "seed", "expert"]


def export(path, rows, header=HEADER):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def test_unfinished_runs_are_left_out_and_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_run(tmp_path / "runs" / "whole")
    broken = make_run(tmp_path / "runs" / "broken", seed=1)
    (broken / "summary.json").unlink()
    (broken / "checkpoints").mkdir()
    (broken / "checkpoints" / "config.yaml").touch()
    (tmp_path / "runs" / "whole" / "copy").mkdir()
    (tmp_path / "runs" / "whole" / "copy" / "config.yaml").touch()
    collected = collect([tmp_path / "runs"])
    assert [run.seed for run in collected.runs] == [0]
    assert collected.left_out == ["runs/broken: it is not finished (no summary.json)."]


def test_runs_that_were_never_evaluated_are_left_out(tmp_path):
    make_run(tmp_path / "runs" / "a")
    make_run(tmp_path / "runs" / "b", seed=3, value=None)
    (tmp_path / "runs" / "b" / "metrics.csv").write_text("frames,train/return\n100,0.5\n")
    assert collect([tmp_path / "runs"]).left_out == ["dqn on breakout, seed 3: it was never evaluated."]


def test_of_two_runs_of_one_seed_the_longer_counts_and_the_other_is_named(tmp_path):
    make_run(tmp_path / "runs" / "a", frames=100)
    make_run(tmp_path / "runs" / "b", frames=300)
    collected = collect([tmp_path / "runs"])
    assert [run.frames for run in collected.runs] == [300]
    assert "100 frames" in collected.left_out[0]


def test_only_unfinished_runs_are_refused_by_name(tmp_path):
    (make_run(tmp_path / "run") / "summary.json").unlink()
    with pytest.raises(InputError, match="it is not finished"):
        collect([tmp_path])


def test_a_report_among_the_runs_is_no_run(tmp_path):
    make_run(tmp_path / "runs" / "a")
    (tmp_path / "runs" / "report").mkdir()
    (tmp_path / "runs" / "report" / "summary.json").write_text(json.dumps({"games": {}}))
    assert len(collect([tmp_path / "runs"]).runs) == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("summary.json", b"{}"), ("summary.json", b"[]"),
        ("config.yaml", b"a: ["), ("config.yaml", b""), ("config.yaml", b"a: \xe9"),
    ],
)  # fmt: skip
def test_files_of_something_else_are_refused(tmp_path, name, content):
    (make_run(tmp_path / "run") / name).write_bytes(content)
    with pytest.raises(InputError, match="not those of a run"):
        collect([tmp_path])


def test_a_command_with_an_open_quote_is_refused(tmp_path):
    make_run(tmp_path / "run", command="python --name 'a")
    with pytest.raises(InputError, match="not those of a run"):
        collect([tmp_path])


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("frames,eval/return\n100,1.0,2\n", "line 2 has a cell too many"),
        ("frames,eval/return,train/return\n100,10", "line 2 is cut off"),
        ("frames,eval/return\n100,inf\n", "infinite"),
    ],
)
def test_a_curve_that_cannot_be_right_is_refused(tmp_path, text, complaint):
    (make_run(tmp_path / "run") / "metrics.csv").write_text(text)
    with pytest.raises(InputError, match=f"metrics.csv.*cannot be read .*{complaint}"):
        collect([tmp_path])


def test_an_infinite_number_of_a_run_is_refused(tmp_path):
    make_run(tmp_path / "run", value=float("inf"))
    (tmp_path / "run" / "metrics.csv").write_text("frames,eval/return\n100,1.0\n")
    with pytest.raises(InputError, match="infinite"):
        collect([tmp_path])


def test_a_ledger_that_was_cut_off_is_refused_by_its_line(tmp_path):
    write_ledger(tmp_path / "ledger.csv", find_runs([make_run(tmp_path / "run")]))
    text = (tmp_path / "ledger.csv").read_text()
    (tmp_path / "ledger.csv").write_text(text[: text.index("dqn") + 3])
    with pytest.raises(InputError, match="as a ledger .line 2 is cut off"):
        collect([tmp_path / "ledger.csv"])


def test_an_export_of_wandb(tmp_path):
    rows = [
        ["x", 0, 100, 1.0, "", "diiqn", "breakout", 0, "breakout-strong"],
        ["x", 1, 100, "", 0.8, "diiqn", "breakout", 0, "breakout-strong"],
        ["x", 2, 200.0, 2.5, "nan", "diiqn", "breakout", 0.0, "breakout-strong"],
        ["y", 0, 200, 7.0, "", "dqn", "MinAtar/Breakout-v1", 1, ""],
    ]
    one, other = collect([export(tmp_path / "wandb.csv", rows)]).runs
    assert (one.label, one.seed, one.frames, one.numbers) == ("diiqn, strong expert", 0, 200, {"eval_return": 2.5})
    assert (one.curve, one.guidance) == (([100, 200], [1.0, 2.5]), {"expert/weight": ([100], [0.8])})
    assert (other.label, other.environment, other.seed) == ("dqn", "breakout", 1)


@pytest.mark.parametrize(
    ("header", "row", "complaint"),
    [
        ([name for name in HEADER if name != "seed"], ["x", 0, 1, 1, 1, "dqn", "breakout", ""], "column seed"),
        (HEADER, ["x", 0, "many", 1, 1, "dqn", "breakout", 0, ""], "line 2 has 'many' in column frames"),
        (HEADER, ["x", 0, 1, 1, 1, "dqn", "breakout", "first", ""], "line 2 has 'first' in column seed"),
        (HEADER, ["x", 0, "inf", 1, 1, "dqn", "breakout", 0, ""], "line 2 has 'inf' in column frames"),
        (HEADER, ["x", 0, 1, "Infinity", 1, "dqn", "breakout", 0, ""], "line 2 has 'Infinity' in column eval/return"),
        (HEADER, ["x", 0, 1, 1, "-inf", "dqn", "breakout", 0, ""], "line 2 has '-inf' in column expert/weight"),
        (HEADER, ["x", 0, 1, 1, 1, "dqn", "breakout", "inf", ""], "line 2 has 'inf' in column seed"),
        (["a", "b"], [1, 2], "neither a ledger"),
    ],
)
def test_refuses_tables_that_are_something_else(tmp_path, header, row, complaint):
    with pytest.raises(InputError, match=complaint):
        collect([export(tmp_path / "table.csv", [row], header)])


def test_refuses_an_export_that_is_no_text_further_down(tmp_path):
    rows = [["x", 0, at, 1, 1, "dqn", "breakout", 0, ""] for at in range(10_000)]
    path = export(tmp_path / "table.csv", rows)
    path.write_bytes(path.read_bytes() + b"\xe9")
    with pytest.raises(InputError, match="cannot be read as CSV"):
        collect([path])


def test_refuses_a_file_that_is_none_of_wandbs(tmp_path):
    (tmp_path / "run-x.wandb").write_bytes(b"something else")
    with pytest.raises(InputError, match="file of W&B"):
        collect([tmp_path / "run-x.wandb"])
