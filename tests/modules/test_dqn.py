import pytest
import torch
from tensordict import TensorDict
from torch.testing import assert_close

from diiqn_lightning import keys
from diiqn_lightning.algorithm.schedules import LinearSchedule
from diiqn_lightning.errors import InputError
from diiqn_lightning.modules import DQN


class Table(torch.nn.Module):
    """Q-values by state number: a network whose outputs can be written down."""

    def __init__(self, values):
        super().__init__()
        self.values = torch.nn.Parameter(torch.tensor(values))

    def forward(self, observation):
        return self.values[observation.long().squeeze(-1)]


def make(online, target, **changes):
    module = DQN((1,), 2, discount=0.5, **changes)
    module.online, module.target = Table(online), Table(target).requires_grad_(False)
    return module


def transitions():
    """Two transitions: state 0, action 1, reward 1, to state 1; state 1, action 0, reward 2, terminated."""
    return TensorDict(
        {
            keys.OBSERVATION: torch.tensor([[0.0], [1.0]]),
            keys.ACTION: torch.tensor([1, 0]),
            keys.PRIORITY_WEIGHT: torch.tensor([1.0, 0.5]),
            "next": TensorDict(
                {
                    "observation": torch.tensor([[1.0], [0.0]]),
                    "reward": torch.tensor([1.0, 2.0]),
                    "terminated": torch.tensor([False, True]),
                },
                [2],
            ),
        },
        [2],
    )


ONLINE, TARGET = [[0.0, 3.0], [4.0, 5.0]], [[0.0, 0.0], [6.0, 2.0]]


def test_double_dqn_loss_by_hand():
    # Online chooses action 1 in state 1, target rates it 2: target 1 + ½ · 2 = 2, δ = 3 − 2 = 1.
    # Terminated: target 2, δ = 4 − 2 = 2. Loss: mean of 1 · ½ · 1 and ½ · ½ · 4.
    batch = transitions()
    outputs = make(ONLINE, TARGET).training_step(batch, 0)
    assert outputs["loss"].item() == pytest.approx((0.5 + 1.0) / 2)
    assert_close(batch[keys.TD_ERROR], torch.tensor([1.0, 2.0]))


def test_plain_dqn_takes_the_target_networks_largest_value():
    # max is 6: target 1 + 3 = 4, δ = −1
    batch = transitions()
    make(ONLINE, TARGET, double=False).training_step(batch, 0)
    assert_close(batch[keys.TD_ERROR], torch.tensor([1.0, 2.0]))
    batch = transitions()
    make(ONLINE, [[0.0, 0.0], [8.0, 2.0]], double=False).training_step(batch, 0)
    assert_close(batch[keys.TD_ERROR], torch.tensor([2.0, 2.0]))


def test_huber_loss_by_hand():
    outputs = make(ONLINE, TARGET, loss="huber").training_step(transitions(), 0)
    assert outputs["loss"].item() == pytest.approx((0.5 + 0.5 * 1.5) / 2)


def test_the_gradient_reaches_the_online_values_of_the_taken_actions_alone():
    module = make(ONLINE, TARGET)
    module.training_step(transitions(), 0)["loss"].backward()
    # d/dQ(0,1) = 1 · δ / 2 = ½; d/dQ(1,0) = ½ · δ / 2 = ½
    assert_close(module.online.values.grad, torch.tensor([[0.0, 0.5], [0.5, 0.0]]))
    assert module.target.values.grad is None


def test_the_target_network_is_set_after_its_interval_of_updates():
    module = make(ONLINE, TARGET, target_update_interval=3)
    for _ in range(3):
        module.training_step(transitions(), 0)
    assert module.target.values.tolist() == TARGET
    module.training_step(transitions(), 0)
    assert module.target.values.tolist() == ONLINE
    assert module.updates == 4


def test_greedy_takes_the_largest_value():
    assert make(ONLINE, TARGET).greedy(torch.tensor([[0.0], [1.0]])).tolist() == [1, 1]


def test_explores_as_its_schedule_says():
    module = make(ONLINE, TARGET, exploration=LinearSchedule(1.0, 0.2, 100))
    generator = torch.Generator().manual_seed(0)
    states = torch.zeros(20_000, 1)
    for frames, epsilon in ((0, 1.0), (50, 0.6), (1000, 0.2)):
        other = (module.act(states, frames, generator) == 0).float().mean().item()
        assert other == pytest.approx(epsilon / 2, abs=0.01)


@pytest.mark.parametrize("changes", [{"discount": 1.5}, {"loss": "cubic"}, {"target_update_interval": 0}])
def test_refuses_values_out_of_range(changes):
    with pytest.raises(InputError, match="model."):
        DQN((1,), 2, **changes)
