import csv
import json

import pytest
import yaml

from diiqn_lightning.errors import InputError
from diiqn_lightning.report.ledger import (
    COLUMNS,
    NOT_IN_OLDER_ONES,
    find_runs,
    ledger_row,
    read_ledger,
    write_ledger,
    write_rows,
)
from diiqn_lightning.report.run_folder import RunFolder


def make_run(folder, *, seed=0, frames=100, discount=0.9, value=1.0, expert=None, algorithm="dqn", command="python"):
    folder.mkdir(parents=True)
    config = {"seed_everything": seed, "run_dir": str(folder), "max_frames": frames, "model": {"discount": discount}}
    (folder / "config.yaml").write_text(yaml.dump(config))
    part = {"mean": value, "standard_error": 0.1, "episodes": 5, "epsilon": 0.01}
    summary = {
        "algorithm": algorithm, "environment": "breakout", "seed": seed, "frames": frames, "seconds": 1.0,
        "frames_per_second": 100.0, "train_return": 0.5, "random_return": 0.2, "expert": expert,
        "git_revision": "abc", "command": command, "eval": {"epsilon": part, "greedy": part},
    }  # fmt: skip
    (folder / "summary.json").write_text(json.dumps(summary))
    (folder / "metrics.csv").write_text(f"frames,eval/return,train/return\n50,,0.1\n{frames},{value},0.5\n")
    return folder


def test_writes_a_row_and_a_curve_for_each_run(tmp_path):
    make_run(tmp_path / "runs" / "a", seed=0)
    make_run(tmp_path / "runs" / "b", seed=1, value=2.0)
    out = tmp_path / "results" / "ledger.csv"
    out.parent.mkdir()
    assert write_ledger(out, find_runs([tmp_path / "runs"])) == 2
    rows = read_ledger(out)
    assert [(row["seed"], row["eval_return"]) for row in rows] == [("0", "1.0"), ("1", "2.0")]
    with (out.parent / "curves" / f"{rows[0]['key']}-0.csv").open() as file:
        assert list(csv.DictReader(file)) == [{"frames": "100", "eval/return": "1", "train/return": "0.5"}]


def test_a_longer_run_replaces_a_shorter_one_and_not_the_other_way(tmp_path):
    out = tmp_path / "ledger.csv"
    write_ledger(out, find_runs([make_run(tmp_path / "long", frames=500)]))
    write_ledger(out, find_runs([make_run(tmp_path / "short", frames=100)]))
    assert [row["frames"] for row in read_ledger(out)] == ["500"]
    write_ledger(out, find_runs([make_run(tmp_path / "longer", frames=900)]))
    assert [row["frames"] for row in read_ledger(out)] == ["900"]


def test_runs_with_other_experts_have_rows_of_their_own(tmp_path):
    out = tmp_path / "ledger.csv"
    for name in ("weak", "strong"):
        expert = {"name": name, "hash": name * 3, "return": 4.0}
        write_ledger(out, find_runs([make_run(tmp_path / name, expert=expert)]))
    assert {row["expert"] for row in read_ledger(out)} == {"weak", "strong"}


def test_a_command_has_no_path_of_the_machine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = make_run(tmp_path / "run")
    summary = json.loads((folder / "summary.json").read_text())
    (folder / "summary.json").write_text(json.dumps(summary | {"command": f"python --run_dir {folder}"}))
    assert ledger_row(find_runs([tmp_path])[0])["command"] == "python --run_dir run"


def test_commands_name_no_folder_of_the_machine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command = f"python fit --run_dir={tmp_path}/runs/a --expert /elsewhere/on/it/mine.expert"
    row = ledger_row(RunFolder(make_run(tmp_path / "runs" / "a", command=command)))
    assert row["command"] == "python fit --run_dir=runs/a --expert mine.expert"


def test_refuses_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="folder with runs"):
        find_runs([tmp_path / "none"])


@pytest.mark.parametrize(
    ("frames", "epsilon", "episodes", "counted"),
    [(100, 0.01, 500, 7.0), (50, 0.01, 500, 1.0), (100, 0.1, 500, 1.0), (100, 0.01, 4, 1.0)],
    ids=["of the last checkpoint", "of an earlier one", "at another exploration rate", "fewer"],
)
def test_episodes_played_after_the_run_count_where_they_ask_the_same_of_the_same_policy(
    frames, epsilon, episodes, counted, tmp_path
):
    folder = RunFolder(make_run(tmp_path / "a"))
    part = {"mean": 7.0, "standard_error": 0.05, "episodes": episodes, "epsilon": epsilon}
    folder.write_test({"frames": frames, "eval": {"epsilon": part, "greedy": {**part, "epsilon": 0.0}}})
    row = ledger_row(folder)
    assert row["eval_return"] == row["eval_return_greedy"] == counted
    assert row["eval_standard_error"] == (0.05 if counted == 7.0 else 0.1)


def test_a_test_that_a_kill_cut_off_does_not_count(tmp_path):
    folder = RunFolder(make_run(tmp_path / "a"))
    folder.test.write_text('{"frames": 1')
    assert ledger_row(folder)["eval_return"] == 1.0


def test_a_run_that_an_experiment_has_under_several_names_keeps_them(tmp_path):
    path = tmp_path / "ledger.csv"
    write_ledger(path, find_runs([make_run(tmp_path / "a")]))
    (row,) = read_ledger(path)
    write_rows(path, [row, {**row, "environment": "another"}])
    write_ledger(path, find_runs([make_run(tmp_path / "b", seed=1)]))
    assert [(row["environment"], row["seed"]) for row in read_ledger(path)] == [
        ("another", "0"), ("breakout", "0"), ("breakout", "1"),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "key,value\n", "Notes on the runs.\n\nThey went well.\n", "\n"])
def test_a_file_of_something_else_is_not_written_over(tmp_path, text):
    (tmp_path / "notes.txt").write_text(text)
    with pytest.raises(InputError, match="verb ledger"):
        write_ledger(tmp_path / "notes.txt", [])
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"notes.txt": text}


@pytest.mark.parametrize("columns", [(), COLUMNS, [name for name in COLUMNS if name not in NOT_IN_OLDER_ONES]])
def test_an_empty_file_and_a_ledger_without_rows_become_ledgers(tmp_path, columns):
    (tmp_path / "ledger.csv").write_text(",".join(columns) + "\n" * bool(columns))
    assert write_ledger(tmp_path / "ledger.csv", find_runs([make_run(tmp_path / "a")])) == 1


def with_note(text):
    header, row = text.splitlines()
    return f"{header},notes\n{row},good\n"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda text: text[: text.rindex("100,1.0") + 5], "line 2 is cut off"),
        (lambda text: text[: text.index("dqn") + 3], "line 2 is cut off"),
        (lambda text: text[: text.rindex("python") + 2] + ",", "last line is cut off"),
        (lambda text: text[:-1] + ",more\n", "line 2 has a cell too many"),
        (lambda text: text.replace(",100,", ",many,"), "line 2 has 'many' in column frames"),
        (with_note, "the column 'notes' is none of a ledger's"),
    ],
    ids=["in a number", "after a name", "in the last cell", "a cell too many", "no number", "another column"],
)
def test_a_ledger_that_is_not_whole_is_refused_and_stays_as_it_is(tmp_path, change, complaint):
    out = tmp_path / "out" / "ledger.csv"
    write_ledger(out, find_runs([make_run(tmp_path / "a")]))
    out.write_text(text := change(out.read_text()))
    with pytest.raises(InputError, match=complaint):
        write_ledger(out, find_runs([make_run(tmp_path / "b", seed=1)]))
    assert out.read_text() == text
    assert {path.name for path in out.parent.iterdir()} == {"ledger.csv", "curves"}


def test_what_cannot_be_written_leaves_nothing_aside(tmp_path):
    path = tmp_path / "ledger.csv"
    write_ledger(path, find_runs([make_run(tmp_path / "a")]))
    (row,) = read_ledger(path)
    with pytest.raises(ValueError, match="notes"):
        write_rows(path, [{**row, "notes": "good"}])
    assert read_ledger(path) == [row]
    assert not list(tmp_path.glob("*.partial"))


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("summary.json", b"{}", "not those of a run"),
        ("summary.json", b"[]", "not those of a run"),
        ("config.yaml", b"", "not those of a run"),
        ("config.yaml", b"name: Andr\xe9", "not those of a run"),
        ("metrics.csv", None, "metrics.csv.*cannot be read"),
        ("metrics.csv", b"frames,eval/return,train/return\n100,1.0\n", "line 2 is cut off"),
        ("metrics.csv", b"frames,eval/return\n100,1.0,2\n", "line 2 has a cell too many"),
        ("metrics.csv", b"frames,eval/return\n100,1.0.2\n", "metrics.csv.*cannot be read"),
    ],
)
def test_one_broken_run_among_others_changes_nothing(tmp_path, name, content, complaint):
    out = tmp_path / "out" / "ledger.csv"
    write_ledger(out, find_runs([make_run(tmp_path / "before")]))
    (curve,) = (out.parent / "curves").iterdir()
    texts = out.read_text(), curve.read_text()
    make_run(tmp_path / "runs" / "a", value=7.0)
    broken = make_run(tmp_path / "runs" / "b", seed=1) / name
    broken.unlink() if content is None else broken.write_bytes(content)
    with pytest.raises(InputError, match=complaint):
        write_ledger(out, find_runs([tmp_path / "runs"]))
    assert (out.read_text(), curve.read_text()) == texts


@pytest.mark.parametrize("missing", ["seed", "frames", "algorithm", "environment", "command"])
def test_a_summary_without_what_names_a_run_is_refused(tmp_path, missing):
    folder = RunFolder(make_run(tmp_path / "a"))
    folder.write_summary({name: value for name, value in folder.read_summary().items() if name != missing})
    with pytest.raises(InputError, match=f"not those of a run .*{missing}"):
        ledger_row(folder)


def test_a_command_with_an_open_quote_is_refused(tmp_path):
    with pytest.raises(InputError, match="No closing quotation"):
        ledger_row(RunFolder(make_run(tmp_path / "a", command="python --name 'a")))
