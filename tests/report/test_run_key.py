from diiqn_lightning.report.run_key import key_of_sessions, run_key


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
