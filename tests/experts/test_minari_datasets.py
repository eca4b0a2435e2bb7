from dataclasses import replace
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
import torch

from diiqn_lightning.envs import make_gym_env
from diiqn_lightning.errors import InputError
from diiqn_lightning.experts import ExpertDataset
from diiqn_lightning.experts.files import load
from diiqn_lightning.experts.minari_datasets import read_minari, write_minari
from diiqn_lightning.experts.sources import load_any

minari = pytest.importorskip("minari", reason="the extra [minari] is not installed")

EXPERTS = Path(__file__).parents[2] / "experts"

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:minari", "ignore::DeprecationWarning")


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    return tmp_path


def create(dataset_id, space, episodes, action_space=gym.spaces.Discrete(3)):  # noqa: B008
    """A dataset that Minari itself writes; each episode is a list of observations."""
    from minari.data_collector.episode_buffer import EpisodeBuffer

    def stacked(parts):
        if isinstance(parts[0], dict):
            return {name: np.stack([part[name] for part in parts]) for name in parts[0]}
        return np.stack(parts)

    buffers = [
        EpisodeBuffer(
            observations=stacked(states),
            actions=np.stack([action_space.sample() for _ in states[1:]]),
            rewards=list(range(len(states) - 1)),
            terminations=[False] * (len(states) - 2) + [True],
            truncations=[False] * (len(states) - 1),
        )
        for states in episodes
    ]
    minari.create_dataset_from_buffers(
        dataset_id,
        buffers,
        observation_space=space,
        action_space=action_space,
        algorithm_name="a",
        author="a",
        author_email="a",
        code_permalink="a",
        jpeg_encoding=False,
    )
    return episodes


SPACES = {
    "bool": gym.spaces.Box(0, 1, (4, 4, 2), np.bool_),
    "uint8": gym.spaces.Box(0, 255, (5,), np.uint8),
    "float32": gym.spaces.Box(-1, 1, (3,), np.float32),
}


@pytest.mark.parametrize("name", SPACES)
def test_reads_what_minari_wrote(name):
    space = SPACES[name]
    space.seed(0)
    episodes = create("test/one-v0", space, [[space.sample() for _ in range(n)] for n in (4, 6)])
    dataset = load_any("minari:test/one-v0")
    assert str(dataset.states.states.dtype) == f"torch.{name}"
    assert np.array_equal(dataset.states.states.numpy(), np.concatenate([np.stack(e) for e in episodes]))
    assert dataset.states.episode_lengths.tolist() == [3, 5]
    assert dataset.labels.reward.tolist() == [0, 1, 2, 0, 1, 2, 3, 4]
    assert dataset.labels.terminated.tolist() == [False, False, True, False, False, False, False, True]


def test_reads_a_folder_as_well(store):
    space = SPACES["float32"]
    create("test/one-v0", space, [[space.sample() for _ in range(4)]])
    folder = next(path.parent for path in store.rglob("metadata.json"))
    by_id = read_minari("test/one-v0").states.content_hash
    assert load_any(str(folder)).states.content_hash == load_any(str(folder.parent)).states.content_hash == by_id


def test_dictionaries_are_flattened_as_the_environments_are():
    class Pair(gym.Env):
        observation_space = gym.spaces.Dict(b=gym.spaces.Box(0, 1, (2,)), a=gym.spaces.Box(0, 1, (3,)))
        action_space = gym.spaces.Discrete(3)

        def reset(self, *, seed=None, options=None):
            self.observation_space.seed(seed)
            return self.observation_space.sample(), {}

    gym.register("SamplePair-v0", entry_point=Pair)
    env = make_gym_env("SamplePair-v0")
    flat = [env.reset()[0] for _ in range(3)]
    env.episode = -1
    raw = [env.env.unwrapped.reset(seed=int(seed))[0] for seed in (1, 2, 3)]
    create("test/dict-v0", Pair.observation_space, [raw])
    states = read_minari("test/dict-v0").states.states
    expected = np.stack([np.concatenate([observation["a"], observation["b"]]) for observation in raw])
    assert np.array_equal(states.numpy(), expected)
    assert flat[0].shape == (5,)
    assert np.array_equal(env.env.observation(raw[0]) if hasattr(env.env, "observation") else expected[0], expected[0])


def test_continuous_actions_are_no_labels():
    space = SPACES["float32"]
    create("test/c-v0", space, [[space.sample() for _ in range(4)]], gym.spaces.Box(-1, 1, (2,)))
    assert read_minari("test/c-v0").labels is None


def test_what_is_written_comes_back(corridor_expert):
    write_minari(corridor_expert, "test/corridor-v0", "Corridor-v0")
    back = read_minari("test/corridor-v0")
    assert back.states.content_hash == corridor_expert.states.content_hash
    for name in ("action", "reward", "terminated"):
        assert torch.equal(getattr(back.labels, name), getattr(corridor_expert.labels, name))


def test_minari_takes_no_dataset_without_actions_or_rewards(corridor_expert):
    without = replace(corridor_expert, labels=replace(corridor_expert.labels, reward=None))
    for dataset in (ExpertDataset(corridor_expert.states), without):
        with pytest.raises(InputError, match="npz"):
            write_minari(dataset, "test/x-v0", "Corridor-v0")


def test_an_experts_own_actions_are_written():
    """Maze2D with king's moves: eight, where the environment has four by itself."""
    write_minari(load(EXPERTS / "maze2d-weak.expert"), "test/maze-v0", "Maze2D-v0")
    assert minari.load_dataset("test/maze-v0").action_space.n == 8


def test_refuses_an_unknown_id_and_another_hdf5(store):
    import h5py

    with pytest.raises(InputError, match="cannot be read"):
        load_any("minari:no/such-v0")
    with h5py.File(store / "main_data.hdf5", "w") as file:
        file["x"] = np.zeros(3)
    with pytest.raises(InputError, match="folder of a Minari dataset"):
        load_any(str(store / "main_data.hdf5"))
    (store / "metadata.json").write_text("{}")
    with pytest.raises(InputError, match="cannot be read"):
        load_any(str(store))
