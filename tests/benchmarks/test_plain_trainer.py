import json

import torch

from benchmarks.peers.bare_loop import frames_per_second
from benchmarks.plain_trainer import PlainTrainer
from diiqn_lightning import keys
from diiqn_lightning.__main__ import main

SHORT = ["--max_frames=1400", "--data.frames_per_epoch=1400", "--seed_everything=3"]


def test_a_bare_loop_learns_what_a_run_learns(tmp_path, capsys):
    settings = ["--config=configs/dqn.yaml", *SHORT]
    run = PlainTrainer(settings)
    for batch in run.batches():
        run.guide(batch)
        run.update(batch)
    folder = tmp_path / "run"
    assert main(["fit", *settings, f"--run_dir={folder}", "--video=null", "--data.evaluation.episodes=1"]) == 0
    saved = torch.load(folder / "checkpoints" / "last" / "model.ckpt", weights_only=True)["state_dict"]
    for name, weights in run.lightning_module.state_dict().items():
        assert torch.equal(weights, saved[name]), name
    assert run.datamodule.stream.updates == json.loads((folder / "summary.json").read_text())["updates"]


def test_a_bare_loop_of_diiqn_is_guided():
    labels = ["--expert_transitions=500", "--action_inference.relabel_every_n_frames=32"]
    run = PlainTrainer(["--config=configs/diiqn.yaml", *SHORT, *labels])
    for batch in run.batches():
        run.guide(batch)
        run.update(batch)
    assert batch.get(keys.EXPERT_VALID).all()


def test_a_bare_loop_counts_frames_after_the_warm_up():
    found = frames_per_second(["--config=configs/dqn.yaml", *SHORT])
    assert found["frames"] == 1408 - 1024  # whole chunks of 32 frames; the first batch comes with the 1,024th
    assert found["frames_per_second"] > 0
