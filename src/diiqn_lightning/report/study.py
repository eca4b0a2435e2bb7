"""What the runs of a report were made to find out."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Study:
    """An experiment, as far as its report tells of it; runs that belong to none have an empty one.

    Args:
        question: that the runs answer.
        claim: of the paper, on that.
        stands_for: algorithms of this software by the names that runs have: whose claims are theirs.
    """

    question: str = ""
    claim: str = ""
    stands_for: Mapping[str, str] = field(default_factory=dict)
