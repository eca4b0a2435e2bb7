import pytest

from diiqn_lightning.callbacks.identity import OF_THE_DATA, STRUCTURE, check_identity
from diiqn_lightning.errors import InputError

IDENTITY = {
    "algorithm": "DIIQN",
    "environment": "A-v0",
    "ranks": 1,
    "expert": "ab12",
    "expert_name": "mine",
    "structure": {"data.num_envs": 4, "data.frames_per_update": 4},
}


def test_the_same_run_may_go_on():
    check_identity(IDENTITY, dict(IDENTITY))
    check_identity(IDENTITY, IDENTITY | {"expert_name": "the same file under another name"})


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        ({"algorithm": "DQN"}, "'DQN'.*DIIQN"),
        ({"environment": "B-v0"}, "'B-v0'.*A-v0"),
        ({"structure": {"data.num_envs": 8}}, "data.num_envs is 8.*made with: 4"),
        ({"structure": {"data.num_envs": 4, "data.frames_per_update": 8}}, "frames_per_update is 8.*made with: 4"),
        ({"ranks": 2}, "is 2.*: 1"),
        ({"expert": "cd34", "expert_name": "other"}, r"'other \(cd34\)'.*mine \(ab12\)"),
    ],
)
def test_another_run_may_not(change, hint):
    with pytest.raises(InputError, match=hint):
        check_identity(IDENTITY, IDENTITY | change)


def test_what_shapes_the_data_may_change_where_they_begin_anew():
    changes = {"ranks": 2, "expert": "cd34", "expert_name": "other", "structure": {"data.num_envs": 8}}
    with pytest.raises(InputError, match="--fresh_data true"):
        check_identity(IDENTITY, IDENTITY | changes)
    check_identity(IDENTITY, IDENTITY | changes, fresh_data=True)


@pytest.mark.parametrize(
    "field",
    ["action_inference.init_args.error_max", "expert_sampling.similarity_threshold", "expert_visits.count_scope"],
)
def test_what_is_known_of_the_expert_was_found_by_the_options_of_the_checkpoint(field):
    assert field in STRUCTURE
    assert field in OF_THE_DATA


def test_a_checkpoint_from_before_there_was_a_value_network_has_none_of_its_own():
    field = "model.init_args.value_network"
    old = {**IDENTITY, "structure": {"seed_everything": 0}}
    check_identity(old, {**old, "structure": {"seed_everything": 0, field: "shared"}})
    check_identity(old, {**old, "structure": {"seed_everything": 0, field: None}})
    with pytest.raises(InputError, match="made with: 'shared'"):
        check_identity(old, {**old, "structure": {"seed_everything": 0, field: "own"}})


@pytest.mark.parametrize("change", [{"algorithm": "DQN"}, {"environment": "B-v0"}, {"structure": {"hidden": [8]}}])
def test_what_shapes_the_weights_may_not_change_with_fresh_data_either(change):
    saved = IDENTITY | {"structure": {"hidden": [64]}}
    with pytest.raises(InputError) as refused:
        check_identity(saved, saved | change, fresh_data=True)
    assert "fresh_data" not in str(refused.value)
