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
