"""Minari datasets, in and out (extra ``minari``)."""

import os
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import torch

from diiqn_lightning.envs import in_canonical_order, make_gym_env
from diiqn_lightning.errors import InputError
from diiqn_lightning.experts.assembly import Array, dataset_from
from diiqn_lightning.experts.dataset import ExpertDataset


def _minari() -> Any:
    try:
        import minari
    except ImportError as error:
        raise InputError("minari", "not installed", "install it with `pip install diiqn-lightning[minari]`") from error
    return minari


def looks_like_minari(path: Path) -> bool:
    """Whether a folder is a Minari dataset or its ``data`` folder."""
    return any((folder / "metadata.json").is_file() for folder in (path, path / "data"))


def read_minari(source: str) -> ExpertDataset:
    """Read a local Minari dataset by its id or its folder; dictionary observations are flattened.

    Raises:
        InputError: naming the dataset and the remedy.
    """
    minari = _minari()
    path = Path(source)
    try:
        if path.exists():
            data = minari.MinariDataset(path / "data" if (path / "data").is_dir() else path)
        else:
            data = minari.load_dataset(source)
        episodes = list(data.iterate_episodes())
        space = in_canonical_order(data.observation_space)
    except InputError:
        raise
    except Exception as error:  # whatever a damaged HDF5 file makes its readers raise
        raise InputError("Minari dataset", source, f"it cannot be read ({' '.join(str(error).split())})") from error
    if not space.is_np_flattenable:
        raise InputError(
            "Minari dataset",
            source,
            f"observations of the space {space} cannot be flattened; convert them to arrays first",
        )
    states = [_flattened(episode.observations, space, len(episode.rewards) + 1) for episode in episodes]
    labels = {
        "rewards": np.concatenate([episode.rewards for episode in episodes]),
        "label_terminated": np.concatenate([episode.terminations for episode in episodes]),
    }
    if isinstance(data.action_space, gym.spaces.Discrete):
        labels["actions"] = np.concatenate([np.asarray(episode.actions) for episode in episodes])
    card = {"source": data.spec.dataset_id}
    if data.env_spec is not None:
        card["environment"] = data.env_spec.id
    return dataset_from(states, labels, card)


def _flattened(observations: Any, space: gym.Space[Any], length: int) -> Array:
    if isinstance(space, gym.spaces.Box):
        return np.asarray(observations)
    steps = [_step(observations, index) for index in range(length)]
    return np.stack([np.asarray(gym.spaces.utils.flatten(space, step)) for step in steps])


def _step(observations: Any, index: int) -> Any:
    if isinstance(observations, dict):
        return {name: _step(part, index) for name, part in observations.items()}
    if isinstance(observations, tuple):
        return tuple(_step(part, index) for part in observations)
    return observations[index]


def write_minari(dataset: ExpertDataset, dataset_id: str, env_id: str) -> Path:
    """Write a dataset into the local Minari store.

    Minari has no episodes without actions, so the dataset needs labels.

    Args:
        dataset: with labels.
        dataset_id: Minari's name for it, such as ``minatar/breakout/medium-v0``.
        env_id: the environment that it was recorded in.

    Raises:
        InputError: for a dataset without labels or rewards, or an id that Minari refuses or has.
    """
    minari = _minari()
    from minari.data_collector.episode_buffer import EpisodeBuffer

    if dataset.labels is None:
        raise InputError("dataset labels", None, "write .npz instead: Minari has no episodes without actions")
    if dataset.labels.reward is None:
        raise InputError("dataset rewards", None, "write .npz instead: Minari has no episodes without rewards")
    with make_gym_env(env_id, env_kwargs=dataset.card.get("environment_arguments")) as env:
        space, action_space = env.observation_space, env.action_space
    if dataset.states.states.dtype == torch.bool:  # bounds of bool are what Minari can store
        space = gym.spaces.Box(0, 1, dataset.states.observation_shape, np.bool_)
    buffers: list[Any] = []
    start = 0
    labels, rewards, states = dataset.labels, dataset.labels.reward, dataset.states.states.numpy()
    for length in dataset.states.episode_lengths.tolist():
        first = start + len(buffers)  # each earlier episode has one state more than transitions
        part = slice(start, start + length)
        buffers.append(
            EpisodeBuffer(
                observations=states[first : first + length + 1],
                actions=labels.action[part].numpy(),
                rewards=rewards[part].tolist(),
                terminations=labels.terminated[part].tolist(),
                truncations=labels.truncated[part].tolist(),
            )
        )
        start += length
    try:
        minari.create_dataset_from_buffers(
            dataset_id,
            buffers,
            action_space=action_space,
            observation_space=space,
            algorithm_name=str(dataset.card.get("policy", "")),
            author="",
            author_email="",
            code_permalink="",
            description=f"Recorded in {env_id}",
            jpeg_encoding=False,
        )
    except (ValueError, OSError) as error:
        raise InputError("Minari id", dataset_id, f"Minari refuses it ({' '.join(str(error).split())})") from error
    return Path(os.fspath(minari.storage.get_dataset_path(dataset_id)))
