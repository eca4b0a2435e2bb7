import numpy as np
import pytest
import torch

from diiqn_lightning.envs import Evaluation


def always(action):
    return lambda observations: torch.full((len(observations),), action)


def test_counts_returns_and_lengths_of_whole_episodes():
    played = Evaluation("greedy", "Corridor-v0", episodes=range(4), epsilon=0.0, seed=0).play(always(1))
    assert played.returns.tolist() == [1.0] * 4
    assert played.lengths.tolist() == [3] * 4
    assert (played.mean, played.standard_error, played.truncated) == (1.0, 0.0, 0)


def test_cuts_off_at_the_step_limit():
    evaluation = Evaluation("greedy", "Corridor-v0", episodes=range(3), epsilon=0.0, seed=0, max_episode_steps=5)
    played = evaluation.play(always(0))
    assert played.lengths.tolist() == [5] * 3
    assert played.truncated == 3


def test_plays_the_same_episodes_each_time():
    evaluation = Evaluation("epsilon", "MinAtar/Breakout-v1", episodes=range(8), epsilon=0.3, seed=0)
    first, second = (evaluation.play(always(1)) for _ in range(2))
    assert np.array_equal(first.returns, second.returns)
    assert np.array_equal(first.lengths, second.lengths)


def test_epsilon_one_ignores_the_policy():
    def random_length(action):
        evaluation = Evaluation("random", "Corridor-v0", episodes=range(50), epsilon=1.0, seed=0)
        return evaluation.play(always(action)).lengths

    assert np.array_equal(random_length(0), random_length(1))
    assert random_length(0).std() > 0


def test_episodes_are_shared_among_ranks_without_overlap():
    def lengths(episodes):
        return Evaluation("e", "MinAtar/Asterix-v1", episodes=episodes, epsilon=0.0, seed=0).play(always(0)).lengths

    together = lengths(range(6))
    assert np.array_equal(together[0::2], lengths(range(0, 6, 2)))
    assert np.array_equal(together[1::2], lengths(range(1, 6, 2)))


def test_a_rank_without_episodes_plays_none():
    assert len(Evaluation("e", "Corridor-v0", episodes=range(0), epsilon=0.0, seed=0).play(always(0)).returns) == 0


def test_standard_error_by_hand():
    evaluation = Evaluation("e", "Corridor-v0", episodes=range(2), epsilon=0.0, seed=0)
    played = evaluation.play(always(1))
    played.returns[:] = [1.0, 3.0]
    assert played.mean == 2.0
    assert played.standard_error == pytest.approx(1.0)  # √2 / √2
