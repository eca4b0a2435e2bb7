"""Two processes that each learn from other data, and write down where a batch took them: DIRECTORY WAY."""

import json
import sys
from pathlib import Path

import lightning
import torch
from torch import nn

from diiqn_lightning.modules import shared_memory
from diiqn_lightning.modules.averaging import FlatAveraging


class TwoParts(lightning.LightningModule):
    """The second part is in the loss of every other update only, as a labeller is."""

    def __init__(self):
        super().__init__()
        self.automatic_optimization = False
        self.first, self.second = nn.Parameter(torch.rand(3)), nn.Parameter(torch.rand(2, 2))

    def training_step(self, batch, batch_idx):
        start = [self.first.detach().clone(), self.second.detach().clone()]
        optimizer, slope = self.optimizers(), float(self.global_rank + 1)
        for update in range(2):
            loss = slope * self.first.sum()
            if update == 1:
                loss = loss + 10 * slope * self.second.sum()
            optimizer.zero_grad()
            self.manual_backward(loss)
            optimizer.step()
        moved = [(before - after).flatten().tolist() for before, after in zip(start, self.parameters(), strict=True)]
        result = {"start": [part.tolist() for part in start], "moved": moved}
        Path(sys.argv[1], f"{self.global_rank}-{batch_idx}.json").write_text(json.dumps(result))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=1.0)


if __name__ == "__main__":
    if sys.argv[2] == "sockets":
        shared_memory.MEMORY = Path("/nowhere")
    trainer = lightning.Trainer(
        accelerator="cpu", devices=2, strategy=FlatAveraging(), max_epochs=1, logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(TwoParts(), torch.utils.data.DataLoader(range(4)))
