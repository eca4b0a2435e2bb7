from types import SimpleNamespace

import torch

from diiqn_lightning.callbacks.metrics import TrainingMetrics


class Rows:
    """A logger that keeps what it is given."""

    def __init__(self):
        self.rows = []

    def log_metrics(self, row, step):
        self.rows.append(row)


def make_trainer(frames):
    stream = SimpleNamespace(recent_returns=[], recent_lengths=[], episodes=0, frames=frames)
    return SimpleNamespace(
        datamodule=SimpleNamespace(frames=frames, stream=stream),
        world_size=1,
        callbacks=[],
        loggers=[Rows()],
        lightning_module=SimpleNamespace(exploration_rate=lambda frames: 0.1),
        optimizers=[SimpleNamespace(param_groups=[{"lr": 0.1}])],
    )


def follow(metrics, trainer, *outputs):
    for output in outputs:
        metrics.on_train_batch_end(
            trainer, None, {name: torch.tensor(value) for name, value in output.items()}, None, 0
        )


def test_what_fades_within_a_row_is_a_mean_of_the_batches_that_had_it():
    metrics, trainer = TrainingMetrics(), make_trainer(frames=10)
    metrics._next_row = 100
    follow(metrics, trainer, {"loss": 1.0, "expert/loss": 4.0}, {"loss": 2.0, "expert/loss": 6.0})
    resumed = TrainingMetrics()
    resumed.load_rank_state(metrics.rank_state())
    trainer = make_trainer(frames=100)
    follow(resumed, trainer, {"loss": 6.0})
    (row,) = trainer.loggers[0].rows
    assert (row["train/loss"], row["expert/loss"]) == (3.0, 5.0)


def test_the_first_update_after_many_frames_is_one_row():
    metrics, trainer = TrainingMetrics(every_n_frames=50), make_trainer(frames=0)
    metrics.on_train_start(trainer, None)
    for frames in (104, 108, 148, 152):
        trainer.datamodule.frames = trainer.datamodule.stream.frames = frames
        follow(metrics, trainer, {"loss": 1.0})
    assert [row["frames"] for row in trainer.loggers[0].rows] == [104, 152]


def test_a_checkpoint_with_one_number_of_samples_for_all_goes_on():
    metrics, trainer = TrainingMetrics(), make_trainer(frames=5_000)
    metrics.load_rank_state({"sums": {"train/loss": torch.tensor(3.0)}, "samples": 2, "next_row": 5_000})
    follow(metrics, trainer, {"loss": 6.0})
    assert trainer.loggers[0].rows[0]["train/loss"] == 3.0
