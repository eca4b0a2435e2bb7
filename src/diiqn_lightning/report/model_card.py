"""The model card of an exported policy, in the format of the Hugging Face Hub: measured numbers only."""

from pathlib import Path
from typing import Any

import yaml

from diiqn_lightning.callbacks.manifest import read_manifest
from diiqn_lightning.envs import make_gym_env
from diiqn_lightning.errors import InputError
from diiqn_lightning.modules import BCO, DIIQN
from diiqn_lightning.report.exported import INPUT, ONNX, OPSET, PROGRAM, Comparison
from diiqn_lightning.report.ledger import without_place, without_places
from diiqn_lightning.report.run_folder import RunFolder

PERSONAL = ("run_dir", "wandb", "ckpt_path")
"""Of a configuration: where and for whom it ran. They stay at home."""

TYPES = {"bool": "np.bool_", "uint8": "np.uint8", "float32": "np.float32"}


def shared_config(checkpoint: Path) -> str:
    """A run's configuration that others can run: without folders and accounts of this machine.

    Args:
        checkpoint: folder of a checkpoint.
    """
    config = yaml.safe_load(RunFolder(checkpoint.resolve().parent.parent).config.read_text())
    config |= {name: None for name in PERSONAL if name in config}
    if isinstance(config.get("expert"), str):
        config["expert"] = without_place(config["expert"])
    return yaml.safe_dump(config, sort_keys=False)


class ModelCard:
    """What a card says before the files are there: so a summary that cannot be read is refused before any work.

    Args:
        checkpoint: folder of the checkpoint; numbers are those of its run's ``summary.json``, if that was written
            after the same update.
        module: the trained module.
        data: the run's data module.

    Raises:
        InputError: for a summary that lacks what a finished run writes.
    """

    def __init__(self, checkpoint: Path, module: Any, data: Any) -> None:
        self._module, self._data, self._algorithm = module, data, type(module).__name__
        manifest, folder = read_manifest(checkpoint), RunFolder(checkpoint.resolve().parent.parent)
        summary = folder.read_summary() if folder.summary.exists() else None
        try:
            if summary is not None and summary["updates"] != manifest["updates"]:
                summary = None  # of an earlier or later state of the agent
            front = _front_matter(self._algorithm, data.env, summary)
            self._front = yaml.safe_dump(front, sort_keys=False, allow_unicode=True)
            self._results = _results(self._algorithm, summary)
            self._training = _training(manifest, data, summary)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError("summary.json", str(folder.summary), f"it is not a finished run's (no {error})") from error

    def text(self, comparison: Comparison) -> str:
        """Front matter and text of ``README.md``.

        Args:
            comparison: of the files with the module.
        """
        return (
            f"---\n{self._front}---\n\n# {self._algorithm} on {self._data.env}\n\n"
            f"The greedy policy of a {self._algorithm} agent, trained with diiqn-lightning on `{self._data.env}`.\n\n"
            f"## Results\n\n{self._results}\n\n## Training\n\n{self._training}\n\n"
            f"## Use\n\n{_use(self._module, self._data)}\n\n## What was checked\n\n{_checked(comparison)}\n"
        )


def _front_matter(algorithm: str, env_id: str, summary: dict[str, Any] | None) -> dict[str, Any]:
    tags = ["reinforcement-learning", "deep-reinforcement-learning", algorithm.lower(), env_id, "onnx"]
    if summary is not None and summary["expert"]:
        tags[2:2] = ["imitation-learning", "learning-from-observation"]
    front: dict[str, Any] = {"library_name": "diiqn-lightning", "pipeline_tag": "reinforcement-learning", "tags": tags}
    if summary is not None:
        task = {"type": "reinforcement-learning", "name": "reinforcement-learning"}
        front["model-index"] = [
            {
                "name": f"{summary['algorithm']}-{summary['environment']}",
                "results": [
                    {"task": task, "dataset": {"name": env_id, "type": env_id}, "metrics": _metrics(summary["eval"])}
                ],
            }
        ]
    return front


def _metrics(evaluations: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": kind, "value": round(float(part[field]), 4), "name": f"{words}, ε = {part['epsilon']:g}"}
        for part in evaluations.values()
        if part["mean"] is not None
        for kind, field, words in (
            ("mean_reward", "mean", f"mean return of {part['episodes']} episodes"),
            ("standard_error", "standard_error", "standard error of the mean return"),
        )
    ]


def _results(algorithm: str, summary: dict[str, Any] | None) -> str:
    if summary is None:
        return "This checkpoint was not evaluated: it is not the state in which its run ended."
    rows = ["| policy | mean return | standard error | episodes |", "|---|---|---|---|"]
    rows += [
        f"| {algorithm}, ε = {part['epsilon']:g} | {part['mean']:.2f} | {part['standard_error']:.2f} "
        f"| {part['episodes']} |"
        for part in summary["eval"].values()
        if part["mean"] is not None
    ]
    if len(rows) == 2:
        return "This run was never evaluated."
    rows.append(f"| random actions | {summary['random_return']:.2f} | – | {summary['eval']['greedy']['episodes']} |")
    expert = summary["expert"]
    if expert and expert["return"] is not None:
        rows.append(f"| the expert, {expert['name']} (its dataset) | {expert['return']:.2f} | – | – |")
    rows.append("\nOf one run with one seed: other seeds end elsewhere.")
    return "\n".join(rows)


def _training(manifest: dict[str, Any], data: Any, summary: dict[str, Any] | None) -> str:
    lines = [
        f"- environment frames: {manifest['frames']:,}",
        f"- updates: {manifest['updates']:,}, replay ratio {data.replay_ratio * manifest['ranks']:g}",
        f"- seed: {data.seed}",
    ]
    if summary is not None:
        expert = summary["expert"]
        learned = f"{expert['name']}, {expert['transitions']:,} transitions, states alone" if expert else "none"
        versions = ", ".join(f"{name} {number}" for name, number in summary["versions"].items())
        lines += [
            f"- expert: {learned}" + (f" (SHA-256 {expert['hash']})" if expert else ""),
            f"- versions: {versions}",
            f"- source: {summary['git_revision'] or 'not a checkout'}",
            f"\n```\n{without_places(summary['command'])}\n```",
        ]
    return "\n".join(lines) + "\n\nAll settings are in `config.yaml`."


def _use(module: Any, data: Any) -> str:
    shape, dtype = list(data.spec.observation_shape), data.spec.observation_dtype
    with make_gym_env(data.env, env_kwargs=data.env_kwargs) as env:
        own = env.unwrapped.observation_space
    same = own.shape == tuple(shape) and getattr(own.dtype, "name", None) == dtype
    how = "as the environment gives them"
    if not same:
        how = f"the environment's own `{own}` flattened (dictionaries in the order of their keys) to `{dtype}`"
    zeros = f"np.zeros([7, {', '.join(map(str, shape))}], {TYPES[dtype]})"
    return (
        f"Observations `[B, {', '.join(map(str, shape))}]` {dtype}, {how}, for any B. Returns actions `[B]` int64 and "
        f"`q_values` `[B, {data.num_actions}]` float32, {_values(module)}.\n\n"
        f"`{ONNX}` (opset {OPSET}):\n\n```python\nimport numpy as np\nimport onnxruntime\n\n"
        f'session = onnxruntime.InferenceSession("{ONNX}")\n'
        f'action, q_values = session.run(None, {{"{INPUT}": {zeros}}})\n```\n\n'
        f"`{PROGRAM}`:\n\n```python\nimport numpy as np\nimport torch\n\n"
        f'policy = torch.export.load("{PROGRAM}").module()\n'
        f"action, q_values = policy(torch.from_numpy({zeros}))\n```"
    )


def _values(module: Any) -> str:
    if isinstance(module, BCO):
        return "the policy's logits"
    if getattr(module, "environment_weight", 0):
        return "which predict the environment's reward and an imitation reward in one"
    if not module.sees_reward:
        return "which rank actions; the algorithm sees no reward of the environment, so that they predict no returns"
    if isinstance(module, DIIQN):
        return "which rank actions; the expert takes part in them, so that they need not predict returns"
    return "the Q-values"


def _checked(comparison: Comparison) -> str:
    found = "; ".join(
        f"`{name}`: {comparison.other_actions[name]} other actions, values within {value:.2g}"
        for name, value in comparison.difference.items()
    )
    return (
        f"Both files were read again and compared with the trained module on {comparison.states} states of the "
        f"environment, in batches of 1 and of 7. {found}."
    )
