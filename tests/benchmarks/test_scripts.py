"""Each script measures what it says, at sizes of no meaning."""

import json
import re
import sys
from importlib import import_module
from pathlib import Path

import pytest

QUICK = {
    "environments": "--rounds=1 --envs MinAtar/Breakout-v1 --num_envs 2 --workers 0 1 --seconds=0.01",
    "replay": "--rounds=1 --capacity=100 --seconds=0.001",
    "updates": "--rounds=1 --configs dqn --batches 32 256 --seconds=0.01",
}


def run(monkeypatch, tmp_path, script, options):
    """What it writes."""
    out = tmp_path / "out.json"
    monkeypatch.setattr(sys, "argv", [script, *options.split(), f"--out={out}"])
    code = import_module(f"benchmarks.{script}").main()
    return code, json.loads(out.read_text())


@pytest.mark.parametrize(("script", "fields"), [
    ("environments", {"env", "doing", "environments", "workers"}),
    ("replay", {"buffer", "prioritized", "operation", "transitions"}),
    ("updates", {"config", "batch", "microseconds_per_transition"}),
])  # fmt: skip
def test_tables(monkeypatch, tmp_path, script, fields):
    _, written = run(monkeypatch, tmp_path, script, QUICK[script])
    assert written["rows"]
    assert all(fields <= row.keys() and row["median"] > 0 for row in written["rows"])


def test_a_clone_takes_the_actions_that_it_was_taught(monkeypatch, tmp_path):
    quick = "--games breakout --seeds 0 --shares 0.02 --episodes 1 --passes"
    _, hardly = run(monkeypatch, tmp_path, "cloning", f"{quick} 1")
    _, well = run(monkeypatch, tmp_path, "cloning", f"{quick} 200")
    (before,), (after,) = hardly["runs"], well["runs"]
    assert before["transitions"] == after["transitions"] < 600
    assert before["agreement_seen"] < 0.6 < 0.9 < after["agreement_seen"]
    assert after["agreement_held_out"] < after["agreement_seen"]


def test_start_up(monkeypatch, tmp_path):
    from benchmarks import start_up

    asked, code = start_up.QUESTIONS["an unknown verb"]
    assert start_up.seconds([sys.executable, "-m", "diiqn_lightning", *asked], code) > 0
    assert not start_up.imports_torch(asked)


def test_a_gpu_that_is_not_there_is_told_by_a_sentence_and_an_exit_code(monkeypatch, tmp_path, capsys):
    from benchmarks import gpu
    from benchmarks.all import NO_DEVICE

    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr(sys, "argv", ["gpu", f"--out={tmp_path / 'gpu.json'}"])
    assert gpu.main() == NO_DEVICE
    assert capsys.readouterr().err.count(".") == 1
    assert not list(tmp_path.iterdir())


def test_the_gpus_script_goes_its_way_without_one(monkeypatch, tmp_path):
    fit = "--expert_transitions=500 --action_inference.relabel_every_n_frames=32"
    options = ["--device=cpu", "--configs", "diiqn", "--batches", "32", "--variants", "eager", "--frames=0"]
    out = tmp_path / "gpu.json"
    monkeypatch.setattr(sys, "argv", ["gpu", *options, f"--options={fit}", "--rounds=1", "--seconds=0", f"--out={out}"])
    assert import_module("benchmarks.gpu").main() == 0
    written = json.loads(out.read_text())
    quantities = {row["quantity"] for row in written["checks"]}
    assert {"outputs", "losses", "update", "label_actions", "neighbour_distances"} <= quantities
    assert written["updates"][0]["median"] > 0
    assert "| diiqn | 32 | eager |" in out.with_suffix(".md").read_text()


def test_a_device_that_computes_something_else_fails_the_checks(monkeypatch):
    from benchmarks import gpu_checks

    learn = gpu_checks._learn

    def wrong(run, batch, variant):
        seen = learn(run, batch, variant)
        return {**seen, "losses": seen["losses"] * 1.01} if variant == "wrong" else seen

    monkeypatch.setattr(gpu_checks, "_learn", wrong)
    found = gpu_checks.compare("dqn", "cpu", "wrong")
    assert found["losses"] > gpu_checks.TOLERANCES["losses"]
    assert found["update"] == 0


def test_memory_of_a_run(tmp_path):
    from benchmarks.memory import measure

    sizes = ["--data.learning_starts=1024", "--data.replay_capacity=1024", "--max_frames=1088"]
    run = ["fit", "--config=configs/dqn.yaml", *sizes, f"--run_dir={tmp_path / 'run'}", "--video=null"]
    run += ["--data.evaluation.episodes=1", "--trainer.callbacks+=benchmarks.memory.Stages"]
    found = measure(run)
    stages = found["beyond_imports_megabytes"]
    assert {"built", "replay_full", "trained", "with_the_last_checkpoint_peak"} <= stages.keys()
    assert stages["trained_peak"] >= stages["trained"] - 1
    replay = [each for each in found["tensors"]["listed"] if each["shape"] == [1024, 10, 10, 4]]
    assert replay[0]["megabytes"] == pytest.approx(replay[0]["tensors"] * 1024 * 400 / 2**20, abs=0.1)
    assert replay[0]["megabytes_as_bits"] == pytest.approx(replay[0]["megabytes"] / 8, abs=0.1)


def test_an_expert_of_random_play_is_one_to_learn_from(tmp_path):
    from benchmarks.random_expert import random_expert
    from diiqn_lightning.experts import files

    random_expert("MinAtar/Breakout-v1", 300, path := tmp_path / "random.expert")
    dataset = files.load(path)
    assert dataset.states.num_transitions >= 300
    assert dataset.labels is None
    dataset.check_fits((10, 10, 4), "bool", "MinAtar/Breakout-v1")


def test_every_benchmark_of_the_list_can_be_called(tmp_path):
    from benchmarks.all import BENCHMARKS, WITH_PRESET, command_of

    for name in BENCHMARKS:
        module, *options = command_of(name, tmp_path, quick=True)
        assert hasattr(import_module(module), "main")
        assert options[-1] == f"--out={tmp_path / name}.json"
    assert command_of("updates", tmp_path, preset=["trainer/fast"])[-1].endswith("updates_fast.json")
    assert set(WITH_PRESET) <= set(BENCHMARKS)


def test_the_page_tells_of_every_script():
    folder = Path(import_module("benchmarks").__file__).parent
    page = (folder / "README.md").read_text()
    scripts = [path.stem for path in folder.rglob("*.py") if 'if __name__ == "__main__"' in path.read_text()]
    assert len(scripts) > 10
    assert [name for name in scripts if name not in page] == []


def test_the_pages_commands_are_understood(monkeypatch, capsys):
    page = (Path(import_module("benchmarks").__file__).parent / "README.md").read_text()
    shown = {tuple(command.split()) for command in re.findall(r"python -m (benchmarks\.[^`#\n]*)", page)}
    for script, *options in shown:
        source = (Path(*script.split(".")).with_suffix(".py")).read_text()
        for option in options:
            assert not option.startswith("--") or option == "--out" or f'"{option}"' in source, (script, option)
