"""What a resumed run must have in common with the one that its checkpoint is of."""

import json
from typing import Any

from diiqn_lightning.errors import InputError

_OF_WHAT_IS_KNOWN = (
    "action_inference.class_path",
    "action_inference.init_args.distance",
    "action_inference.init_args.votes",
    "action_inference.init_args.error_max",
    "expert_sampling.expert_draw",
    "expert_sampling.neighbours",
    "expert_sampling.distance",
    "expert_sampling.similarity_threshold",
    "expert_sampling.held_out",
    "expert_visits.count_scope",
    "expert_distance",
    "feasibility",
    "bridging.max_steps",
)
"""Options of what is known of the expert."""

STRUCTURE = (
    "seed_everything",
    "data.env_kwargs",
    "data.num_envs",
    "data.frames_per_update",
    "data.learning_starts",
    "data.replay_capacity",
    "data.prioritized",
    "model.init_args.hidden",
    "model.init_args.averaging",
    "model.init_args.value_heads",
    "model.init_args.value_network",
    "model.init_args.carry_over",
    "model.init_args.fading.outgrown",
    "model.init_args.labeller.hidden",
    "model.init_args.labeller.history",
    "model.init_args.labeller.learning_rate",
    "model.init_args.labeller.largest_action_weight",
    "model.init_args.discriminator.hidden",
    "model.init_args.discriminator.learning_rate",
    "model.init_args.clone.hidden",
    "model.init_args.clone.learning_rate",
    "model.init_args.optimizer",
    "model.init_args.shaping",
    *_OF_WHAT_IS_KNOWN,
)
"""Options that a checkpoint holds, or that shape what it holds: a resumed run must have the same ones."""

ADDED_LATER = {"model.init_args.value_network": "shared"}
"""Options of the structure that older checkpoints say nothing of, and what they were made with."""

OF_THE_DATA = (
    "seed_everything",
    "expert",
    "ranks",
    "data.env_kwargs",
    "data.num_envs",
    "data.frames_per_update",
    "data.learning_starts",
    "data.replay_capacity",
    "data.prioritized",
    *_OF_WHAT_IS_KNOWN,
)
"""What shapes replay, episodes and what is known of the expert, but no weights: free where all that begins anew."""

IDENTITY = {
    "algorithm": ("model.class_path", "resume with the algorithm that the checkpoint is of"),
    "environment": ("data.env", "resume in the environment that the checkpoint is of"),
    "expert": ("expert", "resume with the dataset that the checkpoint learned from"),
    "ranks": ("trainer.devices × trainer.num_nodes", "resume with as many processes"),
}
"""What a checkpoint says of its run and a resumed run must share: the option that sets it, and the remedy."""


def run_identity(config: Any, expert: dict[str, Any] | None, ranks: int) -> dict[str, Any]:
    """The identity of a run.

    Args:
        config: its resolved configuration.
        expert: name and hash of its expert dataset; ``None`` without one.
        ranks: number of processes.

    Returns:
        JSON values.
    """
    return {
        "algorithm": config.model.class_path.rsplit(".", 1)[-1],
        "environment": config.data.env,
        "ranks": ranks,
        "structure": {field: _plain(config.get(field)) for field in STRUCTURE},
        **({"expert": expert["hash"], "expert_name": expert["name"]} if expert else {}),
    }


def check_identity(saved: dict[str, Any], resumed: dict[str, Any], fresh_data: bool = False) -> None:
    """Refuse to go on with another algorithm, environment, expert, number of processes or structure.

    Args:
        saved: identity in the checkpoint's manifest.
        resumed: identity of the run that resumes.
        fresh_data: whether it takes the weights alone and begins all that comes with the data anew.

    Raises:
        InputError: that names both values.
    """
    for name, (field, remedy) in IDENTITY.items():
        before, now = saved.get(name), resumed.get(name)
        if before != now and not (fresh_data and name in OF_THE_DATA):
            if name == "expert":
                before, now = (_named_expert(identity) for identity in (saved, resumed))
            raise InputError(field, now, f"{remedy}: {before}{_way_out(name)}")
    structure = resumed.get("structure", {})
    unsaid = {field: value for field, value in ADDED_LATER.items() if structure.get(field) is not None}
    for field, before in (unsaid | saved.get("structure", {})).items():
        now = structure.get(field)
        if before != now and not (fresh_data and field in OF_THE_DATA):
            remedy = f"resume with the value that the checkpoint was made with: {before!r}"
            raise InputError(field, now, remedy + _way_out(field))


def _way_out(name: str) -> str:
    return "; or begin replay and inference anew with --fresh_data true" if name in OF_THE_DATA else ""


def _named_expert(identity: dict[str, Any]) -> str | None:
    return f"{identity['expert_name']} ({identity['expert']})" if "expert" in identity else None


def _plain(value: Any) -> Any:
    """A part of a configuration as JSON would give it back."""
    return json.loads(json.dumps(value.as_dict() if hasattr(value, "as_dict") else value))
