"""What was run, in one word: the same for all seeds and lengths of one configuration."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

IRRELEVANT = (
    "seed_everything",
    "run_dir",
    "wandb",
    "max_frames",
    "ckpt_path",
    "checkpoint",
    "video",
    "metrics",
    "expert",
)
"""Parts of a configuration that say who, where and how long, but not what was run; the expert enters by its content."""

ADDED_LATER = ("expert_distance", "fresh_data")
"""Without such a block or option, a run is the one that it was before there was one, and keeps its key."""

OPTIONS_ADDED_LATER = {
    "backend": ("exact",),
    "labelled_at_most": (50_000,),
    "settled_transitions": (None,),
    "relabel_share": (0.0,),
    "after": (0,),
    "decoupled": (False,),
    "overlap": (False,),
    "acting": ("policy",),
    "value_network": ("shared",),
    "averaging": (None,),
    "outgrown": (None,),
}
"""Options without which a run was what it is with these values: it keeps its key."""

IRRELEVANT_OF_DATA = ("workers", "worker_timeout")
"""Options of ``data`` that change where environments run, and no frame of them."""


def run_key(config: dict[str, Any], expert_hash: str | None) -> str:
    """Hash of what was run: the same for all seeds and lengths of one configuration.

    Args:
        config: the resolved configuration.
        expert_hash: content hash of the expert's dataset.
    """
    relevant = {name: value for name, value in config.items() if name not in IRRELEVANT}
    for name in ADDED_LATER:
        if relevant.get(name) in (None, False):  # an empty block is a block with its defaults
            relevant.pop(name, None)
    if isinstance(data := relevant.get("data"), dict):
        relevant["data"] = {name: value for name, value in data.items() if name not in IRRELEVANT_OF_DATA}
    if isinstance(trainer := relevant.get("trainer"), dict) and trainer.get("devices") == 1:
        relevant["trainer"] = trainer | {"devices": "auto"}  # what it was called when one device was no default
    text = json.dumps([_without_later_options(relevant), expert_hash], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def key_of_sessions(key: str, sessions: Sequence[dict[str, Any]]) -> str:
    """The key of a run that was gone on with in several sessions: its configuration's, if it was the only one.

    Options may change from one session to the next, and a run may begin from another one's checkpoint. That is a run of
    its own, which none of a single configuration may stand for. What was begun and left without a checkpoint before the
    run that there is now is no part of it.

    Args:
        key: of the last session's configuration, which the folder holds.
        sessions: what ``sessions.json`` holds.
    """
    begun_at = max((at for at, session in enumerate(sessions) if session.get("checkpoint") is None), default=0)
    others = sorted({session["key"] for session in sessions[begun_at:] if "key" in session} - {key})
    begun_from = sessions[begun_at].get("checkpoint") if sessions else None
    if not others and begun_from is None:
        return key
    return hashlib.sha256(json.dumps([key, others, begun_from]).encode()).hexdigest()[:16]


def _without_later_options(part: Any) -> Any:
    if not isinstance(part, dict):
        return part
    return {
        name: _without_later_options(value)
        for name, value in part.items()
        if name not in OPTIONS_ADDED_LATER or value not in OPTIONS_ADDED_LATER[name]
    }
