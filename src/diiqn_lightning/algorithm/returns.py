"""Returns of whole episodes from the rewards of their transitions."""

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
