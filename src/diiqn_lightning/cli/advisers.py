"""What a run knows of its expert, read from a checkpoint."""

from pathlib import Path
from typing import Any

import torch

from diiqn_lightning.callbacks.manifest import plain_values_only
from diiqn_lightning.errors import InputError
from diiqn_lightning.experts import ExpertDataset
from diiqn_lightning.experts.advice import Advice
from diiqn_lightning.experts.feasibility import default_distance, judgement_in
from diiqn_lightning.experts.sources import load_any
from diiqn_lightning.packing import unpack_state
from diiqn_lightning.report.names import expert_source


def dataset_of(config: Any, source: str | None = None) -> ExpertDataset:
    """The dataset that a run learned from.

    Args:
        config: the run's.
        source: where it is now; ``None`` takes the place that the configuration names.

    Raises:
        InputError: if it is not there.
    """
    dataset = load_any(expert_source(source or config.expert, config.data.env))
    return dataset.first(config.expert_transitions) if config.expert_transitions else dataset


def load_advice(
    checkpoint: Path, config: Any, dataset: ExpertDataset, similarity_threshold: float | None = None
) -> Advice:
    """The expert's advice by the actions that a run had inferred when a checkpoint was written.

    Actions of transitions that HA-DIIQN had found infeasible are no advice: the agent does not have them.

    Args:
        checkpoint: its folder.
        config: the run's.
        dataset: that the run learned from.
        similarity_threshold: τ; ``None`` takes the run's.

    Raises:
        InputError: for another dataset than the run's, or a checkpoint that cannot be read.
    """
    path = checkpoint / "rank-0.pt"
    try:
        with plain_values_only(checkpoint):
            state = unpack_state(torch.load(path, weights_only=True, map_location="cpu"))
        table, learned_from = state["ExpertData"]["table"], state["ExpertData"]["hash"]
        action, certainty = table["action"], table["certainty"]
    except (KeyError, TypeError, AttributeError, OSError) as error:
        raise InputError("ckpt_path", str(path), "it knows nothing of an expert; give another checkpoint") from error
    if learned_from != dataset.states.content_hash:
        raise InputError("expert", "another dataset", "give the one that the run learned from")
    if "Feasibility" in state:
        certainty = torch.where(judgement_in(state["Feasibility"], dataset.states), 0.0, certainty)
    sampling = config.expert_sampling
    threshold = sampling.similarity_threshold if similarity_threshold is None else similarity_threshold
    # The run's own where it drew neighbours by one.
    distance = sampling.distance if sampling.expert_draw == "neighbour" else default_distance(dataset.states)
    return Advice(dataset.states, action, certainty, distance, sampling.neighbours, threshold)
