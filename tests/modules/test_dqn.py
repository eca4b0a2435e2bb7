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


def losses(module, update):
    """Targets and losses of one update, as a batch of one would have them."""
    module.write_targets(update)
    return module.losses(update)


ONLINE, TARGET = [[0.0, 3.0], [4.0, 5.0]], [[0.0, 0.0], [6.0, 2.0]]


def test_double_dqn_loss_by_hand():
    # Online chooses action 1 in state 1, target rates it 2: target 1 + ½ · 2 = 2, δ = 3 − 2 = 1.
    # Terminated: target 2, δ = 4 − 2 = 2. Loss: mean of 1 · ½ · 1 and ½ · ½ · 4.
    batch = transitions()
    outputs = losses(make(ONLINE, TARGET), batch)
    assert outputs["loss"].item() == pytest.approx((0.5 + 1.0) / 2)
    assert_close(batch[keys.TD_ERROR], torch.tensor([1.0, 2.0]))


def test_plain_dqn_takes_the_target_networks_largest_value():
    # max is 6: target 1 + 3 = 4, δ = −1
    batch = transitions()
    losses(make(ONLINE, TARGET, double=False), batch)
    assert_close(batch[keys.TD_ERROR], torch.tensor([1.0, 2.0]))
    batch = transitions()
    losses(make(ONLINE, [[0.0, 0.0], [8.0, 2.0]], double=False), batch)
    assert_close(batch[keys.TD_ERROR], torch.tensor([2.0, 2.0]))


def test_huber_loss_by_hand():
    outputs = losses(make(ONLINE, TARGET, loss="huber"), transitions())
    assert outputs["loss"].item() == pytest.approx((0.5 + 0.5 * 1.5) / 2)


def test_the_gradient_reaches_the_online_values_of_the_taken_actions_alone():
    module = make(ONLINE, TARGET)
    losses(module, transitions())["loss"].backward()
    # d/dQ(0,1) = 1 · δ / 2 = ½; d/dQ(1,0) = ½ · δ / 2 = ½
    assert_close(module.online.values.grad, torch.tensor([[0.0, 0.5], [0.5, 0.0]]))
    assert module.target.values.grad is None


def train(module, updates, batches):
    """Batches of some updates each, with Lightning's part done by hand."""
    optimizer = torch.optim.SGD(module.online.parameters(), lr=0.1)
    module.optimizers = lambda use_pl_optimizer: optimizer
    module.manual_backward = lambda loss: loss.backward()
    for _ in range(batches):
        batch = torch.stack([transitions() for _ in range(updates)])
        module.training_step(batch, 0)
    return batch


def test_a_batch_is_several_updates_that_share_their_targets():
    module = make(ONLINE, TARGET)
    batch = train(module, updates=2, batches=1)
    assert module.updates == 2
    assert batch[keys.TD_ERROR].shape == (2, 2)
    assert torch.equal(batch[keys.TARGET][0], batch[keys.TARGET][1])
    # The first update moved Q(0, 1) by −0.1 · ½ · δ: the second one's error is smaller by as much.
    assert_close(batch[keys.TD_ERROR][:, 0], torch.tensor([1.0, 0.95]))


def test_a_run_that_goes_on_without_annealing_learns_at_the_full_rate():
    module = make(ONLINE, TARGET)
    optimizer = torch.optim.SGD(module.online.parameters(), lr=0.025)
    optimizer.param_groups[0]["initial_lr"] = 0.1  # as a checkpoint of a run with annealing has it
    module.optimizers = lambda use_pl_optimizer: optimizer
    module.manual_backward = lambda loss: loss.backward()
    module.training_step(torch.stack([transitions()]), 0)
    assert optimizer.param_groups[0]["lr"] == 0.1


@pytest.mark.parametrize(("together", "parts"), [(2, [1] * 5), (4, [2, 2, 1]), (5, [2, 2, 1]), (256, [5])])
def test_what_learns_beside_the_q_network_learns_as_often_however_many_updates_a_batch_holds(
    together, parts, monkeypatch
):
    # Updates of two transitions.
    seen = []

    class Beside(DQN):
        def batch_losses(self, batch):
            seen.append((self.updates, batch.numel() // 2))
            return {"loss/beside": torch.zeros(())}

    monkeypatch.setattr("diiqn_lightning.modules.dqn.LEARNED_TOGETHER", together)
    module = Beside((1,), 2, discount=0.5)
    module.online, module.target = Table(ONLINE), Table(TARGET).requires_grad_(False)
    batch = train(module, updates=5, batches=1)
    assert [length for _, length in seen] == parts
    assert [updates for updates, _ in seen] == [sum(parts[:number]) for number in range(len(parts))]
    assert module.updates == 5
    assert batch[keys.TD_ERROR].shape == (5, 2)


def test_the_target_network_is_set_once_its_interval_of_updates_has_passed():
    module = make(ONLINE, TARGET, target_update_interval=5)
    train(module, updates=2, batches=3)
    assert module.target.values.tolist() == TARGET
    moved = module.online.values.tolist()
    train(module, updates=2, batches=1)
    assert module.target.values.tolist() == moved
    assert module.updates == 8


@pytest.mark.parametrize("changes", [{"discount": 1.5}, {"loss": "cubic"}, {"target_update_interval": 0}])
def test_refuses_values_out_of_range(changes):
    with pytest.raises(InputError, match="model."):
        DQN((1,), 2, **changes)


def test_refuses_negative_learning_rates():
    with pytest.raises(InputError, match="model.annealing is '1 to -1'"):
        DQN((1,), 2, annealing=LinearSchedule(1.0, -1.0, 100))
