"""Records an expert: whole episodes of a policy, each determined by its number."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from diiqn_lightning.algorithm.returns import episode_sums
from diiqn_lightning.envs import SeededEpisodes, make_gym_env, spec_of
from diiqn_lightning.envs.episodes import RECORDING
from diiqn_lightning.envs.faults import naming_the_environment
from diiqn_lightning.envs.minatar_games import executed_action
from diiqn_lightning.envs.outcomes import copy_environment, tells_actions_apart
from diiqn_lightning.errors import InputError, require_within
from diiqn_lightning.experts import files
from diiqn_lightning.experts.dataset import ExpertDataset, ExpertLabels, ExpertStates

PARALLEL_EPISODES = 16

GO_ON = "mend the environment; the same command goes on from the episodes that were recorded"


LABELS: dict[str, torch.dtype] = {
    "action": torch.int64,
    "executed_action": torch.int64,
    "reward": torch.float32,
    "terminated": torch.bool,
    "truncated": torch.bool,
    "distinguishable": torch.bool,
}


@dataclass
class _Episode:
    env: SeededEpisodes
    random: np.random.Generator
    states: list[np.ndarray[Any, Any]]
    steps: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in LABELS})

    @property
    def running(self) -> bool:
        return not any(self.steps[name][-1:] == [True] for name in ("terminated", "truncated"))


def record(
    policy: Callable[[Tensor], Tensor],
    env_id: str,
    path: Path,
    *,
    transitions: int,
    epsilon: float,
    seed: int,
    max_episode_steps: int,
    env_kwargs: Mapping[str, Any] | None = None,
    card: Mapping[str, Any] | None = None,
    command: str | None = None,
    progress: Callable[[int], None] = lambda transitions: None,
) -> ExpertDataset:
    """Record whole episodes until they hold ``transitions`` transitions, and save them.

    Episodes are taken in the order of their numbers, not of their ends, so that short ones are not
    over-represented. Interrupted recordings leave ``<path>.recording`` and go on from there; the
    final name appears only when the dataset is whole.

    Args:
        policy: greedy actions ``[B]`` for observations ``[B, *O]``.
        env_id: Gymnasium id.
        path: the file, ending in ``.expert``.
        transitions: at least so many.
        epsilon: probability of a uniformly random action.
        seed: of episodes and random actions.
        max_episode_steps: truncate episodes there.
        env_kwargs: handed to the environment.
        card: what to say of the policy; facts of the recording are added.
        command: the command line that records, for the card.
        progress: called with the number of transitions so far.

    Raises:
        InputError: for sizes below 1, ε outside [0, 1], a path that cannot be written, or an
            unfinished recording with other settings at the same path.
    """
    if transitions < 1:
        raise InputError("transitions", transitions, "give a whole number of at least 1")
    if max_episode_steps < 1:
        raise InputError("max_episode_steps", max_episode_steps, "give a whole number of at least 1")
    require_within(0, 1, epsilon=epsilon)
    settings = {
        "environment": env_id,
        "environment_arguments": dict(env_kwargs or {}),
        "epsilon": epsilon,
        "seed": seed,
        "max_episode_steps": max_episode_steps,
        **(card or {}),
    }
    unfinished = path.with_name(path.name + ".recording")
    dataset = _load_unfinished(unfinished, settings)
    while dataset is None or dataset.states.num_transitions < transitions:
        first = 0 if dataset is None else len(dataset.states.episode_ends)
        episodes = []
        for number in range(first, first + PARALLEL_EPISODES):
            env = make_gym_env(
                env_id, seed=seed, purpose=RECORDING, max_episode_steps=max_episode_steps, env_kwargs=env_kwargs
            )
            with naming_the_environment(GO_ON):
                start = _own(env.restore(number, []), env)
            episodes.append(_Episode(env, np.random.default_rng((seed, RECORDING, number)), [start]))
        _play(episodes, policy, epsilon)
        dataset = _joined(dataset, episodes, settings)
        files.save(dataset, unfinished)
        progress(dataset.states.num_transitions)
    whole = _with_facts(dataset.first(transitions), {"command": command} if command else {})
    files.save(whole, path)
    unfinished.unlink(missing_ok=True)
    return whole


def _play(episodes: list[_Episode], policy: Callable[[Tensor], Tensor], epsilon: float) -> None:
    num_actions = spec_of(episodes[0].env).num_actions
    while running := [episode for episode in episodes if episode.running]:
        states = torch.from_numpy(np.stack([episode.states[-1] for episode in running]))
        greedy = _checked(policy(states), len(running), num_actions)
        for episode, action in zip(running, greedy, strict=True):
            random_action = int(episode.random.integers(num_actions))
            commanded = random_action if episode.random.random() < epsilon else int(action)
            before = copy_environment(episode.env)
            with naming_the_environment(GO_ON):
                state, reward, terminated, truncated, _ = episode.env.step(commanded)
            if not np.isfinite(float(reward)):
                raise InputError("environment's reward", float(reward), GO_ON)
            executed = executed_action(episode.env, commanded)
            apart = before and tells_actions_apart(before, executed, state)
            episode.states.append(_own(state, episode.env))
            labels = (commanded, executed, float(reward), bool(terminated), bool(truncated), apart)
            for column, label in zip(episode.steps.values(), labels, strict=True):
                column.append(label)


def _own(state: Any, env: SeededEpisodes) -> np.ndarray[Any, Any]:
    """A copy, of the type that the environment declares: it may give another one, or its own buffer time and again."""
    return np.array(state, dtype=env.observation_space.dtype)


def _checked(actions: object, count: int, num_actions: int) -> list[int]:
    """What a user's policy answered, if these are actions."""
    said = type(actions).__name__
    if isinstance(actions, Tensor):
        said = f"a tensor {tuple(actions.shape)} of {actions.dtype}"
        if actions.shape == (count,) and not actions.is_floating_point():
            chosen = [int(action) for action in actions]
            if all(0 <= action < num_actions for action in chosen):
                return chosen
            said = f"actions from {min(chosen)} to {max(chosen)}"
    raise InputError(
        "policy's answer",
        said,
        f"return a tensor of {count} whole numbers from 0 to {num_actions - 1}, one for each observation",
    )


def _joined(before: ExpertDataset | None, episodes: list[_Episode], settings: dict[str, Any]) -> ExpertDataset:
    states = torch.from_numpy(np.concatenate([np.stack(episode.states) for episode in episodes]))
    ends = torch.tensor([len(episode.states) for episode in episodes]).cumsum(0)
    labels = {}
    for name, dtype in LABELS.items():
        column = [label for episode in episodes for label in episode.steps[name]]
        if None not in column:
            labels[name] = torch.tensor(column, dtype=dtype)
    if before is not None:
        assert before.labels is not None
        ends = torch.cat([before.states.episode_ends, ends + len(before.states.states)])
        states = torch.cat([before.states.states, states])
        labels = {name: torch.cat([array, labels[name]]) for name, array in before.labels.arrays().items()}
    return ExpertDataset(ExpertStates(states, ends), ExpertLabels(**labels), settings)


def _load_unfinished(path: Path, settings: dict[str, Any]) -> ExpertDataset | None:
    if not path.exists():
        return None
    dataset = files.load(path)
    if dataset.card != settings:
        raise InputError("unfinished recording", str(path), "it has other settings; delete it, or record with the same")
    return dataset


def _with_facts(dataset: ExpertDataset, more: dict[str, Any]) -> ExpertDataset:
    assert dataset.labels is not None
    returns = episode_returns(dataset)
    deviation = float(returns.std()) if len(returns) > 1 else 0.0
    card = {
        **dataset.card,
        "episodes": len(returns),
        "transitions": dataset.states.num_transitions,
        "return_mean": float(returns.mean()),
        "return_standard_deviation": deviation,
        "content_hash": dataset.states.content_hash,
        **more,
    }
    return ExpertDataset(dataset.states, dataset.labels, card)


def episode_returns(dataset: ExpertDataset) -> Tensor:
    """Undiscounted return of each episode, ``[E]`` float64, from the labels.

    Raises:
        InputError: if the dataset has none.
    """
    if dataset.labels is None or dataset.labels.reward is None:
        raise InputError("dataset rewards", None, "give a dataset with rewards; this one has none")
    return episode_sums(dataset.labels.reward, dataset.states.episode_lengths)
