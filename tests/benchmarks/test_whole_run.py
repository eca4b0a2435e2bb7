from benchmarks import whole_run


def test_peers_whose_library_is_missing_are_left_out_with_a_sentence(monkeypatch, capsys):
    monkeypatch.setattr(whole_run, "PEERS", {"there": ("a", [], "torch"), "missing": ("b", [], "no_such_library")})
    assert list(whole_run.installed_peers()) == ["there"]
    assert "missing is left out: no_such_library is not installed" in capsys.readouterr().err


def test_a_preset_is_measured_beside_the_reference():
    assert {"dqn", "single_file_dqn", "diiqn"} == set(whole_run.contestants(["single_file_dqn"], 100, 1))
    more = whole_run.contestants([], 100, 1, preset=["trainer/fast"], large_expert="large.expert")
    assert {"dqn_preset", "bare_loop_preset", "diiqn_preset", "diiqn_large_expert"} < set(more)
