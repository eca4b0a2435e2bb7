import pytest
import torch
from tensordict import TensorDict
from torch.testing import assert_close

from diiqn_lightning import keys
from diiqn_lightning.algorithm.schedules import LinearSchedule
from diiqn_lightning.data import Prioritization, Replay
from diiqn_lightning.errors import InputError


def frames(first, count):
    number = torch.arange(first, first + count)
    return TensorDict({keys.OBSERVATION: number, "next": TensorDict({"reward": number.float()}, [count])}, [count])


def constant_beta(beta):
    return LinearSchedule(beta, beta, 1)


def test_samples_by_priority_to_the_power_of_alpha():
    # |δ| 1 and 4 with α = ½: shares 1/3 and 2/3
    replay = Replay(2, Prioritization(alpha=0.5, beta=constant_beta(0.0), epsilon=1e-8), seed=0)
    replay.extend(frames(0, 2))
    replay.update_priority(torch.tensor([0, 1]), torch.tensor([1.0, 4.0]))
    batch = replay.sample(6000, frames=0)
    assert (batch[keys.INDEX] == 1).float().mean().item() == pytest.approx(2 / 3, abs=0.03)


def test_importance_weights_are_relative_to_the_batchs_largest():
    # β = 1: weights ∝ 1/p: ¼ for the transition that is sampled four times as often
    replay = Replay(2, Prioritization(alpha=1.0, beta=constant_beta(1.0), epsilon=1e-8), seed=0)
    replay.extend(frames(0, 2))
    replay.update_priority(torch.tensor([0, 1]), torch.tensor([1.0, 4.0]))
    batch = replay.sample(200, frames=0)
    assert_close(batch[keys.PRIORITY_WEIGHT], torch.where(batch[keys.INDEX] == 1, 0.25, 1.0))


def test_beta_follows_its_schedule_by_frames():
    replay = Replay(2, Prioritization(alpha=1.0, beta=LinearSchedule(0.0, 1.0, 100), epsilon=1e-8), seed=0)
    replay.extend(frames(0, 2))
    replay.update_priority(torch.tensor([0, 1]), torch.tensor([1.0, 4.0]))
    assert replay.sample(100, frames=0)[keys.PRIORITY_WEIGHT].min() == 1
    assert replay.sample(100, frames=50)[keys.PRIORITY_WEIGHT].min().item() == pytest.approx(0.5)


def test_new_frames_get_the_largest_priority_so_that_they_are_seen():
    replay = Replay(100, Prioritization(alpha=1.0, beta=constant_beta(0.0), epsilon=1e-8), seed=0)
    replay.extend(frames(0, 50))
    replay.update_priority(torch.arange(50), torch.full((50,), 0.001))
    replay.extend(frames(50, 1))
    share = (replay.sample(1000, frames=0)[keys.INDEX] == 50).float().mean()
    assert share > 0.9  # 1 against 50 · 0.001


def test_uniform_replay_weighs_all_alike_and_ignores_priorities():
    replay = Replay(4, None, seed=0)
    replay.extend(frames(0, 4))
    replay.update_priority(torch.tensor([0]), torch.tensor([1e6]))
    batch = replay.sample(4000, frames=0)
    assert bool((batch[keys.PRIORITY_WEIGHT] == 1).all())
    assert (batch[keys.INDEX] == 0).float().mean().item() == pytest.approx(0.25, abs=0.03)


def test_the_oldest_frames_are_forgotten_first():
    replay = Replay(10, None, seed=0)
    for first in range(0, 24, 4):
        replay.extend(frames(first, 4))
    assert len(replay) == 10
    assert set(replay.sample(500, frames=0)[keys.OBSERVATION].tolist()) == set(range(14, 24))


@pytest.mark.parametrize("prioritization", [None, Prioritization()], ids=["uniform", "prioritized"])
@pytest.mark.parametrize("count", [6, 40], ids=["filling", "full"])
def test_a_restored_buffer_goes_on_bit_by_bit(prioritization, count):
    def go_on(replay):
        drawn = []
        for step in range(20):
            replay.extend(frames(1000 + step, 2))
            batch = replay.sample(8, frames=step)
            replay.update_priority(batch[keys.INDEX], batch[keys.REWARD] % 7)
            drawn += [batch[keys.INDEX], batch[keys.OBSERVATION], batch[keys.REWARD], batch[keys.PRIORITY_WEIGHT]]
        return drawn

    replay = Replay(24, prioritization, seed=3)
    for first in range(0, count, 2):
        replay.extend(frames(first, 2))
        batch = replay.sample(4, frames=first)
        replay.update_priority(batch[keys.INDEX], batch[keys.REWARD] % 5)
    restored = Replay(24, prioritization, seed=99)
    restored.load_state({k: v.clone() if isinstance(v, torch.Tensor) else v for k, v in replay.state().items()})
    assert all(torch.equal(a, b) for a, b in zip(go_on(replay), go_on(restored), strict=True))


@pytest.mark.parametrize(
    "make", [lambda: Replay(0, None, 0), lambda: Prioritization(alpha=2), lambda: Prioritization(epsilon=0)]
)
def test_refuses_values_out_of_range(make):
    with pytest.raises(InputError):
        make()


def test_columns_positions_by_age_and_what_is_still_there():
    replay = Replay(4, None, seed=0)
    replay.extend(frames(0, 3))
    assert replay.column(keys.OBSERVATION).tolist() == [0, 1, 2]
    assert replay.newest_first().tolist() == [2, 1, 0]
    replay.extend(frames(3, 3))
    assert replay.column(keys.OBSERVATION)[replay.newest_first()].tolist() == [5, 4, 3, 2]
    assert replay.column(keys.REWARD)[replay.newest_first()].tolist() == [5.0, 4.0, 3.0, 2.0]
    assert replay.written == 6
    assert Replay(4, None, seed=0).newest_first().tolist() == []


@pytest.mark.parametrize("capacity", [100, 14], ids=["filling", "full"])
def test_observations_before_a_frame_are_those_of_its_environment_and_episode(capacity):
    # Two environments, whose frames are numbered 1, 11, 2, 12, …; the second one's episode began with 14.
    replay = Replay(capacity, None, seed=0)
    for time in range(10):
        step = TensorDict({keys.EPISODE_STEP: torch.tensor([time, time if time < 3 else time - 3])}, [2])
        step.set(keys.OBSERVATION, torch.tensor([[1 + time], [11 + time]]))
        replay.extend(step)
    number = replay.column(keys.OBSERVATION).flatten()
    before = replay.preceding(torch.arange(len(replay)), steps=2, stride=2).squeeze(-1)
    found = dict(zip(number.tolist(), before.tolist(), strict=True))
    assert found[10] == [8, 9]
    assert found[20] == [18, 19]
    assert found[15] == [0, 14]
    assert found[14] == [0, 0]
    if capacity == 14:  # frames 4 and 14 are the oldest ones that are left
        assert min(found) == 4
        assert found[4] == [0, 0]
        assert found[5] == [0, 4]
    else:
        assert found[1] == [0, 0]
        assert found[2] == [0, 1]
        assert found[13] == [11, 12]
