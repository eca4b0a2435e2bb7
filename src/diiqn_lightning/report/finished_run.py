"""What a comparison uses of a run, wherever it was read from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

Curve = tuple[Sequence[int], Sequence[float]]
"""Frames and values of one seed."""

NUMBERS = ("eval_return", "train_return", "random_return", "expert_return", "seconds", "frames_per_second")
GUIDANCE = ("expert/weight", "inference/accuracy")
"""What guided the agent: mean confidence Φ, and the share of inferred actions that are right."""


@dataclass(frozen=True)
class FinishedRun:
    """A run that ended by itself and was evaluated.

    Args:
        algorithm, environment, expert: names; no expert is an empty string.
        seed, frames: whole numbers.
        numbers: those of ``NUMBERS`` that are known.
        curve: evaluated return (at the evaluation's ε) by frames: frames, values.
        key: of the ledger: runs of the same key and other seeds are repetitions.
        guidance: curves of ``GUIDANCE``, where there are any.
        command, git_revision: how it was made, where known.
        versions: of packages, where known; exports and older ledgers do not have them.
        skill_in_label: whether the label says which expert it learned from.
    """

    algorithm: str
    environment: str
    expert: str
    seed: int
    frames: int
    numbers: dict[str, float]
    curve: Curve
    key: str = ""
    guidance: Mapping[str, Curve] = field(default_factory=dict)
    command: str = ""
    git_revision: str = ""
    versions: Mapping[str, str] = field(default_factory=dict, compare=False)
    skill_in_label: bool = field(default=True, compare=False)

    @property
    def skill(self) -> str:
        """Of the expert: its name without the environment's; empty where an experiment named the environment for it."""
        named_for_it = self.expert.replace("-", "_") == self.environment
        return "" if named_for_it else self.expert.removeprefix(f"{self.environment}-")

    @property
    def label(self) -> str:
        """Algorithm, and the expert's skill where there is one to tell."""
        return f"{self.algorithm}, {self.skill} expert" if self.skill and self.skill_in_label else self.algorithm

    @property
    def title(self) -> str:
        """Label, environment and seed."""
        return f"{self.label} on {self.environment}, seed {self.seed}"


def named_without_a_shared_skill(runs: Sequence[FinishedRun]) -> list[FinishedRun]:
    """Runs by their algorithms alone, where there are experts of one skill and no algorithm learns from several."""
    experts: dict[tuple[str, str], set[str]] = {}
    for run in runs:
        experts.setdefault((run.environment, run.algorithm), set()).add(run.expert)
    if len({run.skill for run in runs if run.skill}) > 1 or any(len(each) > 1 for each in experts.values()):
        return list(runs)
    return [replace(run, skill_in_label=False) for run in runs]
