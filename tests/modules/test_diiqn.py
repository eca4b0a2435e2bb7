import math
from types import SimpleNamespace

import pytest
import torch
from tensordict import TensorDict
from torch.testing import assert_close

from diiqn_lightning import keys
from diiqn_lightning.algorithm.confidence import Confidence, FixedConfidence, PublishedConfidence, ReturnConfidence
from diiqn_lightning.algorithm.schedules import LinearSchedule
from diiqn_lightning.errors import InputError
from diiqn_lightning.modules import DIIQN, DQN
from diiqn_lightning.modules.carry_over import CarryOver
from diiqn_lightning.modules.diiqn_settings import ExpertLoss, Fading
from diiqn_lightning.modules.greedy_policy import GreedyPolicy
from diiqn_lightning.modules.labelling import LabellerSettings
from diiqn_lightning.modules.outgrowing import Outgrown
from diiqn_lightning.modules.shaping import ShapingSettings
from tests.modules.test_dqn import ONLINE, TARGET, Table, losses, transitions


def make(**changes):
    module = DIIQN((1,), 2, discount=0.5, **changes)
    module.online, module.target = Table(ONLINE), Table(TARGET).requires_grad_(False)
    module._trainer = SimpleNamespace(datamodule=SimpleNamespace(stream=SimpleNamespace(frames=0)), world_size=1)
    return module


def guided(valid=(True, True)):
    """The transitions of the DQN test, with an expert beside them.

    Row 0: s_e = 0, a_e = 0, r_e = 1, to state 1. Row 1: s_e = 1, a_e = 1, r_e = 0, terminated.
    """
    batch = transitions()
    expert = {
        "index": torch.tensor([0, 1]),
        "observation": torch.tensor([[0.0], [1.0]]),
        "next_observation": torch.tensor([[1.0], [0.0]]),
        "action": torch.tensor([0, 1]),
        "reward": torch.tensor([1.0, 0.0]),
        "discount": torch.tensor([0.5, 0.5]),
        "terminated": torch.tensor([False, True]),
        "inference_confidence": torch.tensor([1.0, 0.25]),
        "return": torch.tensor([3.0, 6.0]),
        "lead": torch.tensor([1.0, 1.0]),
        "count": torch.tensor([7.0, 7.0]),
        "valid": torch.tensor(valid),
    }
    return batch.set(keys.EXPERT, TensorDict(expert, [2]))


# By hand: agent losses ½ · 1² = 0.5 and ½ · 2² = 2.
# Expert TD: row 0 target 1 + ½ · 2 = 2, δ = 0 − 2; row 1 target 0, δ = 5: losses 2 and 12.5.
# Margin 1: row 0 max(0, 3 + 1) − 0 = 4; row 1 max(5, 4 + 1) − 5 = 0.
# Importance weights 1 and ½.


def test_published_combination_by_hand():
    module = make(expert_loss=ExpertLoss(td=1.0, margin=0.0), combination="mix", confidence=FixedConfidence(0.25))
    batch = guided()
    loss = losses(module, batch)["loss"]
    assert loss.item() == pytest.approx((1 * (0.25 * 2 + 0.75 * 0.5) + 0.5 * (0.25 * 12.5 + 0.75 * 2)) / 2)
    assert_close(batch[keys.EXPERT_WEIGHT], torch.tensor([0.25, 0.25]))
    assert_close(batch[keys.TD_ERROR], torch.tensor([1.0, 2.0]))


def test_added_margin_by_hand():
    module = make(
        expert_loss=ExpertLoss(margin=1.0, margin_size=1.0),
        combination="add",
        expert_weight=0.5,
        confidence=FixedConfidence(0.5),
    )
    loss = losses(module, guided())["loss"]
    assert loss.item() == pytest.approx((1 * (0.5 + 0.5 * 0.5 * 4) + 0.5 * (2 + 0)) / 2)


def test_squared_margin_by_hand():
    # Violations are 4 and 0, and 1 where the second state's other action is within a margin of 2.
    module = make(
        expert_loss=ExpertLoss(margin=1.0, margin_size=2.0, margin_shape="squared"), confidence=FixedConfidence(1.0)
    )
    loss = losses(module, guided())["loss"]
    assert loss.item() == pytest.approx((1 * (0.5 + 5**2 / 2) + 0.5 * (2 + 1**2 / 2)) / 2)


def test_imitation_weighted_by_certainty_by_hand():
    # Violations are 5 and 1, ζ is 1 and 0.25.
    terms = ExpertLoss(margin=1.0, margin_size=2.0, imitation_weight="certainty")
    loss = losses(make(expert_loss=terms, confidence=FixedConfidence(1.0)), guided())["loss"]
    assert loss.item() == pytest.approx((1 * (0.5 + 5) + 0.5 * (2 + 0.25 * 1)) / 2)


def test_held_out_transitions_are_not_imitated_but_teach_td_errors():
    batch = guided()
    batch.set(keys.EXPERT_HELD_OUT, torch.tensor([True, False]))
    terms = ExpertLoss(margin=1.0, margin_size=2.0, td=1.0)
    loss = losses(make(expert_loss=terms, confidence=FixedConfidence(1.0)), batch)["loss"]
    assert loss.item() == pytest.approx((1 * (0.5 + 2) + 0.5 * (2 + 1 + 12.5)) / 2)


def test_imitation_that_does_not_carry_over_loses_its_weight():
    module = make(expert_loss=ExpertLoss(margin_size=2.0), confidence=FixedConfidence(1.0), carry_over=CarryOver())
    module.carry_over.agreement.copy_(torch.tensor([0.5, 1.0]))
    loss = losses(module, guided())["loss"]
    assert loss.item() == pytest.approx((1 * 0.5 + 0.5 * 2) / 2)


def test_fading_weighs_what_is_learned_from_the_expert():
    # ζ is 1 and 0.25; expert TD losses are 2 and 12.5, violations 5 and 1.
    terms = ExpertLoss(td=1.0, td_weight="certainty", margin=1.0, margin_size=2.0)
    module, batch = make(expert_loss=terms, confidence=FixedConfidence(1.0)), guided()
    module.imitation_share = module.td_share = 0.5
    loss = losses(module, batch)["loss"]
    assert loss.item() == pytest.approx((1 * (0.5 + 0.5 * (5 + 2)) + 0.5 * (2 + 0.5 * (1 + 0.25 * 12.5))) / 2)
    assert_close(batch[keys.EXPERT_WEIGHT], torch.ones(2))  # Φ, which exploration follows, does not fade with imitation


def test_fading_of_td_errors_alone_leaves_imitation():
    terms = ExpertLoss(td=1.0, td_weight="certainty", margin=1.0, margin_size=2.0)
    module, batch = make(expert_loss=terms, confidence=FixedConfidence(1.0)), guided()
    module.td_share = 0.0
    loss = losses(module, batch)["loss"]
    assert loss.item() == pytest.approx((1 * (0.5 + 5) + 0.5 * (2 + 1)) / 2)
    assert keys.EXPERT_TARGET not in batch.keys(True)


def test_faded_out_it_is_dqn_on_every_head():
    module, batch = make(expert_loss=ExpertLoss(td=1.0), value_heads=1), guided()
    # The value head's values are half of the policy's.
    module.online, module.target = (
        Table([[*row, *(value / 2 for value in row)] for row in values]) for values in (ONLINE, TARGET)
    )
    module.imitation_share = module.td_share = 0.0
    outputs = losses(module, batch)
    # Targets 1 + ½ · 1 and 2: errors 3 − 1.5 and 4 − 2 of the policy, 1.5 − 1.5 and 2 − 2 of the value head.
    assert outputs["loss"].item() == pytest.approx((1 * 1.5**2 / 2 + 0.5 * 2) / 2)
    assert_close(batch[keys.TD_ERROR], torch.tensor([1.5, 2.0]))
    assert_close(batch[keys.EXPERT_WEIGHT], torch.zeros(2))
    assert keys.EXPERT_TARGET not in batch.keys(True)
    assert module.batch_losses(batch) == {}


def test_exploration_goes_on_trusting_as_it_did_once_all_has_faded():
    module = make(trusting_exploration=0.5)
    module.trust.fill_(0.8)
    module.imitation_share = module.td_share = 0.0
    module.follow(TensorDict({keys.EXPERT_WEIGHT: torch.zeros(8, 32)}, [8, 32]))
    assert_close(module.trust, torch.tensor(0.8))


def test_td_weighted_by_certainty_by_hand():
    # ζ is 1 and 0.25; expert TD losses are 2 and 12.5.
    module = make(expert_loss=ExpertLoss(td=1.0, margin=0.0, td_weight="certainty"), confidence=FixedConfidence(0.0))
    loss = losses(module, guided())["loss"]
    assert loss.item() == pytest.approx((1 * (0.5 + 1 * 2) + 0.5 * (2 + 0.25 * 12.5)) / 2)


def test_td_weighted_by_confidence_and_certainty_by_hand():
    module = make(expert_loss=ExpertLoss(td=1.0, margin=0.0, td_weight="both"), confidence=FixedConfidence(0.5))
    loss = losses(module, guided())["loss"]
    assert loss.item() == pytest.approx((1 * (0.5 + 0.5 * 2) + 0.5 * (2 + 0.5 * 0.25 * 12.5)) / 2)


def test_augmented_backups_by_hand():
    # Targets are 2 and 0; those of one step more are 3 and −1.
    batch = guided()
    longer = {
        "reward": torch.tensor([2.5, -1.0]),
        "discount": torch.tensor([0.25, 0.25]),
        "terminated": torch.tensor([False, True]),
        "next_observation": torch.tensor([[1.0], [1.0]]),
    }
    batch = as_batch(batch.set(keys.EXPERT_LONGER, TensorDict(longer, [2])))
    make(expert_loss=ExpertLoss(td=1.0)).write_targets(batch)
    assert_close(batch[keys.EXPERT_TARGET][0], torch.tensor([3.0, 0.0]))


def test_shaped_values_are_not_backed_up_along_two_ways():
    batch = as_batch(guided())
    batch.set(keys.EXPERT_LONGER, batch.get(keys.EXPERT).clone())
    with pytest.raises(InputError, match="augmented_backup"):
        shaped().training_step(batch, 0)


def test_lower_bound_by_hand():
    # G_e is 3 and 6, Q(s_e, a_e) is 0 and 5: losses ½ · 3² and ½ · 1².
    module = make(expert_loss=ExpertLoss(margin=0.0, lower_bound=1.0), confidence=FixedConfidence(1.0))
    loss = losses(module, guided())["loss"]
    assert loss.item() == pytest.approx((1 * (0.5 + 4.5) + 0.5 * (2 + 0.5)) / 2)


def test_mixed_priorities_by_hand():
    module = make(
        expert_loss=ExpertLoss(td=1.0, margin=0.0),
        combination="mix",
        confidence=FixedConfidence(0.25),
        priority="mixed",
    )
    batch = guided()
    losses(module, batch)
    assert_close(batch[keys.TD_ERROR], torch.tensor([0.25 * 2 + 0.75 * 1, 0.25 * 5 + 0.75 * 2]))


def test_mixed_priorities_are_the_agents_once_td_errors_on_the_expert_have_faded():
    module = make(
        expert_loss=ExpertLoss(td=1.0, margin=1.0),
        confidence=FixedConfidence(0.9),
        priority="mixed",
        fading=Fading(td=LinearSchedule(1.0, 0.0, 1)),
    )
    module.td_share, batch = 0.0, guided()
    losses(module, batch)
    assert_close(batch[keys.TD_ERROR], torch.tensor([1.0, 2.0]))


def test_published_confidence_reads_the_batch():
    # Row 0: Q(0, 0) − Q(0, a_a = 1) = −3; row 1: Q(1, 1) − Q(1, 0) = 1, but ζ = 0.25 is smaller. δ = 1.
    module = make(expert_loss=ExpertLoss(td=1.0), confidence=PublishedConfidence(beta=1.0, count_max=7))
    batch = guided()
    losses(module, batch)
    assert_close(batch[keys.EXPERT_WEIGHT], torch.tensor([1 / (1 + math.exp(3)), 0.25]))


def test_return_confidence_reads_the_batch():
    # max Q is 3 and 5; the expert earns 3 and 6: ½ and σ(2).
    batch = guided()
    losses(make(confidence=ReturnConfidence(beta=2.0)), batch)
    assert_close(batch[keys.EXPERT_WEIGHT], torch.tensor([0.5, 1 / (1 + math.exp(-2))]))


def test_a_confidence_that_asks_for_targets_has_them_while_something_is_imitated():
    # Targets are 2 and 0, returns 3 and 6; max Q is 3 and 5: σ(−1) and σ(−5), whether TD errors have faded or not.
    rule, term = ReturnConfidence(beta=1.0, horizon="n_step"), ExpertLoss(td=1.0)
    expected = torch.tensor([1 / (1 + math.exp(1)), 1 / (1 + math.exp(5))])
    for td_share in (1.0, 0.0):
        module, batch = make(expert_loss=term, confidence=rule), guided()
        module.td_share = td_share
        losses(module, batch)
        assert_close(batch[keys.EXPERT_WEIGHT], expected)
    module, batch = make(expert_loss=term, confidence=rule), guided()
    module.td_share = module.imitation_share = 0.0
    losses(module, batch)
    assert keys.EXPERT_TARGET not in batch.keys(True)


# Two heads of two actions each: the policy head's values first, then those that rate.
TWO_HEADS = [[0.0, 3.5, 1.0, 2.0], [4.0, 5.0, 0.0, 4.0]]
TWO_HEADED_TARGET = [[9.0, 9.0, 2.0, 6.0], [9.0, 9.0, 1.0, 4.0]]


def two_headed(**changes):
    module = make(value_heads=1, **changes)
    module.online, module.target = Table(TWO_HEADS), Table(TWO_HEADED_TARGET).requires_grad_(False)
    return module


def test_the_value_head_rates_what_the_policy_head_picks():
    module = two_headed()
    assert module.greedy(torch.tensor([[0.0], [1.0]])).tolist() == [1, 1]
    target = module.td_target(torch.tensor([1.0]), torch.tensor([False]), torch.tensor([[1.0]]))
    assert target.tolist() == [1 + 0.5 * 4]


def test_the_mean_of_both_heads_acts_and_picks_what_is_rated():
    module, states = two_headed(acting="mean"), torch.tensor([[0.0], [1.0]])
    module.online = Table([[0.0, 3.5, 5.0, 1.0], [4.0, 5.0, 4.0, 0.0]])  # means 2.5, 2.25 and 4, 2.5
    assert module.greedy(states).tolist() == [0, 0]
    action, values = GreedyPolicy(module)(states)
    assert action.tolist() == [0, 0]
    assert_close(values, torch.tensor([[2.5, 2.25], [4.0, 2.5]]))
    target = module.td_target(torch.tensor([1.0]), torch.tensor([False]), torch.tensor([[1.0]]))
    assert target.tolist() == [1 + 0.5 * 1]


def test_the_value_head_is_what_the_confidence_compares_with():
    # The picked actions are rated 2 and 4 by the value head; the expert earns 3 and 6.
    batch = guided()
    losses(two_headed(confidence=ReturnConfidence(beta=2.0)), batch)
    assert_close(batch[keys.EXPERT_WEIGHT], torch.tensor([1 / (1 + math.exp(-2)), 1 / (1 + math.exp(-4))]))


def test_where_the_mean_acts_the_confidence_compares_with_what_it_picks():
    # The policy head alone picks actions that are rated 1 and 0, the mean those that are rated 5 and 4.
    module, batch = two_headed(acting="mean", confidence=ReturnConfidence(beta=2.0)), guided()
    module.online = Table([[0.0, 3.5, 5.0, 1.0], [4.0, 5.0, 4.0, 0.0]])
    losses(module, batch)
    states = batch[keys.EXPERT]["observation"].long().squeeze(-1)
    rated = torch.tensor([5.0, 4.0])[states]
    expected = torch.sigmoid(2 * (batch[keys.EXPERT]["return"] - rated))
    assert_close(batch[keys.EXPERT_WEIGHT], expected)
    assert batch[keys.EXPERT_AGREES].tolist() == (batch[keys.EXPERT]["action"] == 0).tolist()


@pytest.mark.parametrize(("value_network", "alike"), [("own", False), ("twin", True)])
def test_twins_without_anything_to_imitate_are_one_dqn(value_network, alike):
    torch.manual_seed(0)
    module, dqn = DIIQN((3,), 2, value_heads=1, value_network=value_network, acting="mean"), DQN((3,), 2)
    for of_dqn, of_both in ((dqn.online, module.online), (dqn.target, module.target)):
        of_dqn.load_state_dict(of_both.policy.state_dict())
    states, action, reward, ended = torch.rand(8, 3), torch.randint(2, (8,)), torch.rand(8), torch.rand(8) < 0.2
    for learner in (module, dqn):
        optimizer = torch.optim.Adam(learner.online.parameters(), lr=0.01)
        for _ in range(20):
            target = learner.td_target(reward, ended, states.flip(0))
            _, loss = learner.td_loss(learner.online(states), action, target)
            optimizer.zero_grad()
            loss.mean().backward()
            optimizer.step()
            learner.target.load_state_dict(learner.online.state_dict())
    assert torch.equal(module.acting_values(module.online(states)), dqn.online(states)) == alike


@pytest.mark.parametrize("acting", ["policy", "mean"])
def test_of_two_networks_the_one_that_does_not_act_is_not_asked(acting):
    module, states = DIIQN((3,), 2, value_heads=1, value_network="own", acting=acting), torch.rand(5, 3)
    expected = module.acting_values(module.online(states))
    if acting == "policy":
        module.online.value.forward = None
    assert_close(module.chosen_by(module.online, states), expected)


def test_where_the_mean_acts_the_agents_present_choice_is_what_it_picks():
    # Means 0.5, 2.75 and 2, 4.5: the agent picks action 1 in both states, the expert 0 and 1.
    rule = PublishedConfidence(beta=2.0, agent_action="greedy", frequency=False, inference=False)
    module, batch = two_headed(acting="mean", confidence=rule), guided()
    losses(module, batch)
    states = batch[keys.EXPERT]["observation"].long().squeeze(-1)
    expected = torch.tensor([1 / (1 + math.exp(2 * (2.75 - 0.5))), 0.5])
    assert_close(batch[keys.EXPERT_WEIGHT], expected[states])


def test_who_is_better_than_the_expert_for_long_imitates_it_no_more(monkeypatch):
    module = make(
        expert_loss=ExpertLoss(td=0.0, margin=1.0), fading=Fading(outgrown=Outgrown(100)), trusting_exploration=0.5
    )
    optimizer = torch.optim.SGD(module.online.parameters(), lr=0.0)
    module.optimizers = lambda use_pl_optimizer: optimizer
    module.manual_backward = lambda loss: loss.backward()
    shares, weights = [], []
    for frames, lead in ((40, 1.0), (80, -1.0), (130, -1.0), (200, -1.0), (300, 1.0)):
        monkeypatch.setattr(DIIQN, "environment_frames", frames)
        batch = torch.stack([guided()])
        batch[keys.EXPERT]["lead"].fill_(lead)
        weights.append(float(module.training_step(batch, 0)["expert/weight"].mean()))
        shares.append(module.imitation_share)
    assert shares == pytest.approx([1.0, 1.0, 0.6, 0.1, 0.0])  # what is counted in one batch holds from the next one on
    assert weights[2] == pytest.approx(0.6 * weights[1])
    assert weights[4] == 0.0


def test_of_a_mixture_no_part_fades_by_itself():
    with pytest.raises(InputError, match="model.fading"):
        make(combination="mix", expert_loss=ExpertLoss(), fading=Fading())


def test_a_margin_does_not_reach_the_value_head():
    module, silent = two_headed(confidence=FixedConfidence(1.0)), two_headed(confidence=FixedConfidence(0.0))
    for one in (module, silent):
        losses(one, guided())["loss"].backward()
    difference = module.online.values.grad - silent.online.values.grad
    assert bool((difference[:, :2] != 0).any())
    assert bool((difference[:, 2:] == 0).all())


def test_both_heads_learn_the_agents_targets():
    module = two_headed(confidence=FixedConfidence(0.0))
    losses(module, guided())["loss"].backward()
    changed = module.online.values.grad != 0
    assert torch.equal(changed[:, :2], changed[:, 2:])
    assert bool(changed.any())


@pytest.mark.parametrize("combination", ["mix", "add"])
@pytest.mark.parametrize("silence", ["confidence", "validity"])
def test_without_guidance_it_is_exactly_dqn(combination, silence):
    if silence == "confidence":
        module, batch = make(confidence=FixedConfidence(0.0), combination=combination), guided()
    else:
        module, batch = make(confidence=FixedConfidence(1.0), combination=combination), guided((False, False))
    dqn = DQN((1,), 2, discount=0.5)
    dqn.online, dqn.target = Table(ONLINE), Table(TARGET).requires_grad_(False)
    plain = transitions()
    loss, dqn_loss = losses(module, batch)["loss"], losses(dqn, plain)["loss"]
    loss.backward()
    dqn_loss.backward()
    assert torch.equal(loss, dqn_loss)
    assert torch.equal(module.online.values.grad, dqn.online.values.grad)
    assert torch.equal(batch[keys.TD_ERROR], plain[keys.TD_ERROR])


class Given(Confidence):
    """Φ as plain numbers."""

    def __init__(self, phi):
        self.phi = phi

    def __call__(self, evidence):
        return self.phi, {}


def test_the_confidence_carries_no_gradient():
    # Row 1: max(5, 4 + 2) − 5 = 1, so that a Φ with a gradient would move the values by it.
    wide = ExpertLoss(margin=1.0, margin_size=2.0)
    module = make(expert_loss=wide, confidence=ReturnConfidence())
    batch = guided((False, True))
    outputs = losses(module, batch)
    outputs["loss"].backward()
    given = make(expert_loss=wide, confidence=Given(batch[keys.EXPERT_WEIGHT]))
    losses(given, guided((False, True)))["loss"].backward()
    assert_close(module.online.values.grad, given.online.values.grad)


@pytest.mark.parametrize(
    ("missing", "callback"), [(keys.EXPERT, "expert_sampling"), (keys.EXPERT_COUNT, "expert_visits")]
)
def test_a_missing_callback_does_not_silently_turn_imitation_off(missing, callback):
    batch = guided()
    batch.pop(missing)
    with pytest.raises(InputError, match=callback):
        make().training_step(batch, 0)


def test_the_labeller_learns_from_the_agents_transitions_and_leaves_the_q_values_alone():
    module = make(labeller=LabellerSettings(), confidence=FixedConfidence(0.0))
    batch = torch.stack([guided(), guided()])
    loss = module.batch_losses(batch)["loss/labeller"]
    loss.backward()
    assert all(parameter.grad is not None for parameter in module.labeller.parameters())
    assert module.online.values.grad is None


def test_the_labeller_may_learn_from_a_part_of_a_batch():
    some, whole = (
        make(labeller=LabellerSettings(transitions=size), confidence=FixedConfidence(0.0)) for size in (2, 4)
    )
    batch = torch.stack([guided(), guided()])
    part = batch[:1]
    for module in (some, whole):
        module.labeller.load_state_dict(some.labeller.state_dict())
    assert_close(some.batch_losses(batch)["loss/labeller"], whole.batch_losses(part)["loss/labeller"])


def test_an_update_alone_teaches_what_a_batch_of_it_alone_teaches():
    losses = []
    for part in (guided(), torch.stack([guided()])):  # as large updates come, and as a part of several would
        torch.manual_seed(0)
        module = make(labeller=LabellerSettings(), shaping=ShapingSettings(), confidence=FixedConfidence(0.0))
        losses.append(module.batch_losses(part))
    assert losses[0].keys() == {"loss/labeller", "loss/expert_value"}
    assert_close(*losses)


def test_a_labeller_that_is_not_taught_actions_any_more_may_learn_from_a_smaller_part():
    module = make(labeller=LabellerSettings(settled_transitions=2), confidence=FixedConfidence(0.0))
    batch = torch.stack([guided(), guided()])
    whole = module.batch_losses(batch)["loss/labeller"]
    module.labeller.taught.fill_(0.5)
    smaller = module.batch_losses(batch)["loss/labeller"]
    module.labeller.taught.fill_(1.0)
    assert_close(module.batch_losses(batch)["loss/labeller"], whole)
    assert_close(module.batch_losses(batch[:1])["loss/labeller"], smaller)


def test_without_a_labeller_nothing_is_added_to_a_batch():
    assert make().batch_losses(torch.stack([guided()])) == {}


def test_the_labeller_has_a_learning_rate_of_its_own():
    module = DIIQN((1,), 2, labeller=LabellerSettings(learning_rate=0.5))
    online, labeller = module.configure_optimizers().param_groups
    assert online["lr"] == 2.5e-4
    assert labeller["lr"] == 0.5


@pytest.mark.parametrize(
    "changes",
    [
        {"combination": "multiply"},
        {"priority": "both"},
        {"priority": "mixed"},
        {"expert_weight": -1.0},
        {"value_heads": -1},
        {"confidence": ReturnConfidence(deviations=1.0), "value_heads": 1},
        {"confidence": ReturnConfidence(horizon="n_step"), "expert_loss": ExpertLoss(td=0.0)},
    ],
)
def test_refuses_values_out_of_range(changes):
    with pytest.raises(InputError, match="model."):
        DIIQN((1,), 2, **changes)


@pytest.mark.parametrize("history", [-1, 99_999])
def test_the_labeller_sees_no_endless_history(history):
    with pytest.raises(InputError, match="from 0 to 64"):
        LabellerSettings(history=history)


@pytest.mark.parametrize("field", ["transitions", "settled_transitions", "until"])
def test_the_labeller_needs_transitions(field):
    with pytest.raises(InputError, match=f"labeller.{field} is 0"):
        LabellerSettings(**{field: 0})


def test_both_terms_fade_on_their_own():
    assert Fading(td=LinearSchedule(1.0, 0.0, 100), imitation=LinearSchedule(1.0, 0.5, 200)).shares(50) == (0.5, 0.875)
    assert Fading().shares(10**9) == (1.0, 1.0)


@pytest.mark.parametrize(("term", "start", "field"), [("td", 2.0, "td.start"), ("imitation", -1.0, "imitation.start")])
def test_refuses_factors_out_of_range(term, start, field):
    with pytest.raises(InputError, match=f"model.fading.{field}"):
        Fading(**{term: LinearSchedule(start, 0.0, 100)})


@pytest.mark.parametrize("changes", [{"td": -1.0}, {"margin": -1.0}, {"margin_size": -0.1}])
def test_refuses_negative_weights(changes):
    with pytest.raises(InputError, match="expert_loss"):
        ExpertLoss(**changes)


def test_trust_follows_transitions_and_not_batches():
    # 512 transitions at once, or 256 and 256.
    weights = torch.rand(2, 256)
    whole, halves = make(), make()
    whole.follow(TensorDict({keys.EXPERT_WEIGHT: weights.mean().expand(2, 256)}, [2, 256]))
    for _ in range(2):
        halves.follow(TensorDict({keys.EXPERT_WEIGHT: weights.mean().expand(1, 256)}, [1, 256]))
    assert_close(whole.trust, halves.trust)
    assert_close(whole.trust, (1 - 0.98**2) * weights.mean())


def test_trust_follows_a_confidence_of_half_precision():
    module = make()
    batch = guided().set(keys.EXPERT_WEIGHT, torch.ones(2, dtype=torch.bfloat16))
    module.follow(batch)
    assert 0 < module.trust.item() < 1
    assert module.trust.dtype == torch.float32


def test_trust_in_the_expert_lowers_the_exploration_down_to_its_end():
    schedule = LinearSchedule(0.8, 0.2, 100)
    module = make(trusting_exploration=0.5, exploration=schedule)
    assert module.exploration_rate(0) == pytest.approx(0.8)
    module.trust.fill_(0.9)
    assert module.exploration_rate(0) == pytest.approx(0.2 + 0.6 * (1 - 0.5 * 0.9))
    assert module.exploration_rate(100) == pytest.approx(0.2)
    assert make(exploration=schedule).exploration_rate(0) == pytest.approx(0.8)


class Potential(torch.nn.Module):
    """V_E of state 0 is 2, of state 1 is 10."""

    def forward(self, observation):
        return torch.tensor([2.0, 10.0])[observation.long()]


def shaped(**changes):
    module = make(shaping=ShapingSettings(), **changes)
    module.shaping.network = Potential()
    return module


def as_batch(update):
    """A batch of one update."""
    return update.unsqueeze(0)


def test_shaping_adds_the_difference_of_potentials_to_the_targets():
    # Unshaped targets are 2 and (terminated) 2. F = ½ · 10 − 2 = 3, and 0 − 10 after the termination.
    batch = as_batch(guided())
    shaped(expert_loss=ExpertLoss(td=1.0)).write_targets(batch)
    assert_close(batch[keys.TARGET][0], torch.tensor([5.0, -8.0]))
    # The expert's: 2 + 3, and 0 − 10.
    assert_close(batch[keys.EXPERT_TARGET][0], torch.tensor([5.0, -10.0]))


def test_shaped_values_are_compared_with_returns_as_unshaped_ones():
    # max Q is 3 and 5, V_E is 2 and 10; the expert earns 3 and 6.
    module, batch = shaped(confidence=ReturnConfidence(beta=1.0)), as_batch(guided())
    module.write_targets(batch)
    update = batch[0]
    module.losses(update)
    assert_close(update[keys.EXPERT_WEIGHT], torch.sigmoid(torch.tensor([3.0 - 5.0, 6.0 - 15.0])))


def test_the_experts_value_learns_its_returns():
    torch.manual_seed(0)
    module = DIIQN((1,), 2, shaping=ShapingSettings(learning_rate=1e-2))
    optimizer = torch.optim.Adam(module.shaping.parameters(), lr=1e-2)
    batch = as_batch(guided())
    for _ in range(300):
        optimizer.zero_grad()
        module.batch_losses(batch)["loss/expert_value"].backward()
        optimizer.step()
    values = module.shaping(torch.tensor([[0.0], [1.0]]))
    assert_close(values, torch.tensor([3.0, 6.0]), atol=0.1, rtol=0)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"carry_over": CarryOver()}, "model.carry_over"),
        ({"expert_loss": ExpertLoss(imitation_weight="certainty")}, "model.expert_loss.imitation_weight"),
        ({"expert_weight": 2.0}, "model.expert_weight"),
    ],
)
def test_a_mixture_refuses_what_lowers_the_experts_part_alone(changes, field):
    with pytest.raises(InputError, match=field):
        make(combination="mix", **changes)


def test_another_expert_is_met_as_if_there_had_been_none():
    module = make(fading=Fading(outgrown=Outgrown(frames=100)), carry_over=CarryOver(), trusting_exploration=0.5)
    module.outgrowing.look(-1.0, 64)
    module.outgrowing.look(-1.0, 128)
    module.trust.fill_(0.5)
    module.carry_over.agreement.fill_(0.25)
    module.carry_over.certainty.fill_(0.75)
    assert module.outgrowing.share == 0
    module.forget_expert(frames=1000)  # nobody looks while nothing is imitated
    assert module.outgrowing.share == 1
    assert (float(module.trust), float(module.carry_over.certainty)) == (0, 0)
    assert module.carry_over.agreement.tolist() == [1, 1]
    # The frames so far are no frames with the new one.
    module.outgrowing.look(-1.0, 1032)
    assert module.outgrowing.share == pytest.approx(1 - 32 / 100)
