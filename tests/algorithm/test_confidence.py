import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from diiqn_lightning.algorithm.confidence import (
    EpisodeConfidence,
    Evidence,
    FixedConfidence,
    PublishedConfidence,
    ReturnConfidence,
    inference_confidence,
    published_confidence,
    q_divergence,
    return_confidence,
    training_frequency,
)
from diiqn_lightning.errors import InputError


def test_q_divergence_is_a_sigmoid_of_the_gap():
    # β = 2: gap 0 gives ½; gap 1 gives σ(2) = 0.8808
    divergence = q_divergence(torch.tensor([3.0, 2.0]), torch.tensor([3.0, 1.0]), beta=2.0)
    assert_close(divergence, torch.tensor([0.5, 1 / (1 + math.exp(-2))]))


def test_training_frequency_rises_to_one_at_count_max():
    # c_max = 7: log(1 + c) / log 8 is 0, 1/3, 1, and 1 beyond
    frequency = training_frequency(torch.tensor([0.0, 1.0, 7.0, 100.0]), count_max=7)
    assert_close(frequency, torch.tensor([0.0, 1 / 3, 1.0, 1.0]))


def test_inference_confidence_is_clipped_and_zero_where_nothing_is_known():
    errors = torch.tensor([0.0, 2.0, 8.0, 20.0, torch.inf])
    assert_close(inference_confidence(errors, error_max=8.0), torch.tensor([1.0, 0.75, 0.0, 0.0, 0.0]))


def test_published_confidence_takes_the_smaller_of_both_sides():
    # min(0.5 · 0.5, 1) = 0.25; min(0.9 · 1, 0.3) = 0.3
    phi = published_confidence(torch.tensor([0.5, 0.9]), torch.tensor([0.5, 1.0]), torch.tensor([1.0, 0.3]))
    assert_close(phi, torch.tensor([0.25, 0.3]))


def test_return_confidence_is_half_where_expert_and_agent_earn_the_same():
    phi = return_confidence(torch.tensor([2.0, 5.0]), torch.tensor([2.0, 4.0]), beta=2.0)
    assert_close(phi, torch.tensor([0.5, 1 / (1 + math.exp(-2))]))


def evidence(**changes):
    values = dict(
        q=torch.tensor([[1.0, 3.0], [0.0, 0.0]]),
        rated=torch.tensor([[5.0, 4.0], [1.0, 0.0]]),
        value=torch.tensor([3.0, 0.0]),
        deviation=torch.tensor([0.5, 1.0]),
        expert_action=torch.tensor([1, 0]),
        agent_action=torch.tensor([0, 1]),
        visits=torch.tensor([7.0, 0.0]),
        certainty=torch.tensor([0.5, 1.0]),
        expert_return=torch.tensor([3.0, 1.0]),
        expert_target=torch.tensor([5.0, -1.0]),
        lead=torch.tensor([1.0, 0.0]),
    )
    return Evidence(**(values | changes))


def test_published_rule_by_hand():
    # Row 0: ΔQ = σ(3 − 1) = 0.8808, δ = 1, ζ = 0.5: Φ = 0.5. Row 1: δ = 0: Φ = 0.
    phi, parts = PublishedConfidence(beta=1.0, count_max=7)(evidence())
    assert_close(phi, torch.tensor([0.5, 0.0]))
    assert_close(parts["expert/q_divergence"], torch.tensor([0.880797, 0.5]))


def test_greedy_agent_action_caps_the_divergence_at_half():
    _, parts = PublishedConfidence(agent_action="greedy")(evidence(q=torch.tensor([[1.0, 3.0], [2.0, 9.0]])))
    assert bool((parts["expert/q_divergence"] <= 0.5).all())


@pytest.mark.parametrize(
    ("ablation", "expected"),
    [
        ({"divergence": False}, [0.5, 0.0]),
        ({"frequency": False}, [0.5, 0.5]),
        ({"inference": False}, [0.880797, 0.0]),
        ({"frequency_weight": "falling"}, [0.0, 0.5]),
    ],
)
def test_ablations_of_the_published_rule(ablation, expected):
    phi, _ = PublishedConfidence(beta=1.0, count_max=7, **ablation)(evidence())
    assert_close(phi, torch.tensor(expected))


def test_return_rule_compares_with_the_agents_value():
    # Row 0: G_e = 3 against V = 3: ½. Row 1: 1 against 0: σ(2).
    phi, _ = ReturnConfidence(beta=2.0)(evidence())
    assert_close(phi, torch.tensor([0.5, 1 / (1 + math.exp(-2))]))


def test_an_uncertain_value_trusts_the_expert_more():
    # Row 0: 3 against 3 − 2 · ½: σ(1). Row 1: 1 against 0 − 2: σ(3).
    phi, _ = ReturnConfidence(beta=1.0, deviations=2.0)(evidence())
    assert_close(phi, torch.sigmoid(torch.tensor([1.0, 3.0])))


def test_the_next_steps_alone_may_count():
    # Row 0: 5 against 3; row 1: −1 against 0.
    phi, _ = ReturnConfidence(beta=1.0, horizon="n_step")(evidence())
    assert_close(phi, torch.sigmoid(torch.tensor([2.0, -1.0])))


def test_episode_rule_by_hand():
    # A lead of one standard deviation: σ(3). None: ½.
    phi, _ = EpisodeConfidence(beta=3.0)(evidence())
    assert_close(phi, torch.tensor([1 / (1 + math.exp(-3)), 0.5]))
    early, _ = EpisodeConfidence(beta=3.0, half_at=1.0)(evidence())
    assert_close(early, torch.tensor([0.5, 1 / (1 + math.exp(3))]))


def test_at_equal_returns_the_agents_values_decide():
    # Row 0: the expert's action 1 is rated 4 and the best one 5; row 1: the expert's action is the best one.
    phi, parts = EpisodeConfidence(beta=3.0, value_beta=2.0)(evidence())
    assert_close(parts["expert/disadvantage"], torch.tensor([-1.0, 0.0]))
    assert_close(phi, torch.sigmoid(torch.tensor([3.0 - 2.0, 0.0])))


floats = st.floats(-1e3, 1e3, width=32)
RULES = [
    PublishedConfidence(),
    PublishedConfidence(frequency_weight="falling"),
    ReturnConfidence(deviations=1.0),
    EpisodeConfidence(value_beta=5.0),
    FixedConfidence(0.3),
]


@given(
    q=st.lists(st.tuples(floats, floats), min_size=1, max_size=5),
    visits=st.floats(0, 1e9, width=32),
    certainty=st.floats(0, 1, width=32),
    expert_return=floats,
)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_confidence_is_always_a_probability(rule, q, visits, certainty, expert_return):
    rows = len(q)
    phi, _ = rule(
        Evidence(
            torch.tensor(q),
            torch.tensor(q),
            torch.tensor(q).amax(1),
            torch.ones(rows),
            torch.zeros(rows, dtype=torch.int64),
            torch.ones(rows, dtype=torch.int64),
            torch.full((rows,), visits),
            torch.full((rows,), certainty),
            torch.full((rows,), expert_return),
            torch.full((rows,), expert_return),
            torch.full((rows,), expert_return),
        )
    )
    assert phi.shape == (rows,)
    assert bool(((phi >= 0) & (phi <= 1)).all())


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: PublishedConfidence(beta=-1), "confidence.beta"),
        (lambda: PublishedConfidence(count_max=0), "confidence.count_max"),
        (lambda: PublishedConfidence(agent_action="both"), "confidence.agent_action"),
        (lambda: ReturnConfidence(beta=-1), "confidence.beta"),
        (lambda: EpisodeConfidence(beta=-1), "confidence.beta"),
        (lambda: FixedConfidence(1.5), "confidence.value"),
    ],
)
def test_refuses_values_out_of_range(make, field):
    with pytest.raises(InputError, match=field):
        make()
