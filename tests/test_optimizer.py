import copy

import pytest
import torch

from diiqn_lightning.optimizer import LeanAdam


def make_network():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(5, 7), torch.nn.ReLU(), torch.nn.Linear(7, 2))


def groups(network):
    return [{"params": list(network[0].parameters())}, {"params": list(network[2].parameters()), "lr": 0.02}]


def train(network, optimizer, steps, seed=0):
    generator = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        optimizer.zero_grad()
        network(torch.randn(8, 5, generator=generator)).square().sum().backward()
        optimizer.step()


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_is_adam_to_the_bit():
    lean, adam = make_network(), make_network()
    train(lean, LeanAdam(groups(lean), lr=0.01, eps=1e-4), 20)
    train(adam, torch.optim.Adam(groups(adam), lr=0.01, eps=1e-4, fused=True), 20)
    assert same(lean, adam)


def test_goes_on_from_its_state():
    whole, part = make_network(), make_network()
    optimizer = LeanAdam(groups(whole), lr=0.01)
    train(whole, optimizer, 5)
    part.load_state_dict(whole.state_dict())
    resumed = LeanAdam(groups(part), lr=0.01)
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    train(whole, optimizer, 5, seed=1)
    train(part, resumed, 5, seed=1)
    assert same(whole, part)


def test_torchs_adam_goes_on_from_its_state():
    whole, part = make_network(), make_network()
    optimizer = LeanAdam(groups(whole), lr=0.01)
    train(whole, optimizer, 5)
    part.load_state_dict(whole.state_dict())
    resumed = torch.optim.Adam(groups(part), lr=0.01, fused=True)
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    train(whole, optimizer, 5, seed=1)
    train(part, resumed, 5, seed=1)
    assert same(whole, part)


def test_a_group_without_gradients_waits():
    lean, adam = make_network(), make_network()
    for network, optimizer in (
        (lean, LeanAdam(groups(lean), lr=0.01)),
        (adam, torch.optim.Adam(groups(adam), lr=0.01, fused=True)),
    ):
        for step in range(9):
            optimizer.zero_grad()
            last = network[2] if step % 3 == 2 else network
            size = 7 if step % 3 == 2 else 5
            last(torch.ones(4, size)).sum().backward()
            optimizer.step()
    assert same(lean, adam)


def test_a_group_that_joins_late_counts_its_own_steps():
    lean, adam = make_network(), make_network()
    for network, optimizer in (
        (lean, LeanAdam(groups(lean), lr=0.01)),
        (adam, torch.optim.Adam(groups(adam), lr=0.01, fused=True)),
    ):
        for step in range(12):
            optimizer.zero_grad()
            part, size = (network[2], 7) if step < 5 else (network, 5)
            part(torch.ones(4, size)).sum().backward()
            optimizer.step()
        counts = {number: int(state["step"]) for number, state in optimizer.state_dict()["state"].items()}
        assert counts == {0: 7, 1: 7, 2: 12, 3: 12}
    assert same(lean, adam)


def test_follows_a_changed_learning_rate():
    network = make_network()
    optimizer = LeanAdam(network.parameters(), lr=0.01)
    train(network, optimizer, 2)
    before = copy.deepcopy(network)
    optimizer.param_groups[0]["lr"] = 0.0
    train(network, optimizer, 3)
    assert same(network, before)


def test_refuses_a_closure():
    with pytest.raises(NotImplementedError):
        LeanAdam(make_network().parameters()).step(lambda: 0.0)


def test_decoupled_decay_is_adamw_to_the_bit():
    lean, adamw = make_network(), make_network()
    train(lean, LeanAdam(groups(lean), lr=0.01, eps=1e-4, weight_decay=0.5, decoupled=True), 20)
    train(adamw, torch.optim.AdamW(groups(adamw), lr=0.01, eps=1e-4, weight_decay=0.5, fused=True), 20)
    assert same(lean, adamw)
