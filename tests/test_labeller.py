import pytest
import torch

from diiqn_lightning.algorithm.losses import uniform_behaviour_weight
from diiqn_lightning.algorithm.reward_sizes import RewardSizes
from diiqn_lightning.labeller import InverseModel, TransitionLabeller, Transitions


def transitions(count, generator):
    """A walk on a line of ten cells: action 0 goes left, 1 right; cell 9 rewards 2 and ends."""
    position = torch.randint(1, 9, (count,), generator=generator)
    action = torch.randint(0, 2, (count,), generator=generator)
    following = position + 2 * action - 1
    one_hot = torch.nn.functional.one_hot
    reward = torch.where(following == 9, 2.0, 0.0)
    return Transitions(one_hot(position, 10).float(), action, reward, one_hot(following, 10).float(), following == 9)


def test_learns_action_reward_and_termination():
    generator = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    labeller = TransitionLabeller((10,), num_actions=2)
    optimizer = torch.optim.Adam(labeller.parameters(), lr=1e-2)
    for _ in range(150):
        optimizer.zero_grad()
        labeller.loss(transitions(64, generator)).mean().backward()
        optimizer.step()
    state, action, reward, following, terminated, _ = transitions(3000, generator)
    labels = labeller.label(state, following)
    assert (labels.action == action).float().mean() > 0.99
    assert (labels.reward - reward).abs().max() < 0.2
    # Rounded to sizes that were seen, only the doubt whether there is a reward is left.
    sizes = RewardSizes()
    sizes.observe(torch.tensor([0.0, 1.5, 7.0]))
    rounded = labeller.label(state, following, sizes=sizes).reward
    assert (rounded - 0.75 * reward).abs().max() < 0.1
    assert rounded.max() < 1.5
    assert torch.equal(labels.terminated, terminated)
    assert bool(((labels.probability >= 0.5) & (labels.probability <= 1)).all())


def test_expected_rewards_add_up_though_rare_ones_are_weighed_up():
    # One transition in twenty rewards 2, and nothing tells which: the expected reward is 0.1 everywhere.
    generator = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    labeller = TransitionLabeller((10,), num_actions=2)
    optimizer = torch.optim.Adam(labeller.parameters(), lr=1e-3)
    for _ in range(400):
        state, action, _, following, terminated, _ = transitions(256, generator)
        reward = 2.0 * (torch.rand(256, generator=generator) < 0.05)
        optimizer.zero_grad()
        labeller.loss(Transitions(state, action, reward, following, terminated)).mean().backward()
        optimizer.step()
    state, _, _, following, _, _ = transitions(1000, generator)
    assert abs(float(labeller.label(state, following).reward.mean()) - 0.1) < 0.03
    assert abs(float(labeller.rewarding_share) - 0.05) < 0.03


def sticky(count, generator):
    """The walk, by an agent that goes right in 98 of 100 cases; one in ten executes the other action instead."""
    position = torch.randint(1, 9, (count,), generator=generator)
    action = (torch.rand(count, generator=generator) < 0.98).long()
    executed = torch.where(torch.rand(count, generator=generator) < 0.1, 1 - action, action)
    one_hot, following = torch.nn.functional.one_hot, position + 2 * executed - 1
    nothing = torch.zeros(count)
    return Transitions(one_hot(position, 10).float(), action, nothing, one_hot(following, 10).float(), nothing.bool())


@pytest.mark.parametrize(("largest", "right"), [(None, False), (50.0, True)])
def test_weights_keep_an_agents_habit_out_of_the_labels(largest, right):
    """Steps to the left are labelled left only where the agent's habit of going right does not count."""
    generator = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    labeller = TransitionLabeller((10,), num_actions=2)
    optimizer = torch.optim.Adam(labeller.parameters(), lr=3e-3)
    for _ in range(300):
        parts = sticky(512, generator)
        weight = 1.0
        if largest is not None:
            weight = uniform_behaviour_weight(torch.where(parts[1] == 1, 0.98, 0.02), 2, largest)
        optimizer.zero_grad()
        labeller.loss(parts, weight).mean().backward()
        optimizer.step()
    position = torch.arange(2, 8)
    one_hot = torch.nn.functional.one_hot
    labels = labeller.label(one_hot(position, 10).float(), one_hot(position - 1, 10).float())
    assert bool((labels.action == 0).all()) == right
    assert bool((labels.action == 1).all()) != right


def resting(count, generator):
    """A walk whose walker rests after each move, which only the state before shows; a third of the actions stays."""
    position = torch.randint(2, 8, (count,), generator=generator)
    before = position + torch.randint(-1, 2, (count,), generator=generator)
    action = torch.randint(0, 3, (count,), generator=generator)
    following = torch.where(before == position, position + action - 1, position)
    one_hot, nothing = torch.nn.functional.one_hot, torch.zeros(count)
    cells = [one_hot(cell, 10).float() for cell in (position, following, before)]
    return Transitions(cells[0], action, nothing, cells[1], nothing.bool(), cells[2].unsqueeze(1)), before == position


@pytest.mark.parametrize(("history", "shown"), [(1, True), (0, False)])
def test_states_before_tell_who_stays_from_who_cannot_move(history, shown):
    generator = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    labeller = TransitionLabeller((10,), num_actions=3, history=history)
    optimizer = torch.optim.Adam(labeller.parameters(), lr=1e-2)
    for _ in range(300):
        parts, _ = resting(128, generator)
        optimizer.zero_grad()
        labeller.loss(parts if history else parts._replace(history=None)).mean().backward()
        optimizer.step()
    parts, free = resting(2000, generator)
    labels = labeller.label(parts.observation, parts.next_observation, parts.history if history else None)
    stays = free & (parts.action == 1)
    assert bool((labels.probability[stays] > 0.8).all()) == shown
    assert bool((labels.probability[~free] < 0.6).all())


def test_an_inverse_model_alone_learns_actions_and_says_how_sure_it_is():
    # Three actions: left, right, and one that goes right as well. Left is certain, right is either of two.
    generator = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    model = InverseModel((10,), num_actions=3)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

    def walk(count):
        seen = transitions(count, generator)
        either = torch.rand(count, generator=generator) < 0.5
        return seen._replace(action=torch.where(either & (seen.action == 1), 2, seen.action))

    for _ in range(300):
        optimizer.zero_grad()
        model.loss(walk(128)).mean().backward()
        optimizer.step()
    seen = walk(2000)
    labels, left = model.label(seen.observation, seen.next_observation), seen.action == 0
    assert bool((labels.action[left] == 0).all())
    assert bool((labels.action[~left] > 0).all())
    assert labels.probability[left].min() > 0.95
    assert (labels.probability[~left] - 0.5).abs().max() < 0.1
    assert not labels.reward.any()  # it knows of neither
    assert not labels.terminated.any()


def test_an_inverse_models_loss_by_hand():
    model = InverseModel((10,), num_actions=2)
    seen = transitions(5, torch.Generator().manual_seed(0))
    log_probability = model.outputs(seen.observation, seen.next_observation).log_softmax(1)
    expected = -log_probability[torch.arange(5), seen.action]
    weight = torch.arange(5.0)
    torch.testing.assert_close(model.loss(seen, weight), weight * expected)
    blind = seen._replace(reward=seen.reward + 7, terminated=~seen.terminated)
    torch.testing.assert_close(model.loss(blind, weight), weight * expected)
