"""Environments: made from any Gymnasium id with discrete actions, stepped together, seeded by episode."""

from diiqn_lightning.envs.episodes import SeededEpisodes
from diiqn_lightning.envs.evaluation import EXPLORING, GREEDY, EpisodeStatistics, Evaluation, evaluation_metrics
from diiqn_lightning.envs.factory import EnvironmentSpec, in_canonical_order, make_env, make_gym_env, spec_of

__all__ = [
    "EXPLORING",
    "GREEDY",
    "EnvironmentSpec",
    "EpisodeStatistics",
    "Evaluation",
    "SeededEpisodes",
    "evaluation_metrics",
    "in_canonical_order",
    "make_env",
    "make_gym_env",
    "spec_of",
]
