import pytest

from diiqn_lightning.errors import InputError
from diiqn_lightning.modules.outgrowing import Outgrowing, Outgrown


def test_frames_ahead_of_the_expert_count_and_never_come_back():
    outgrowing = Outgrowing(Outgrown(100))
    for frames, lead, share in ((50, 2.0, 1.0), (80, -0.1, 0.7), (90, 0.0, 0.7), (130, 1.0, 0.7), (180, -1.0, 0.2)):
        outgrowing.look(lead, frames)
        assert outgrowing.share == pytest.approx(share)
    outgrowing.look(-1.0, 10_000)
    assert outgrowing.share == 0.0


def test_who_is_nearly_as_good_counts_from_a_lead_on_and_an_unknown_one_never():
    outgrowing = Outgrowing(Outgrown(100, lead=0.5))
    for frames, lead, share in ((10, 0.6, 1.0), (30, 0.4, 0.8), (60, 0.0, 0.8), (70, -0.1, 0.7)):
        outgrowing.look(lead, frames)
        assert outgrowing.share == pytest.approx(share)


def test_its_state_is_saved():
    one, other = Outgrowing(Outgrown(100)), Outgrowing(Outgrown(100))
    one.look(-1.0, 30)
    other.load_state_dict(one.state_dict())
    for outgrowing in (one, other):
        outgrowing.look(-1.0, 40)
    assert one.share == other.share == 0.6


def test_refuses_no_frames():
    with pytest.raises(InputError, match="model.fading.outgrown.frames"):
        Outgrown(frames=0)


def test_refuses_a_lead_that_beginners_have():
    with pytest.raises(InputError, match="model.fading.outgrown.lead is 1"):
        Outgrown(frames=100, lead=1)
