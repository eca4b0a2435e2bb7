import pytest
import torch
from torch.testing import assert_close

from diiqn_lightning.algorithm.schedules import LinearSchedule
from diiqn_lightning.modules import DQN
from diiqn_lightning.modules.greedy_policy import GreedyPolicy
from tests.modules.test_dqn import ONLINE, TARGET, Table, make


def test_greedy_takes_the_largest_value():
    assert make(ONLINE, TARGET).greedy(torch.tensor([[0.0], [1.0]])).tolist() == [1, 1]


def test_explores_as_its_schedule_says():
    module = make(ONLINE, TARGET, exploration=LinearSchedule(1.0, 0.2, 100))
    generator = torch.Generator().manual_seed(0)
    states = torch.zeros(20_000, 1)
    for frames, epsilon in ((0, 1.0), (50, 0.6), (1000, 0.2)):
        other = (module.act(states, frames, generator) == 0).float().mean().item()
        assert other == pytest.approx(epsilon / 2, abs=0.01)


def test_behaviour_probability_is_how_often_act_takes_an_action():
    module = make(ONLINE, TARGET, exploration=LinearSchedule(0.4, 0.4, 1))
    state, generator = torch.zeros(20_000, 1), torch.Generator().manual_seed(0)
    taken = module.act(state, 0, generator)
    probability = module.behaviour_probability(torch.zeros(2, 1), torch.tensor([0, 1]), 0)
    assert_close(probability, torch.tensor([0.2, 0.8]))  # action 1 is the greedy one in state 0
    assert abs(float((taken == 1).float().mean()) - 0.8) < 0.01


def test_what_was_acted_on_is_rated_once(monkeypatch):
    module = make(ONLINE, TARGET, exploration=LinearSchedule(0.4, 0.4, 1))
    state, asked = torch.zeros(50, 1), []
    greedy = module.greedy
    monkeypatch.setattr(module, "greedy", lambda observation: (asked.append(len(observation)), greedy(observation))[1])
    taken = module.act(state, 0, torch.Generator().manual_seed(0))
    probability = module.behaviour_probability(state, taken, 0)
    assert asked == [50]
    assert torch.equal(probability, module.behaviour_probability(state.clone(), taken, 0))
    assert asked == [50, 50]


def test_averaged_weights_act_and_the_newest_learn():
    module = make(ONLINE, TARGET, averaging=1000)
    module.average.network = Table([[3.0, 0.0], [5.0, 4.0]])  # prefers the other action everywhere
    states = torch.tensor([[0.0], [1.0]])
    assert module.greedy(states).tolist() == [0, 0]
    assert GreedyPolicy(module)(states)[0].tolist() == [0, 0]
    probability = module.behaviour_probability(states, torch.tensor([0, 0]), 10**6)
    assert_close(probability, torch.tensor([0.995, 0.995]))
    # The target's next action is the newest weights' still: action 1 in state 1, which the target network rates 2.
    target = module.td_target(torch.tensor([1.0]), torch.tensor([False]), torch.tensor([[1.0]]))
    assert target.tolist() == [2.0]


def test_without_averaging_there_is_no_other_network():
    module = DQN((1,), 2)
    assert module.acting_network is module.online
    assert not any(name.startswith("average") for name in module.state_dict())
