"""What happens to a run when the machine fails it."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import time

import pytest
import torch

from diiqn_lightning.callbacks.manifest import read_manifest
from diiqn_lightning.report.run_folder import RunFolder
from tests.cli.conftest import CORRIDOR
from tests.cli.test_training import CONFIGS, CORRIDOR_PROCESS, fit, metrics

pytestmark = pytest.mark.own_processes


def limited(arguments, largest_file, script):
    """A run whose files must not become larger: the system refuses to write on, as on a full disk."""
    script.write_text(f"import sys; sys.path.insert(0, {str(CONFIGS.parent)!r})\n{CORRIDOR_PROCESS}")

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

    return subprocess.run(
        [sys.executable, script, *map(str, arguments)],
        preexec_fn=limit, capture_output=True, text=True, timeout=200, cwd=CONFIGS.parent,
        env={name: value for name, value in os.environ.items() if name != "DIIQN_LIGHTNING_RUN_DIR"},
    )  # fmt: skip


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_full_disk_leaves_the_checkpoint_before_whole_and_the_run_going(ranks, tmp_path):
    # The replay grows: later checkpoints are larger than the first ones, and than the limit.
    several = [f"--trainer.devices={ranks}", "--trainer.accelerator=cpu"]
    wide = ["--model.hidden=[8]", "--data.evaluation.episodes=2", *several]
    arguments = fit("dqn", tmp_path / "run", *CORRIDOR, *wide, "--video=null", frames=2000 * ranks)
    done = limited(arguments, 60_000, tmp_path / "corridor.py")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("could not be written") >= 1
    assert "Traceback" not in done.stderr
    manifest = read_manifest(tmp_path / "run" / "checkpoints" / "last")
    assert 100 < manifest["frames"] < 2000 * ranks
    assert not list((tmp_path / "run" / "checkpoints").glob(".*.partial"))
    assert [row["frames"] for row in metrics(tmp_path / "run")][-1] == str(2000 * ranks)


FAULTS = {
    "raises": [
        "RuntimeError: the corridor has collapsed (line ",
        "conftest.py",
        "ckpt_path",
    ],
    "nan": ["an environment that returned an observation of NaN or infinity"],
    "shape": ["an environment that raised", "--ckpt_path last"],
    "one": ["an environment that raised", "--ckpt_path last"],
}


@pytest.mark.parametrize(
    "workers", [["--data.workers=0"], ["--data.workers=2"], ["--data.workers=2", "--data.overlap=true"]], ids=" ".join
)
@pytest.mark.parametrize("on_reset", ["false", "true"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_environment_is_named_and_what_was_saved_stays(fault, on_reset, workers, run, tmp_path):
    kwargs = f"{{fault: {fault}, on_reset: {on_reset}}}"
    faulty = ["--data.env=Faulty-v0", f"--data.env_kwargs={kwargs}", "--data.num_envs=4", "--video=null"]
    faulty += workers
    code, _, complaint = run(*fit("dqn", tmp_path / "run", *faulty, "--data.frames_per_epoch=1000", frames=1000))
    assert code == 2
    assert "data.env is" in complaint
    for part in FAULTS[fault]:
        assert part in complaint
    assert len(complaint.strip().splitlines()) == 1
    assert 100 < read_manifest(tmp_path / "run" / "checkpoints" / "last")["frames"] <= 400


def test_an_environment_that_fails_in_an_evaluation_is_named(run, tmp_path):
    # So many environments are stepped ten times each; those of an evaluation play whole episodes.
    faulty = ["--data.env=Faulty-v0", "--data.env_kwargs={fault: raises, after: 12}", "--data.num_envs=64"]
    code, _, complaint = run(*fit("dqn", tmp_path / "run", *faulty, "--video=null", frames=600))
    assert code == 2
    assert "an environment that raised RuntimeError: the corridor has collapsed" in complaint
    assert len(complaint.strip().splitlines()) == 1


def test_a_run_folder_that_is_gone_in_mid_run_ends_in_a_sentence(run, tmp_path, monkeypatch):
    written = RunFolder.write_summary

    def gone(folder, summary):
        shutil.rmtree(folder.path)
        written(folder, summary)

    monkeypatch.setattr(RunFolder, "write_summary", gone)
    code, _, complaint = run(*fit("dqn", tmp_path / "run", *CORRIDOR, "--video=null"))
    assert code == 2
    assert "choose a place that can be written" in complaint
    assert len(complaint.strip().splitlines()) == 1


@pytest.mark.parametrize("overlap", ["false", "true"])
def test_a_hanging_environment_ends_the_run_in_time(overlap, run, tmp_path):
    hanging = ["--data.env=Faulty-v0", "--data.env_kwargs={fault: hangs}", "--data.num_envs=4", "--video=null"]
    patience = ["--data.workers=2", "--data.worker_timeout=1", "--data.frames_per_epoch=1000"]
    patience.append(f"--data.overlap={overlap}")
    began = time.monotonic()
    code, _, complaint = run(*fit("dqn", tmp_path / "run", *hanging, *patience, frames=1000))
    assert code == 2
    assert "environments 0 to 1 have not answered within 1 s" in complaint
    assert time.monotonic() - began < 40
    assert read_manifest(tmp_path / "run" / "checkpoints" / "last")["frames"] > 100


def test_a_dying_worker_ends_the_run(run, tmp_path):
    dying = ["--data.env=Faulty-v0", "--data.env_kwargs={fault: dies}", "--data.num_envs=4", "--video=null"]
    more = ["--data.workers=2", "--data.frames_per_epoch=1000"]
    code, _, complaint = run(*fit("dqn", tmp_path / "run", *dying, *more, frames=1000))
    assert code == 2
    assert "a worker process died (exit code -9)" in complaint
    assert read_manifest(tmp_path / "run" / "checkpoints" / "last")["frames"] > 100


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_what_made_it_so(run, tmp_path):
    steep = ["--model.optimizer.init_args.lr=1e30", "--video=null"]
    code, _, complaint = run(*fit("dqn", tmp_path / "run", *CORRIDOR, *steep, frames=2000))
    assert code == 2
    assert "train/loss is" in complaint
    assert "lower model.optimizer.lr" in complaint
    dump = torch.load(tmp_path / "run" / "not-a-number-0.pt", weights_only=True)
    assert f"update {dump['updates']}." in complaint
    assert dump["batch"]["action"].shape[1] == 32
    last = tmp_path / "run" / "checkpoints" / "last"
    if last.exists():  # of before
        weights = torch.load(last / "model.ckpt", weights_only=True)["state_dict"]
        assert all(bool(torch.isfinite(weight).all()) for weight in weights.values())


IMPATIENT = """
import sys
from datetime import timedelta
from diiqn_lightning.modules import averaging
averaging.PATIENCE, averaging.GRACE = timedelta(seconds=20), 1.0
from diiqn_lightning.__main__ import main
sys.exit(main(sys.argv[1:]))
"""
"""The command line with processes that wait for each other for 20 s and not for ten minutes."""


@pytest.mark.parametrize(("victim", "fault"), [(1, signal.SIGKILL), (0, signal.SIGKILL), (1, signal.SIGSTOP)])
def test_a_rank_that_dies_or_hangs_takes_the_others_with_it_and_the_run_resumes(victim, fault, tmp_path):
    arguments = fit(
        "dqn", tmp_path / "run", "--data.num_envs=4", "--trainer.devices=2", "--trainer.accelerator=cpu",
        "--video=null", "--data.frames_per_epoch=100000", frames=90_000,
    )  # fmt: skip
    (tmp_path / "impatient.py").write_text(IMPATIENT)
    command = [sys.executable, tmp_path / "impatient.py", *map(str, arguments)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=CONFIGS.parent, start_new_session=True,
        env=os.environ | {"PYTHONPATH": str(CONFIGS.parent / "src")},
    )  # fmt: skip
    wait_for(lambda: (tmp_path / "run" / "checkpoints" / "last").exists(), process)
    (other,) = children_of(process.pid, "impatient.py")
    os.kill([process.pid, other][victim], fault)
    began = time.monotonic()
    _, complaint = process.communicate(timeout=120)  # both have let go of the pipes
    assert time.monotonic() - began < 60
    assert has_ended(other)
    # Lightning's launcher looks every few seconds for dead processes and kills the others: it may have been first.
    assert process.returncode == 1 or process.returncode == -signal.SIGKILL
    said = "Another process of the run has ended or does not answer" in complaint
    assert said or (victim, fault, process.returncode) == (1, signal.SIGKILL, -signal.SIGKILL)
    assert "Traceback" not in complaint
    frames = read_manifest(tmp_path / "run" / "checkpoints" / "last")["frames"]
    arguments[arguments.index("--max_frames=90000")] = f"--max_frames={frames + 400}"
    done = subprocess.run(
        [sys.executable, "-m", "diiqn_lightning", *map(str, arguments), "--ckpt_path=last"],
        capture_output=True, text=True, timeout=200, cwd=CONFIGS.parent,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def wait_for(condition, process, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.05)


def children_of(pid, name="diiqn_lightning"):
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=True)
    pythons = [int(line) for line in listed.stdout.split()]
    return [child for child in pythons if name in command_line(child)]


def has_ended(pid):
    listed = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return listed.stdout.strip()[:1] in ("", "Z")  # nobody may have asked yet how it ended


def command_line(pid):
    listed = subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, text=True)
    return listed.stdout
