import csv
import json

import pytest
import yaml

from diiqn_lightning.errors import InputError
from diiqn_lightning.report.ledger import (
    find_runs,
    key_of_sessions,
    ledger_row,
    read_ledger,
    run_key,
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


def test_seeds_and_lengths_share_a_key_and_settings_do_not():
    config = {"model": {"discount": 0.9}, "seed_everything": 1, "max_frames": 10, "run_dir": "a"}
    assert run_key(config, None) == run_key(config | {"seed_everything": 2, "max_frames": 20, "run_dir": "b"}, None)
    assert run_key(config, None) != run_key(config | {"model": {"discount": 0.5}}, None)
    assert run_key(config, "one") != run_key(config, "other")


def test_a_block_that_is_not_there_and_one_that_is_null_are_the_same():
    key = run_key({"model": {"discount": 0.9}}, None)
    assert run_key({"model": {"discount": 0.9}, "expert_distance": None}, None) == key
    assert run_key({"model": {"discount": 0.9}, "expert_distance": {}}, None) != key


def test_where_environments_run_is_no_matter_and_how_many_is():
    data = {"env": "CartPole-v1", "num_envs": 4}
    key = run_key({"data": data}, None)
    assert run_key({"data": data | {"workers": 2, "worker_timeout": 9.0}}, None) == key
    assert run_key({"data": data | {"num_envs": 8}}, None) != key
    assert run_key({"data": data | {"workers": 2, "overlap": False}}, None) == key
    assert run_key({"data": data | {"workers": 2, "overlap": True}}, None) != key


def test_an_option_added_later_changes_no_key_where_it_changes_nothing():
    sampling = {"neighbours": 5}
    key = run_key({"expert_sampling": sampling}, None)
    assert run_key({"expert_sampling": sampling | {"backend": "exact"}}, None) == key
    assert run_key({"expert_sampling": sampling | {"backend": "faiss"}}, None) != key


def test_a_run_of_several_configurations_has_a_key_of_its_own():
    begun, other = ({"key": key, "checkpoint": None} for key in ("a", "b"))
    here, elsewhere = "runs/a/checkpoints/last", "runs/other/checkpoints/last"
    assert key_of_sessions("a", []) == "a"
    assert key_of_sessions("a", [{"checkpoint": None}]) == "a"  # of a version that wrote no keys
    assert key_of_sessions("a", [begun, begun | {"checkpoint": here}]) == "a"
    assert key_of_sessions("a", [other, begun]) == "a"  # the other one was left before it had saved anything
    several = {
        key_of_sessions("a", [other, begun | {"checkpoint": here}]),
        key_of_sessions("b", [begun, other | {"checkpoint": here}]),
        key_of_sessions("a", [begun | {"checkpoint": elsewhere}]),
    }
    assert len(several | {"a", "b"}) == 5


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


def test_a_table_of_something_else_is_not_written_over(tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="verb ledger"):
        write_ledger(tmp_path / "a.csv", [])
    assert (tmp_path / "a.csv").read_text() == "a,b\n1,2\n"
