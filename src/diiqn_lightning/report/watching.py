"""Episodes to look at: an agent's, step by step beside the expert's advice, and a dataset's."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from torch import Tensor

from diiqn_lightning.envs import spec_of
from diiqn_lightning.envs.episodes import EVALUATION, SeededEpisodes
from diiqn_lightning.envs.pictures import Picture, enlarged, state_painter
from diiqn_lightning.errors import InputError
from diiqn_lightning.experts import ExpertDataset
from diiqn_lightning.experts.advice import Advice, verdict


@dataclass(frozen=True)
class Shot:
    """A state of an episode, and what is done in it.

    Args:
        picture: ``[H, W, 3]`` bytes.
        step: transitions so far.
        returned: undiscounted return so far; ``None`` where rewards are not known.
        note: what there is to say of it.
        mark: of the action by the expert's advice (``follows``, ``leaves``, ``no advice``); ``None`` without any.
    """

    picture: Picture
    step: int
    returned: float | None
    note: str = ""
    mark: str | None = None


@dataclass
class Tally:
    """What has been filmed of an agent.

    Args:
        returns: of each episode, as far as it was filmed.
        marks: how many actions followed, left, and had no advice.
    """

    returns: list[float]
    marks: Counter[str]


def picture_maker(env: gym.Env[Any, Any]) -> Callable[[Any], Picture]:
    """What draws the state that an environment is in, from its observation or by its own ``render()``."""
    paint = state_painter(env)
    if paint is not None:
        return lambda observation: paint(np.asarray(observation))

    def shown(observation: Any) -> Picture:
        try:
            return enlarged(np.asarray(env.render()))
        except Exception as error:  # whatever a renderer without a display or a package raises
            reason = " ".join(str(error).split()) or type(error).__name__
            name = env.spec.id if env.spec else "?"
            raise InputError("data.env", name, f"it cannot be drawn here ({reason}); mend that") from error

    return shown


def agents_episode(
    env: SeededEpisodes,
    policy: Callable[[Tensor], Tensor],
    number: int,
    tally: Tally,
    *,
    epsilon: float,
    seed: int,
    max_steps: int,
    advice: Advice | None = None,
) -> Iterator[Shot]:
    """Play an episode.

    Args:
        env: made with ``render_mode="rgb_array"``.
        policy: greedy actions ``[B]`` for observations ``[B, *O]``.
        number: of the episode, which seeds it.
        tally: written to.
        epsilon: probability of a random action.
        seed: of random actions.
        max_steps: frames after which the film of it ends.
        advice: the expert's; ``None`` marks nothing.
    """
    random = np.random.default_rng((seed, EVALUATION, number))
    draw, actions = picture_maker(env), spec_of(env).num_actions
    observation, returned, ended = env.restore(number, []), 0.0, False
    for step in range(max_steps):
        state = torch.from_numpy(np.asarray(observation))
        explores = random.random() < epsilon
        action = int(random.integers(actions)) if explores else int(policy(state.unsqueeze(0))[0])
        advised = advice.at(state) if advice is not None else frozenset()
        mark = verdict(advised, action) if advice is not None else None
        note = f"action {action}{' (random)' if explores else ''}"
        if advised:
            note += f", expert's {' or '.join(map(str, sorted(advised)))}"
        yield Shot(draw(observation), step, returned, note, mark)
        if mark is not None:
            tally.marks[mark] += 1
        observation, reward, terminated, truncated, _ = env.step(action)
        returned += float(reward)
        ended = terminated or truncated
        if ended:
            break
    tally.returns.append(returned)
    yield Shot(draw(observation), step + 1, returned, "the end" if ended else f"cut off at {max_steps} frames")


def experts_episode(env: SeededEpisodes, dataset: ExpertDataset, number: int, max_steps: int) -> Iterator[Shot]:
    """Show an episode of a dataset; rewards are shown where the dataset has them.

    Args:
        env: whose states the dataset has.
        dataset: of states.
        number: of the episode; after the last one comes the first.
        max_steps: frames after which the film of it ends.

    Raises:
        InputError: if states cannot be drawn.
    """
    paint = state_painter(env)
    if paint is None:
        raise InputError("--beside", "a dataset", "give a run: states of this environment cannot be drawn")
    states, number = dataset.states, number % len(dataset.states.episode_ends)
    length, end = int(states.episode_lengths[number]), int(states.episode_ends[number])
    first_state, first = end - length - 1, int(states.episode_lengths[:number].sum())
    reward = None if dataset.labels is None else dataset.labels.reward
    returned = None if reward is None else 0.0
    for step in range(min(length, max_steps) + 1):
        last = "the end" if step == length else f"cut off at {max_steps} frames" if step == max_steps else ""
        note = last or f"episode {number} of the dataset"
        yield Shot(paint(states.states[first_state + step].numpy()), step, returned, note)
        if reward is not None and returned is not None and step < length:
            returned += float(reward[first + step])
