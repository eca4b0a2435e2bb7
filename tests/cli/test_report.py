import json

import pytest

from tests.report.test_ledger import make_run


def test_report_compares_runs_of_a_ledger(run, tmp_path):
    for seed in range(3):
        make_run(tmp_path / "runs" / str(seed), seed=seed)
    assert run("ledger", tmp_path / "runs", "--out", tmp_path / "ledger.csv")[0] == 0
    code, printed, complaint = run("report", tmp_path / "ledger.csv", "--out", tmp_path / "report")
    assert code == 0, complaint
    assert "| breakout | dqn | 100 | 3 | 1.0 |" in printed
    assert {path.name for path in (tmp_path / "report").iterdir()} == {"returns.csv", "summary.json", "curves.png"}


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
