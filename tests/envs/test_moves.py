import pytest

from diiqn_lightning.envs.moves import ACTION_SETS, moves_of
from diiqn_lightning.errors import InputError


def test_sets_have_the_sizes_that_their_names_promise():
    sizes = {name: len(set(moves_of(name).values())) for name in ACTION_SETS}
    assert sizes == {"cardinal": 4, "diagonal": 4, "king": 8, "jump2": 4, "knight": 8}


def test_sets_and_single_moves_can_be_joined_and_keep_their_order():
    assert moves_of("south+knight_north_east+west2") == {
        "south": (1, 0),
        "knight_north_east": (-2, 1),
        "west2": (0, -2),
    }
    assert list(moves_of(["diagonal", "north"])) == ["northeast", "southeast", "southwest", "northwest", "north"]


def test_a_knight_goes_two_one_way_and_one_across():
    assert all(sorted(map(abs, move)) == [1, 2] for move in moves_of("knight").values())


@pytest.mark.parametrize("bad", ["queen", "cardinal+", [], ""])
def test_unknown_names_are_refused(bad):
    with pytest.raises(InputError, match="action_set"):
        moves_of(bad)
