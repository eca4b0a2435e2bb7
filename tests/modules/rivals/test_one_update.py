import pytest
import torch
from torch.testing import assert_close

from diiqn_lightning.modules import BCO, DAI, GAIfO
from diiqn_lightning.modules.labelling import LabellerSettings
from diiqn_lightning.modules.rivals.cloning import CloneSettings
from diiqn_lightning.modules.rivals.discriminator import DiscriminatorSettings

LEARNERS = {
    GAIfO: {"discriminator": DiscriminatorSettings(hidden=[8], gradient_penalty=1.0)},
    BCO: {"labeller": LabellerSettings(hidden=[8])},
    DAI: {"labeller": LabellerSettings(hidden=[8]), "clone": CloneSettings()},
}


@pytest.mark.parametrize("kind", LEARNERS)
def test_an_update_alone_teaches_what_a_batch_of_it_alone_teaches(kind, batch, stepper):
    losses = []
    for part in (batch[0], batch[:1]):  # as large updates come, and as a part of several would
        torch.manual_seed(0)
        module = kind((2,), 2, **LEARNERS[kind])
        stepper(module)
        losses.append({name: loss.flatten() for name, loss in module.batch_losses(part).items()})
    assert any(name.startswith("loss") for name in losses[0])
    assert_close(*losses)
