import torch
from hypothesis import given
from hypothesis import strategies as st

from diiqn_lightning.packing import pack_bits, pack_state, unpack_bits, unpack_state


@given(st.integers(1, 5), st.lists(st.integers(1, 5), min_size=1, max_size=3), st.integers(0, 1000))
def test_bits_come_back_as_they_were(rows, shape, seed):
    flags = torch.rand(rows, *shape, generator=torch.Generator().manual_seed(seed)) < 0.5
    packed = pack_bits(flags)
    assert packed.numel() <= rows * (flags[0].numel() + 7) // 8 + rows
    assert torch.equal(unpack_bits(packed, tuple(shape)), flags)


def test_a_nested_state_comes_back_as_it_was():
    state = {"a": torch.rand(3, 2) < 0.5, "b": {"c": torch.arange(3), "d": torch.tensor([True, False])}, "e": [1, "x"]}
    back = unpack_state(pack_state(state))
    assert torch.equal(back["a"], state["a"])
    assert torch.equal(back["b"]["c"], state["b"]["c"])
    assert torch.equal(back["b"]["d"], state["b"]["d"])
    assert back["e"] == state["e"]


def test_a_view_is_saved_without_what_it_does_not_show():
    whole = torch.arange(1000.0)
    packed = pack_state({"part": whole[:3]})["part"]
    assert packed.untyped_storage().nbytes() == 12
    assert torch.equal(packed, whole[:3])
