"""Returns of whole episodes from the rewards of their transitions."""

from typing import NamedTuple

import numpy as np
import torch
from scipy.signal import lfilter
from torch import Tensor


def discounted_returns(reward: Tensor, episode_lengths: Tensor, discount: float) -> Tensor:
    """G_t = Σ_k γ^k r_{t+k} to the episode's end, for each transition of episodes one after another.

    Args:
        reward: ``[N]`` float.
        episode_lengths: transitions of each episode, ``[E]`` int64, summing to N.
        discount: γ in [0, 1].

    Returns:
        ``[N]`` float32.
    """
    pieces = np.split(reward.double().cpu().numpy(), np.cumsum(episode_lengths.cpu().numpy())[:-1])
    # G_t = r_t + γ G_{t+1}: a first-order filter over the reversed rewards.
    returns = [lfilter([1.0], [1.0, -discount], piece[::-1])[::-1] for piece in pieces]
    return torch.from_numpy(np.concatenate(returns)).to(reward.device, torch.float32)


class Detours(NamedTuple):
    """Ways of the agent's around expert transitions that it cannot make.

    Args:
        length: agent steps of the way that begins at a transition's first state, ``[N]`` int64; 0 where there is none.
        offset: transitions of the expert's that it takes the place of, ``[N]`` int64.
        rewards: of its steps, ``[N, k]`` float; 0 beyond its end.
    """

    length: Tensor
    offset: Tensor
    rewards: Tensor


def attainable_returns(reward: Tensor, episode_lengths: Tensor, discount: float, detours: Detours) -> Tensor:
    """What following the expert would earn the agent: its returns with each detour at the detour's own cost.

    An expert that cuts corners which the agent has to walk around earns more than its imitator ever will. A
    confidence that compares the two would never let go of it (design choice).

    Args:
        reward: ``[N]`` float.
        episode_lengths: transitions of each episode, ``[E]`` int64, summing to N.
        discount: γ in [0, 1].
        detours: taken wherever there is one.

    Returns:
        Discounted returns to the episodes' ends, ``[N]`` float32.
    """
    step = torch.arange(detours.rewards.shape[1], device=reward.device)
    taken = detours.length > 0
    earned = torch.where(taken, (discount**step * detours.rewards.double()).sum(1), reward.double())
    factor = discount ** torch.where(taken, detours.length, 1).double()
    end = torch.repeat_interleave(episode_lengths.cumsum(0), episode_lengths)
    goes_on_at = torch.arange(len(reward), device=reward.device) + torch.where(taken, detours.offset, 1)
    goes_on = goes_on_at < end
    # From the last transition of each episode to the first, all episodes at once.
    returns = torch.zeros(len(reward), dtype=torch.float64, device=reward.device)
    first = episode_lengths.cumsum(0) - episode_lengths
    for place in range(int(episode_lengths.max()) - 1, -1, -1):
        at = (first + place)[place < episode_lengths]
        ahead = torch.where(goes_on[at], returns[goes_on_at[at].clamp(max=len(reward) - 1)], 0.0)
        returns[at] = earned[at] + factor[at] * ahead
    return returns.float()


def partial_returns(reward: Tensor, start: Tensor, steps: Tensor, discount: float) -> Tensor:
    """Discounted sum of the rewards of some transitions in a row: Σ_{k<n} γ^k r_{t+k}.

    Args:
        reward: of all transitions, ``[N]``.
        start: first transitions, ``[*]`` int64.
        steps: n of each, ``[*]`` int64, within its episode.
        discount: γ.

    Returns:
        ``[*]``.
    """
    total = torch.zeros(start.shape, device=reward.device)
    for step in range(int(steps.max())):
        following = reward[(start + step).clamp(max=len(reward) - 1)]
        total += torch.where(step < steps, discount**step * following, 0.0)
    return total


def episode_sums(reward: Tensor, episode_lengths: Tensor) -> Tensor:
    """Undiscounted return of each episode.

    Args:
        reward: ``[N]`` float.
        episode_lengths: transitions of each episode, ``[E]`` int64, summing to N.

    Returns:
        ``[E]`` float64.
    """
    episode = torch.repeat_interleave(torch.arange(len(episode_lengths), device=reward.device), episode_lengths)
    sums = torch.zeros(len(episode_lengths), dtype=torch.float64, device=reward.device)
    return sums.index_add(0, episode, reward.double())


def lead(expert_returns: Tensor, agent_mean: float) -> float:
    """By how many standard deviations of its own episodes the expert's mean return is above the agent's.

    The deviation is taken as at least a tenth of the larger mean, so that an expert whose episodes are
    all alike does not make every difference infinite (design choice).

    Args:
        expert_returns: undiscounted returns of the expert's episodes, ``[E]``.
        agent_mean: mean return of the agent's recent episodes.
    """
    mean = float(expert_returns.mean())
    deviation = float(expert_returns.std()) if len(expert_returns) > 1 else 0.0
    scale = max(deviation, 0.1 * abs(mean), 0.1 * abs(agent_mean))
    return (mean - agent_mean) / scale if scale else 0.0
