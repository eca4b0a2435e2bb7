import pickle

import pytest

from diiqn_lightning.errors import InputError, require_positive, require_within


def test_names_the_field_the_value_and_the_remedy():
    assert str(InputError("data.num_envs", 0, "give more")) == "data.num_envs is 0: give more."


def test_survives_the_way_between_processes():
    error = pickle.loads(pickle.dumps(InputError("a", "b", "c")))
    assert (error.field, error.value, error.remedy) == ("a", "b", "c")


@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_positive_means_larger_than_zero(value):
    with pytest.raises(InputError):
        require_positive(size=value)


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_within_includes_both_ends_and_no_nan(value):
    require_within(0, 1, none=0, all=1)
    with pytest.raises(InputError):
        require_within(0, 1, share=value)
