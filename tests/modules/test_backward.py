import lightning
import pytest
import torch

from diiqn_lightning.cli.lightning_defaults import TRAINER_DEFAULTS
from diiqn_lightning.modules.backward import LeanBackward, is_plain_backward

pytestmark = pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning")  # Lightning's own, of torch's


class Module(LeanBackward):
    def __init__(self):
        super().__init__()
        self.automatic_optimization = False
        self.weight = torch.nn.Parameter(torch.tensor(2.0))
        self.plain = []

    def training_step(self, batch, batch_idx):
        optimizer = self.optimizers()
        optimizer.zero_grad()
        self.manual_backward((self.weight * batch.sum()).square())
        self.plain.append(self._has_plain_backward)
        self.gradient = float(self.weight.grad)
        optimizer.step()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.0)


class Listener(lightning.Callback):
    def __init__(self):
        self.heard = []

    def on_before_backward(self, trainer, pl_module, loss):
        self.heard.append(float(loss.detach()))

    def on_after_backward(self, trainer, pl_module):
        self.heard.append(float(pl_module.weight.grad))


class ListeningModule(Module):
    def on_after_backward(self):
        self.heard = float(self.weight.grad)


def make_trainer(callbacks=(), **options):
    return lightning.Trainer(
        **TRAINER_DEFAULTS,
        accelerator="cpu",
        max_steps=1,
        enable_checkpointing=False,
        callbacks=list(callbacks),
        **options,
    )


def fit(module, callbacks=()):
    make_trainer(callbacks).fit(module, torch.utils.data.DataLoader(torch.ones(1, 3), batch_size=None))
    return module


def test_nobody_listens():
    module = fit(Module(), [lightning.Callback()])
    assert module.plain == [True]
    assert module.gradient == 2 * 6 * 3


def test_a_callback_that_listens_hears():
    listener = Listener()
    module = fit(Module(), [listener])
    assert module.plain == [False]
    assert listener.heard == [36.0, 36.0]


def test_a_module_that_listens_hears():
    module = fit(ListeningModule())
    assert module.plain == [False]
    assert module.heard == 36.0


class OwnBackward(Module):
    def backward(self, loss, *args, **kwargs):
        (2 * loss).backward()


def test_a_module_with_a_backward_of_its_own_keeps_it():
    assert fit(OwnBackward()).gradient == 2 * 2 * 6 * 3


@pytest.mark.parametrize("options", [{}, {"precision": "bf16-mixed"}, {"strategy": "ddp"}])
def test_a_precision_or_a_strategy_that_has_a_part_in_it_keeps_it(options):
    trainer = make_trainer(**options)
    trainer.strategy.connect(Module())
    assert is_plain_backward(trainer) == (not options)
