import dataclasses

import pytest

from diiqn_lightning.report.claims import CLAIMS, Claim
from diiqn_lightning.report.finished_run import FinishedRun
from diiqn_lightning.report.statistics import Interval
from diiqn_lightning.report.verdicts import judge, verdicts


def runs(algorithm, environment, values, expert=""):
    numbers = {"random_return": 0.0} | ({"expert_return": 8.0} if expert else {})
    return [
        FinishedRun(
            algorithm,
            environment,
            expert,
            seed,
            200,
            numbers | {"eval_return": value},
            ([100, 200], [value / 2, value]),
        )
        for seed, value in enumerate(values)
    ]


def judged(*groups, **claim):
    every = [run for group in groups for run in group]
    rows = verdicts(every, every)
    return [row for row in rows if all(getattr(row.claim, name) == value for name, value in claim.items())]


@pytest.mark.parametrize(
    ("kind", "measured", "verdict"),
    [
        ("gain", (50, 10, 90), "reproduced"),
        ("gain", (24, 1, 40), "reproduced"),
        ("gain", (23, 10, 40), "not reproduced"),
        ("gain", (50, -1, 90), "not reproduced"),
        ("gain", (200, 131, 300), "exceeded"),
        ("gain", (200, 129, 300), "reproduced"),
        ("equal", (-9, -40, 20), "reproduced"),
        ("equal", (-11, -40, 20), "not reproduced"),
        ("equal", (30, 11, 40), "exceeded"),
        ("higher", (0.1, 0.01, 0.2), "reproduced"),
        ("higher", (5, -0.1, 9), "not reproduced"),
    ],
)
def test_the_rule(kind, measured, verdict):
    low, high = (24, 130) if kind == "gain" else (0, 0)
    assert judge(Claim("", "", kind, "diiqn", "dqn", (), low, high), Interval(*measured)) == verdict


def test_nothing_is_measured_without_runs_and_every_claim_has_a_row():
    rows = judged(runs("dqn", "breakout", [1.0, 2.0, 3.0]))
    assert [row.claim for row in rows] == list(CLAIMS)
    assert {row.verdict for row in rows} == {"not measured"}


def test_gains_are_judged_by_game_and_two_seeds_are_too_few():
    dqn = runs("dqn", "breakout", [5.0, 5.0, 5.1]) + runs("dqn", "asterix", [5.0, 5.0])
    ours = runs("diiqn", "breakout", [8.0, 9.0, 8.5], "e") + runs("diiqn", "asterix", [9.0, 9.0], "e")
    rows = judged(dqn, ours, kind="gain")
    assert [(row.environment, row.verdict) for row in rows] == [
        ("asterix", "not measured"),
        ("breakout", "reproduced"),
        ("seaquest, space_invaders", "not measured"),
    ]
    assert rows[0].measured.estimate == pytest.approx(80)


def test_the_largest_gain_waits_for_all_games_unless_it_is_large_enough():
    dqn = runs("dqn", "breakout", [5.0, 5.0, 5.1])
    assert judged(dqn, runs("diiqn", "breakout", [8.0, 9.0, 8.5]), kind="largest_gain")[0].verdict == "not measured"
    assert judged(dqn, runs("diiqn", "breakout", [20.0, 21.0, 19.0]), kind="largest_gain")[0].verdict == "exceeded"


def test_above_the_expert_and_above_a_rival_with_the_same_expert():
    ours = runs("diiqn", "breakout", [9.0, 9.5, 10.0], "strong")
    (row, _) = judged(ours, reference="expert")
    assert (row.verdict, row.measured.estimate) == ("reproduced", 1.5)
    same, another = (runs("bco", "breakout", [7.0, 7.5, 8.0], expert) for expert in ("strong", "weak"))
    assert judged(ours, same, reference="bco")[0].verdict == "reproduced"
    assert judged(ours, another, reference="bco")[0].verdict == "not measured"


def test_frames_are_counted_on_whole_runs():
    fast, slow = runs("ha_diiqn", "maze2d", [1.0] * 3, "e"), runs("dqn", "maze2d", [0.0] * 3)
    fast = [dataclasses.replace(run, curve=([10, 200], [1.0, 1.0])) for run in fast]
    whole = [dataclasses.replace(run, frames=1000, curve=([200, 1000], [0.0, 0.0])) for run in slow]
    (row,) = [row for row in verdicts(fast + slow, fast + whole) if row.claim.kind == "faster" and row.label]
    assert (row.measured.estimate, row.at_least, row.verdict) == (99.0, True, "exceeded")


def test_a_run_that_never_arrives_is_no_faster():
    fast, slow = runs("dqn", "maze2d", [1.0] * 3), runs("ha_diiqn", "maze2d", [0.0] * 3, "e")
    assert judged(fast, slow, kind="faster", reference="dqn")[0].verdict == "not reproduced"


def test_an_environment_that_an_experiment_named_further_is_still_the_claims():
    dqn = [dataclasses.replace(run, curve=([100, 200], [0.0, 1.0])) for run in runs("dqn", "maze2d_weak", [1.0] * 3)]
    fast = [
        dataclasses.replace(run, curve=([20, 200], [1.0, 1.0])) for run in runs("ha_diiqn", "maze2d_weak", [1.0] * 3)
    ]
    (row,) = judged(dqn, fast, statement="HA-DIIQN learns up to 64 % faster than DQN")
    assert (row.environment, row.verdict) == ("maze2d_weak", "exceeded")
    elsewhere = [dataclasses.replace(run, environment="maze2dish") for run in [*dqn, *fast]]
    (row,) = judged(elsewhere, statement="HA-DIIQN learns up to 64 % faster than DQN")
    assert (row.environment, row.verdict) == ("maze2d", "not measured")


def test_a_variant_of_an_experiment_may_stand_for_an_algorithm():
    every = runs("dqn", "breakout", [5.0, 5.0, 5.1]) + runs("t30000", "breakout", [8.0, 9.0, 8.5], "e")
    rows = verdicts(every, every, stands_for={"t30000": "diiqn"})
    (row,) = [row for row in rows if row.claim.kind == "gain" and row.label]
    assert (row.label, row.verdict) == ("t30000, e expert", "reproduced")
    assert {row.verdict for row in verdicts(every, every)} == {"not measured"}


def test_a_baseline_that_is_one_of_the_papers_own_algorithms_is_no_dqn():
    every = runs("literal", "breakout", [5.0, 5.0, 5.1]) + runs("diiqn", "breakout", [8.0, 9.0, 8.5])
    rows = verdicts(every, every, "literal", {"literal": "diiqn_literal"})
    assert not [row for row in rows if row.claim.reference == "dqn" and row.label]


def test_a_lower_bound_below_the_claim_decides_nothing():
    fast, slow = runs("ha_diiqn", "maze2d", [1.0] * 3), runs("dqn", "maze2d", [0.0] * 3)
    fast = [dataclasses.replace(run, curve=([100, 200], [0.0, 1.0])) for run in fast]
    late = [dataclasses.replace(run, curve=([150, 200], [1.0, 1.0])) for run in fast]
    for own, at_least, verdict in ((fast, True, "not measured"), (late, True, "not measured")):
        (row,) = [row for row in judged(own, slow, kind="faster", reference="dqn") if row.label]
        assert (row.at_least, row.verdict) == (at_least, verdict)
    arrives = [dataclasses.replace(run, curve=([180, 200], [1.0, 1.0])) for run in slow]
    (row,) = [row for row in judged(late, arrives, kind="faster", reference="dqn") if row.label]
    assert (row.at_least, row.verdict) == (False, "not reproduced")
