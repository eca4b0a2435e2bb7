import resource

import gymnasium as gym
import numpy as np
import pytest
import torch

from diiqn_lightning.errors import InputError
from diiqn_lightning.experts import files
from diiqn_lightning.experts.recording import episode_returns, record


def right(states):
    return torch.ones(len(states), dtype=torch.int64)


def settings(**changes):
    return dict(transitions=40, epsilon=0.2, seed=3, max_episode_steps=50) | changes


def test_records_whole_episodes_with_labels_and_a_card(tmp_path):
    path = tmp_path / "a.expert"
    dataset = record(right, "Corridor-v0", path, **settings(), card={"policy": "right"})
    states, labels = dataset.states, dataset.labels
    assert states.num_transitions >= 40
    assert bool((labels.terminated | labels.truncated)[states.is_last].all())
    assert not bool((labels.terminated | labels.truncated)[~states.is_last].any())
    assert dataset.card["policy"] == "right"
    assert dataset.card["return_mean"] == pytest.approx(float(episode_returns(dataset).mean()))
    assert files.load(path).states.content_hash == states.content_hash == dataset.card["content_hash"]
    # Moving right from cell c leads to c + 1: the labels fit the states.
    every = torch.arange(states.num_transitions)
    moved = states.next_observation(every)[:, :7].argmax(1) - states.observation(every)[:, :7].argmax(1)
    inside = states.observation(every)[:, 0] == 0
    assert torch.equal(moved[inside], 2 * labels.action[inside] - 1)


def test_is_determined_by_its_seed(tmp_path):
    first = record(right, "MinAtar/Breakout-v1", tmp_path / "a.expert", **settings(epsilon=1.0))
    again = record(right, "MinAtar/Breakout-v1", tmp_path / "b.expert", **settings(epsilon=1.0))
    other = record(right, "MinAtar/Breakout-v1", tmp_path / "c.expert", **settings(epsilon=1.0, seed=4))
    assert first.states.content_hash == again.states.content_hash != other.states.content_hash


def test_goes_on_where_it_was_interrupted(tmp_path):
    calls = 0

    def interrupted(states):
        nonlocal calls
        calls += 1
        if calls > 60:
            raise KeyboardInterrupt
        return right(states)

    wanted = settings(transitions=1500)
    whole = record(right, "Corridor-v0", tmp_path / "whole.expert", **wanted)
    with pytest.raises(KeyboardInterrupt):
        record(interrupted, "Corridor-v0", tmp_path / "a.expert", **wanted)
    assert not (tmp_path / "a.expert").exists()
    assert (tmp_path / "a.expert.recording").exists()
    resumed = record(right, "Corridor-v0", tmp_path / "a.expert", **wanted)
    assert resumed.states.content_hash == whole.states.content_hash
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.expert", "whole.expert"]


def test_refuses_to_go_on_with_other_settings(tmp_path):
    def interrupted(states, left=[40]):  # noqa: B006
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return right(states)

    with pytest.raises(KeyboardInterrupt):
        record(interrupted, "Corridor-v0", tmp_path / "a.expert", **settings(transitions=1500))
    with pytest.raises(InputError, match="other settings"):
        record(right, "Corridor-v0", tmp_path / "a.expert", **settings(transitions=1500, epsilon=0.5))


@pytest.mark.parametrize("changes", [{"transitions": 0}, {"epsilon": 1.5}, {"epsilon": -0.1}, {"max_episode_steps": 0}])
def test_refuses_values_out_of_range(tmp_path, changes):
    with pytest.raises(InputError):
        record(right, "Corridor-v0", tmp_path / "a.expert", **settings(**changes))


def test_refuses_a_place_that_cannot_be_written():
    from pathlib import Path

    with pytest.raises(InputError, match="can be written"):
        record(right, "Corridor-v0", Path("/proc/a.expert"), **settings())


@pytest.fixture
def full_disk():
    """No file can grow beyond some bytes, as on a full disk (a quota of the kernel's own)."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(size):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))

    yield limit
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_what_was_recorded_and_the_recording_goes_on(tmp_path, full_disk):
    wanted = settings(transitions=1500, epsilon=1.0)
    whole = record(right, "MinAtar/Breakout-v1", tmp_path / "whole.expert", **wanted)
    room = (tmp_path / "whole.expert").stat().st_size // 2

    def limited(transitions):
        full_disk(room)

    with pytest.raises(InputError, match="can be written"):
        record(right, "MinAtar/Breakout-v1", tmp_path / "a.expert", **wanted, progress=limited)
    assert {path.name for path in tmp_path.iterdir()} == {"a.expert.recording", "whole.expert"}
    full_disk(resource.RLIM_INFINITY)
    resumed = record(right, "MinAtar/Breakout-v1", tmp_path / "a.expert", **wanted)
    assert resumed.states.content_hash == whole.states.content_hash


class Counter(gym.Env):
    """Counts its steps in one buffer that it gives time and again, as float64 though it declares float32."""

    observation_space = gym.spaces.Box(0, 9, (1,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.count = np.zeros(1)
        return self.count, {}

    def step(self, action):
        self.count += 1
        return self.count, 0.0, bool(self.count[0] == 5), False, {}


gym.register("Counter-v0", entry_point=Counter)


def test_states_are_kept_as_they_were_in_the_type_that_the_environment_declares(tmp_path):
    record(right, "Counter-v0", tmp_path / "a.expert", **settings(transitions=5))
    states = files.load(tmp_path / "a.expert").states.states
    assert states.dtype == torch.float32
    assert states[:6, 0].tolist() == [0, 1, 2, 3, 4, 5]


def test_an_environment_that_breaks_down_is_named_and_what_was_recorded_stays(tmp_path):
    faulty = {"fault": "raises", "after": 7}
    with pytest.raises(InputError, match="the corridor has collapsed.*goes on from the episodes that were recorded"):
        record(right, "Faulty-v0", tmp_path / "a.expert", **settings(epsilon=1.0), env_kwargs=faulty)
    assert not (tmp_path / "a.expert").exists()


class Unpaid(Counter):
    """Its rewards are no numbers."""

    def step(self, action):
        observation, _, *rest = super().step(action)
        return observation, np.nan, *rest


gym.register("Unpaid-v0", entry_point=Unpaid)


def test_a_reward_that_is_no_number_is_refused(tmp_path):
    with pytest.raises(InputError, match="environment's reward is nan"):
        record(right, "Unpaid-v0", tmp_path / "a.expert", **settings(transitions=5))
    assert list(tmp_path.iterdir()) == []
