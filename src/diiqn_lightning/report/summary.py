"""What is written when a run is finished."""

import platform
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from diiqn_lightning.callbacks.expert_data import ExpertData
from diiqn_lightning.callbacks.metrics import TrainingMetrics
from diiqn_lightning.envs import Evaluation
from diiqn_lightning.report.curve import draw_curve
from diiqn_lightning.report.revision import git_revision
from diiqn_lightning.report.run_folder import RunFolder

PACKAGES = ("diiqn-lightning", "torch", "torchrl", "tensordict", "lightning", "gymnasium", "minatar", "numpy")


def summarise(trainer: Any, facts: dict[str, Any]) -> dict[str, Any]:
    """The content of ``summary.json``.

    Args:
        trainer: of the finished run.
        facts: algorithm, environment, env_id, seed, command, and the revision that the run started with.
    """
    data, module = trainer.datamodule, trainer.lightning_module
    metrics = next(c for c in trainer.callbacks if isinstance(c, TrainingMetrics))
    expert = next((c.summary() for c in trainer.callbacks if isinstance(c, ExpertData)), None)
    return {
        **facts,
        "frames": data.frames,
        "updates": module.updates,
        "replay_ratio": data.replay_ratio * trainer.world_size,
        "seconds": round(metrics.seconds, 2),
        "frames_per_second": round(metrics.timed_frames / metrics.seconds, 1) if metrics.seconds else None,
        "eval": _evaluated(metrics.latest, data.evaluation),
        "train_return": metrics.latest.get("train/return"),
        "random_return": random_return(data),
        "expert": expert,
        "versions": {name: version(name) for name in PACKAGES},
    }


def _evaluated(metrics: Mapping[str, Any], settings: Any) -> dict[str, Any]:
    """Returns of the greedy policy and at ε, from metrics of those names."""
    return {
        name: {
            "mean": _number(metrics.get(f"eval/return{suffix}")),
            "standard_error": _number(metrics.get(f"eval/return_standard_error{suffix}")),
            "episodes": settings.episodes,
            "epsilon": epsilon,
        }
        for name, suffix, epsilon in (("greedy", "_greedy", 0.0), ("epsilon", "", settings.epsilon))
    }


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def keep_test(checkpoint: Path, frames: int, trainer: Any) -> str | None:
    """Write what ``test`` measured into the folder of the finished run whose checkpoint it played.

    Args:
        checkpoint: ``RUN/checkpoints/NAME/model.ckpt``.
        frames: of the checkpoint.
        trainer: that has played.

    Returns:
        What to tell the user; nothing where the checkpoint lies in no folder of a finished run.
    """
    folder = RunFolder(checkpoint.absolute().parent.parent.parent)
    if not folder.summary.exists():
        return None
    data = trainer.datamodule
    try:
        folder.write_test({"frames": frames, "eval": _evaluated(trainer.callback_metrics, data.evaluation)})
    except OSError as failure:  # the episodes were played, and the user sees what they returned
        return f"warning: {folder.test} could not be written ({failure.strerror})."
    return f"kept in {folder.test}"


def provenance(command: str, expert: dict[str, Any] | None, ranks: int) -> dict[str, Any]:
    """What it takes to repeat a run, beside its ``config.yaml``.

    Args:
        command: the command line.
        expert: name and content hash of the dataset.
        ranks: number of processes.
    """
    machine = {"python": platform.python_version(), "system": platform.platform()}
    devices = [torch.cuda.get_device_name(device) for device in range(torch.cuda.device_count())]
    return {
        "command": command,
        "git_revision": git_revision(),
        "versions": {name: version(name) for name in PACKAGES},
        "expert": expert,
        "processes": ranks,
        "machine": {**machine, "gpus": devices},
    }


def random_return(data: Any) -> float:
    """Mean return of uniformly random actions, over as many episodes as an evaluation has."""
    evaluation = Evaluation(
        "random",
        data.env,
        episodes=range(data.evaluation.episodes),
        epsilon=1.0,
        seed=data.seed,
        max_episode_steps=data.evaluation.max_episode_steps,
        env_kwargs=data.env_kwargs,
    )
    return evaluation.play(lambda observation: torch.zeros(len(observation), dtype=torch.int64)).mean


def finish_run(folder: RunFolder, facts: dict[str, Any], trainer: Any) -> str:
    """Write ``summary.json`` and ``curve.png``.

    Returns:
        What to tell the user: where everything is, and the returns side by side.
    """
    summary = summarise(trainer, facts)
    folder.write_summary(summary)
    expert = summary["expert"]
    lines = {"random agent": summary["random_return"]}
    if expert and expert["return"] is not None:
        lines = {f"expert {expert['name']}": expert["return"], **lines}
    if folder.metrics.exists():
        try:
            draw_curve(folder, summary, lines)
        except OSError as failure:  # the run is finished, whether or not there is room for a picture
            print(f"warning: {folder.curve} could not be written ({failure.strerror}).", file=sys.stderr, flush=True)
    rows = [(f"{summary['algorithm']}, ε = {part['epsilon']}", part["mean"]) for part in summary["eval"].values()]
    rows += list(lines.items())
    width = max(len(label) for label, _ in rows)
    table = "\n".join(f"  {label:{width}}  {value:8.2f}" for label, value in rows if value is not None)
    speed = summary["frames_per_second"]
    return (
        f"\n{summary['frames']:,} frames of {summary['environment']}"
        f"{f' at {speed:,.0f} frames/s' if speed else ''}; mean return of an episode:\n{table}\n"
        f"run folder  {folder.path}\ncurve       {folder.curve}\ncheckpoint  {folder.last_checkpoint}"
    )


def evaluation_table(trainer: Any) -> str:
    """What ``validate`` and ``test`` print: return, standard error and length of the episodes, greedy and not."""
    metrics, settings = trainer.callback_metrics, trainer.datamodule.evaluation
    lines = [f"{'':18}{'eval/return':>12} {'± s.e.':>8} {'frames':>8}   ({settings.episodes} episodes each)"]
    for label, suffix in (("greedy", "_greedy"), (f"ε = {settings.epsilon}", "")):
        mean, error, length = (
            float(metrics[f"eval/{name}{suffix}"]) for name in ("return", "return_standard_error", "episode_length")
        )
        lines.append(f"{label:18}{mean:12.2f} {error:8.2f} {length:8.0f}")
    return "\n".join(lines)
