import pytest
import torch
from torch.testing import assert_close

from diiqn_lightning.algorithm.losses import (
    action_value,
    double_q_value,
    elementwise_loss,
    labelling_loss,
    large_margin_loss,
    lower_bound_loss,
    shaping_reward,
    td_target,
    uniform_behaviour_weight,
)


def test_double_q_lets_the_online_network_choose_and_the_target_network_rate():
    online = torch.tensor([[1.0, 3.0, 2.0], [5.0, 0.0, 0.0]])  # chooses action 1, then 0
    target = torch.tensor([[10.0, 20.0, 30.0], [-1.0, 7.0, 8.0]])
    assert_close(double_q_value(online, target), torch.tensor([20.0, -1.0]))


def test_target_of_a_terminated_transition_is_its_reward():
    # 1 + 0.9 · 10 = 10; terminated: 2
    target = td_target(torch.tensor([1.0, 2.0]), torch.tensor([False, True]), 0.9, torch.tensor([10.0, 10.0]))
    assert_close(target, torch.tensor([10.0, 2.0]))


def test_a_terminated_transition_ignores_even_an_infinite_value():
    target = td_target(torch.tensor([2.0]), torch.tensor([True]), 0.9, torch.tensor([torch.inf]))
    assert_close(target, torch.tensor([2.0]))


def test_action_value_picks_one_value_a_row():
    q = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert_close(action_value(q, torch.tensor([1, 0])), torch.tensor([2.0, 3.0]))


def test_squared_and_huber_agree_up_to_one_and_part_beyond():
    td_error = torch.tensor([0.5, -3.0])
    assert_close(elementwise_loss(td_error, "squared"), torch.tensor([0.125, 4.5]))
    assert_close(elementwise_loss(td_error, "huber"), torch.tensor([0.125, 2.5]))


def test_large_margin_by_hand():
    # Row 0: a_e = 0 with Q = 1; max(1, 0.9 + 0.2, 0 + 0.2) − 1 = 0.1
    # Row 1: a_e = 2 is ahead by more than the margin: 0
    q = torch.tensor([[1.0, 0.9, 0.0], [0.0, 0.5, 2.0]])
    assert_close(large_margin_loss(q, torch.tensor([0, 2]), 0.2), torch.tensor([0.1, 0.0]))


def test_large_margin_gradient_raises_the_expert_and_lowers_the_rival():
    q = torch.tensor([[1.0, 0.9, 0.0]], requires_grad=True)
    large_margin_loss(q, torch.tensor([0]), 0.2).sum().backward()
    assert q.grad is not None
    assert_close(q.grad, torch.tensor([[-1.0, 1.0, 0.0]]))


def test_labelling_loss_by_hand():
    # Uniform over two actions: ln 2. Reward logit 0, weight 3 on the rewarded row: ln 2 and 3 ln 2.
    # Termination logit 0: ln 2. Size off by 2 on the rewarded row: ½ · 4 = 2.
    zeros = torch.zeros(2)
    loss = labelling_loss(
        action_logits=torch.zeros(2, 2),
        reward_logit=zeros,
        reward_size=torch.tensor([9.0, 3.0]),
        terminated_logit=zeros,
        action=torch.tensor([0, 1]),
        reward=torch.tensor([0.0, 1.0]),
        terminated=torch.tensor([False, True]),
        rewarding_weight=torch.tensor(3.0),
    )
    ln2 = 0.6931472
    assert loss.tolist() == pytest.approx([3 * ln2, 5 * ln2 + 2])


def test_uniform_behaviour_weights_by_hand():
    # Two actions with probabilities ¾ and ¼: weights ⅔ and 2.
    probability = torch.tensor([0.75, 0.25])
    assert_close(uniform_behaviour_weight(probability, 2, 10.0), torch.tensor([2 / 3, 2.0]))
    assert_close(uniform_behaviour_weight(probability, 2, 2.0), torch.tensor([2 / 3, 2.0]))


@pytest.mark.parametrize("largest", [1.0, 1.9])
def test_states_with_less_exploration_than_the_largest_weight_allows_teach_nothing(largest):
    assert not uniform_behaviour_weight(torch.tensor([0.75, 0.25]), 2, largest).any()
    assert not uniform_behaviour_weight(torch.tensor([1.0]), 1, largest).any()


def test_lower_bound_counts_positive_gaps_only():
    assert_close(lower_bound_loss(torch.tensor([1.0, 5.0]), torch.tensor([4.0, 4.0])), torch.tensor([4.5, 0.0]))


def test_shaping_reward_by_hand():
    shaped = shaping_reward(torch.tensor([2.0, 2.0]), torch.tensor([6.0, 6.0]), torch.tensor([False, True]), 0.5)
    assert_close(shaped, torch.tensor([1.0, -2.0]))
