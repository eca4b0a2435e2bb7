"""Which blocks of a configuration belong to which algorithm."""

from pkgutil import resolve_name
from typing import Any

from diiqn_lightning import modules
from diiqn_lightning.errors import InputError

EXPERT_CALLBACKS = (
    "action_inference",
    "expert_distance",
    "expert_sampling",
    "expert_visits",
    "feasibility",
    "bridging",
)
"""Blocks of the expert's side, in the order in which they see frames and write into a batch."""


def check_blocks(config: Any) -> None:
    """Refuse blocks that do not go together, before anything is built.

    An algorithm that learns from no expert gets none: ``configs/env/*.yaml`` name one for those that do.

    Raises:
        InputError: for a block that is missing, or that the algorithm has no use for.
    """
    model = resolve_name(config.model.class_path)
    for block in EXPERT_CALLBACKS:
        if config[block] is not None and block not in model.blocks:
            users = ", ".join(name for name in modules.__all__ if block in getattr(modules, name).blocks)
            raise InputError(block, "configured", f"leave it out, {model.__name__} has no use for it: {users} have")
    if not model.blocks:
        config.expert = None
        return
    for block in ("expert", *model.blocks):
        if config[block] is None:
            remedy = f"configure it, {model.__name__} learns from an expert (see configs/{config.algorithm}.yaml)"
            raise InputError(block, None, remedy)
    if config.model.init_args.get("priority") == "mixed" and config.data.prioritized is None:
        remedy = "give data.prioritized, or choose agent: uniform replay has no priorities"
        raise InputError("model.priority", "mixed", remedy)
    sampling = config.expert_sampling
    if sampling is None:
        return
    if sampling.held_out and not model.holds_out:
        remedy = f"leave it out, {model.__name__} learns from all of the dataset"
        raise InputError("expert_sampling.held_out", sampling.held_out, remedy)
    if model.compares_transitions:
        for field, value, only in (("expert_draw", sampling.expert_draw, "dataset"), ("n_step", sampling.n_step, 1)):
            if value != only:
                remedy = f"give {only}, {model.__name__} compares the expert's single steps with the agent's"
                raise InputError(f"expert_sampling.{field}", value, remedy)
