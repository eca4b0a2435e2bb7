"""A batch of two updates with an expert beside the agent, in a world of numbers."""

from types import SimpleNamespace

import pytest
import torch
from tensordict import TensorDict

from diiqn_lightning import keys


@pytest.fixture
def batch():
    """``[U=2, B=4]``: the agent is in states (0, x), the expert in states (1, x); actions are x > ½."""
    generator = torch.Generator().manual_seed(0)

    def states(first):
        return torch.stack([torch.full((2, 4), first), torch.rand(2, 4, generator=generator)], -1)

    agent, expert = (
        {"observation": states(first), "next_observation": states(first), "terminated": torch.zeros(2, 4).bool()}
        for first in (0.0, 1.0)
    )
    return TensorDict(
        {
            keys.OBSERVATION: agent["observation"],
            keys.ACTION: (agent["observation"][..., 1] > 0.5).long(),
            keys.PRIORITY_WEIGHT: torch.ones(2, 4),
            "next": TensorDict(
                {
                    "observation": agent["next_observation"],
                    "reward": torch.full((2, 4), 2.0),
                    "terminated": agent["terminated"],
                },
                [2, 4],
            ),
            keys.EXPERT: TensorDict(
                {
                    **expert,
                    "action": (expert["observation"][..., 1] > 0.5).long(),
                    "valid": torch.ones(2, 4).bool(),
                },
                [2, 4],
            ),
        },
        [2, 4],
    )


class Stepper:
    """Stands where the trainer would: gives a module its optimizer and its frames."""

    def __init__(self, module, frames=0):
        self.module, self.optimizer = module, module.configure_optimizers()
        self.stream = SimpleNamespace(
            frames=frames,
            episodes=0,
            recent_returns=[],
            recent_lengths=[],
            running_lengths=torch.zeros(3, dtype=torch.int64),
        )
        module._trainer = SimpleNamespace(datamodule=SimpleNamespace(stream=self.stream), world_size=1)
        module.optimizers = lambda use_pl_optimizer=False: self.optimizer
        module.manual_backward = lambda loss: loss.backward()

    def step(self, batch):
        self.batch = batch.clone()
        return self.module.training_step(self.batch, 0)


@pytest.fixture
def stepper():
    """Builds one."""
    return Stepper
