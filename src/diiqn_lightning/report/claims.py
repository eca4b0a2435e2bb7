"""What the paper claims, as far as its abstract and published summaries tell: the data of the table of verdicts.

Chrysomallis and Chalkiadakis, 2025, "Going Beyond Expert Performance via Deep Implicit Imitation Reinforcement
Learning", arXiv 2511.03616. The paper's numbers for single games are not known here, only their range.
"""

from dataclasses import dataclass

SOURCE = "arXiv 2511.03616"
ABSTRACT, SUMMARIES = "abstract", "published summaries"

GAMES = ("asterix", "breakout", "seaquest", "space_invaders")
"""Where DIIQN is said to be above DQN; on Freeway the two are said to be about equal."""

OURS = {"diiqn": ("diiqn", "diiqn_literal"), "ha_diiqn": ("ha_diiqn",)}
"""Algorithms of this software that stand for the paper's: its default, and its formulas to the letter."""

EQUAL_WITHIN = 10.0
"""Percent that count as "about equal", which the paper gives no number for: a design choice."""


@dataclass(frozen=True)
class Claim:
    """One claim.

    Args:
        statement: in words.
        known_from: the abstract, or summaries of the paper.
        kind: ``gain`` (percent of return above the reference's), ``largest_gain`` (the largest of these over all
            environments), ``equal`` (percent too), ``higher`` (return less the reference's) or ``faster`` (percent
            fewer frames).
        algorithm: the paper's, a key of ``OURS``.
        reference: algorithm, or ``expert``.
        environments: in which; empty for any.
        low, high: the range that is claimed, in percent.
    """

    statement: str
    known_from: str
    kind: str
    algorithm: str
    reference: str
    environments: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0


CLAIMS = (
    Claim("DIIQN earns up to 130 % more than DQN", ABSTRACT, "largest_gain", "diiqn", "dqn", GAMES, 130, 130),
    Claim("DIIQN earns 24 % to 130 % more than DQN", SUMMARIES, "gain", "diiqn", "dqn", GAMES, 24, 130),
    Claim("DIIQN and DQN are about equal", SUMMARIES, "equal", "diiqn", "dqn", ("freeway",)),
    Claim("DIIQN ends above its expert", SUMMARIES, "higher", "diiqn", "expert", (*GAMES, "freeway")),
    *(
        Claim(f"DIIQN ends above {rival.upper().replace('GAIFO', 'GAIfO')}", SUMMARIES, "higher", "diiqn", rival)
        for rival in ("bco", "gaifo", "oril")
    ),
    Claim("HA-DIIQN learns up to 64 % faster than DQN", ABSTRACT, "faster", "ha_diiqn", "dqn", ("maze2d",), 64, 64),
    Claim("HA-DIIQN learns 52 % faster than DIIQN", SUMMARIES, "faster", "ha_diiqn", "diiqn", ("maze2d",), 52, 52),
    Claim("HA-DIIQN ends far above DQN", SUMMARIES, "higher", "ha_diiqn", "dqn", ("point_maze",)),
    Claim("HA-DIIQN ends far above DIIQN", SUMMARIES, "higher", "ha_diiqn", "diiqn", ("point_maze",)),
)
