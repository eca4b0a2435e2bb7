import json
import subprocess
import sys

import pytest

from diiqn_lightning.report.sources import collect
from tests.cli.test_training import fit
from tests.report.test_ledger import make_run

WRITTEN = {"returns.csv", "summary.json", "curves.png", "report.html", "report.md", "figures"}


@pytest.fixture(scope="module")
def logged_run(tmp_path_factory):
    """The folder of a real run that W&B logged offline."""
    folder = tmp_path_factory.mktemp("logged") / "run"
    arguments = map(str, fit("diiqn_literal", folder, "--video=null", "--wandb.mode=offline"))
    subprocess.run([sys.executable, "-m", "diiqn_lightning", *arguments], check=True, timeout=120, capture_output=True)
    return folder


def test_report_compares_runs_of_a_ledger(run, tmp_path):
    for seed in range(3):
        make_run(tmp_path / "runs" / str(seed), seed=seed)
    assert run("ledger", tmp_path / "runs", "--out", tmp_path / "ledger.csv")[0] == 0
    code, printed, complaint = run("report", tmp_path / "ledger.csv", "--out", tmp_path / "report")
    assert code == 0, complaint
    assert "| breakout | dqn | 100 | 3 | 1.0 |" in printed
    assert {path.name for path in (tmp_path / "report").iterdir()} == WRITTEN
    assert all(str(tmp_path / "report" / name) in printed for name in WRITTEN)


def test_report_refuses_what_selects_nothing(run, tmp_path):
    make_run(tmp_path / "runs" / "a")
    code, _, complaint = run("report", tmp_path / "runs", "--algorithm=none", "--out", tmp_path / "report")
    assert code == 2
    assert "none is of that algorithm" in complaint
    assert not (tmp_path / "report").exists()


def test_report_measures_gains_over_a_baseline(run, tmp_path):
    for seed in range(2):
        make_run(tmp_path / "runs" / f"dqn-{seed}", seed=seed, value=1.0 + 2 * seed)
        make_run(tmp_path / "runs" / f"diiqn-{seed}", seed=seed, algorithm="diiqn", discount=0.8, value=5.0 + 2 * seed)
    code, printed, complaint = run("report", tmp_path / "runs", "--out", tmp_path / "report")
    assert code == 0, complaint
    assert "| breakout | diiqn | 2 | 6.0 | 200.0 |" in printed
    figures = json.loads((tmp_path / "report" / "summary.json").read_text())["normalised"]
    assert figures["diiqn"]["iqm"][0] == pytest.approx((6 - 0.2) / (2 - 0.2), abs=1e-3)
    assert figures["diiqn"]["difference"][1] > 0
    assert (tmp_path / "report" / "gains.csv").exists()


def test_report_is_replaced_and_other_files_stay(run, tmp_path):
    make_run(tmp_path / "runs" / "a")
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "README.md").write_text("mine")
    for _ in range(2):
        assert run("report", tmp_path / "runs", "--out", tmp_path / "report")[0] == 0
    assert {path.name for path in (tmp_path / "report").iterdir()} == WRITTEN | {"README.md"}
    assert {path.name for path in tmp_path.iterdir()} == {"runs", "report"}


def test_report_names_what_it_leaves_out(run, tmp_path):
    make_run(tmp_path / "runs" / "whole")
    (make_run(tmp_path / "runs" / "broken", seed=1) / "summary.json").unlink()
    _, printed, _ = run("report", tmp_path / "runs", "--out", tmp_path / "report")
    assert "runs/broken: it is not finished" in printed
    assert "runs/broken: it is not finished" in (tmp_path / "report" / "report.html").read_text()


def test_report_takes_runs_by_the_beginning_of_their_key(run, tmp_path):
    for name, discount in (("a", 0.9), ("b", 0.8)):
        make_run(tmp_path / "runs" / name, discount=discount)
    keys = [each.key for each in collect([tmp_path / "runs"]).runs]
    _, printed, _ = run("report", tmp_path / "runs", "--key", keys[0][:6], "--out", tmp_path / "report")
    assert "[" not in printed.splitlines()[2]
    assert "1 |" in printed


@pytest.mark.parametrize("source", ["nothing", "nothing.csv", "empty"])
def test_report_answers_for_what_is_not_there_in_one_sentence(run, tmp_path, source):
    (tmp_path / "empty").mkdir()
    code, _, complaint = run("report", tmp_path / source, "--out", tmp_path / "report")
    assert code == 2
    assert complaint.count("\n") == 1
    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize("verb", ["ledger", "report"])
def test_a_run_without_metrics_is_answered_for_and_not_the_place_to_write_to(run, tmp_path, verb):
    make_run(tmp_path / "runs" / "a").joinpath("metrics.csv").unlink()
    code, _, complaint = run(verb, tmp_path / "runs", "--out", tmp_path / "out" / "ledger.csv")
    assert code == 2
    assert complaint.startswith(f"error: runs is '{tmp_path / 'runs' / 'a' / 'metrics.csv'}'")
    assert complaint.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_ledger_is_not_written_where_nothing_can_be(run, tmp_path):
    make_run(tmp_path / "runs" / "a")
    code, _, complaint = run("ledger", tmp_path / "runs", "--out", tmp_path / "runs")
    assert code == 2
    assert "choose a place that can be written" in complaint


def test_a_run_is_the_same_from_its_folder_and_from_what_wandb_wrote(run, logged_run, tmp_path):
    (own,), (logged,) = (collect([path]).runs for path in (logged_run, logged_run / "wandb"))
    assert (logged.key, logged.title, logged.frames) == (own.key, own.title, own.frames)
    assert logged.curve == own.curve
    assert logged.guidance.keys() == own.guidance.keys()
    assert logged.numbers["expert_return"] == own.numbers["expert_return"]
    code, printed, complaint = run("report", logged_run / "wandb", "--out", tmp_path / "report")
    assert code == 0, complaint
    assert "| breakout | diiqn literal |" in printed


def test_of_a_run_that_was_gone_on_with_the_later_session_counts_offline_or_not(logged_run, tmp_path):
    (log,) = (logged_run / "wandb").glob("offline-run-*/run-*.wandb")
    written = log.read_bytes()
    for session, content in {
        "run-20260101_000000-a": written[: len(written) // 2],  # interrupted
        "offline-run-20260102_000000-a": written,
    }.items():
        (tmp_path / session).mkdir()
        (tmp_path / session / "run-a.wandb").write_bytes(content)
    found = collect([tmp_path])
    assert [run.frames for run in found.runs] == [run.frames for run in collect([logged_run]).runs]


def test_what_wandb_wrote_of_a_run_that_did_not_end_is_left_out(run, logged_run, tmp_path):
    (log,) = (logged_run / "wandb").glob("offline-run-*/run-*.wandb")
    (tmp_path / "offline-run-1").mkdir()
    (tmp_path / "offline-run-1" / "run-1.wandb").write_bytes(log.read_bytes()[: log.stat().st_size // 2])
    code, _, complaint = run("report", tmp_path / "offline-run-1", "--out", tmp_path / "report")
    assert code == 2
    assert "offline-run-1: it did not end by itself" in complaint
