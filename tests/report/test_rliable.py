"""Our statistics give rliable's numbers, which ``benchmarks/rliable_answers.py`` wrote."""

import json
from pathlib import Path

import pytest

from diiqn_lightning.report.statistics import iqm, performance_profile, probability_of_improvement

ANSWERS = json.loads((Path(__file__).parent / "rliable_answers.json").read_text())
# Limits of two bootstraps differ by what 5,000 draws leave open: about a step of the shares that 35 runs can have.
STEP = 1 / 35 + 1e-6


def scores(name):
    return {str(game): list(column) for game, column in enumerate(zip(*ANSWERS[name], strict=True))}


def agrees(ours, theirs):
    assert ours.estimate == pytest.approx(theirs[0])
    assert (ours.low, ours.high) == pytest.approx(tuple(theirs[1:]), abs=STEP)


@pytest.mark.parametrize("name", ["one", "other"])
def test_interquartile_mean(name):
    agrees(iqm(scores(name)), ANSWERS["iqm"][name])


def test_probability_of_improvement():
    agrees(probability_of_improvement(scores("one"), scores("other")), ANSWERS["probability_of_improvement"])


def test_performance_profile():
    profile = performance_profile(scores("one"), ANSWERS["thresholds"])
    for ours, theirs in zip(profile, ANSWERS["performance_profile"], strict=True):
        agrees(ours, theirs)
