"""Distances between observations, and the similarity that a threshold τ is compared with.

Each distance works on flattened observations: ``pairwise(query, reference)`` takes ``[Q, D]`` and
``[R, D]`` and gives ``[Q, R]`` float32.
"""

import torch
from torch import Tensor

from diiqn_lightning.errors import InputError

DISTANCES = ("hamming", "l2", "cosine", "jaccard")


def pairwise(query: Tensor, reference: Tensor, distance: str) -> Tensor:
    """Distance of each query from each reference.

    ``hamming``: number of differing entries, for binary observations. ``l2``: Euclidean.
    ``cosine``: 1 − cosine similarity, in [0, 2]. ``jaccard``: entries that differ over entries that
    are set in either, for binary observations, in [0, 1].

    Args:
        query: ``[Q, D]``, bool or float.
        reference: ``[R, D]``, the same dtype.
        distance: one of :data:`DISTANCES`.

    Returns:
        ``[Q, R]`` float32.
    """
    query, reference = query.float(), reference.float()
    if distance == "l2":
        # Equal observations have to be at distance 0, which matrix products do not give.
        return torch.cdist(query, reference, compute_mode="donot_use_mm_for_euclid_dist")
    if distance == "cosine":
        normalised = torch.nn.functional.normalize
        return (1 - normalised(query, dim=1) @ normalised(reference, dim=1).T).clamp(min=0)
    shared = query @ reference.T
    set_in_both = query.sum(1, keepdim=True) + reference.sum(1)
    differing = set_in_both - 2 * shared
    if distance == "hamming":
        return differing
    if distance == "jaccard":
        return differing / (set_in_both - shared).clamp(min=1)
    raise InputError("distance", distance, f"choose one of {', '.join(DISTANCES)}")


def require_binary(observations: Tensor, distance: str, field: str) -> None:
    """Refuse ``hamming`` and ``jaccard`` for observations with other entries than 0 and 1.

    Args:
        observations: any shape.
        distance: one of :data:`DISTANCES`.
        field: of the configuration, for the sentence.

    Raises:
        InputError: if the distance would mean nothing.
    """
    binary = observations.dtype == torch.bool or bool(((observations == 0) | (observations == 1)).all())
    if distance in ("hamming", "jaccard") and not binary:
        raise InputError(field, distance, "choose l2 or cosine: the observations have other entries than 0 and 1")


def similarity(distances: Tensor, distance: str, largest: float) -> Tensor:
    """Similarity that τ is compared with (design choice).

    1 − d / d_max for ``hamming`` and ``l2``, 1 − d for ``cosine`` and ``jaccard``.

    Args:
        distances: any shape.
        distance: its kind.
        largest: d_max, the largest distance that two observations can have (``hamming``, ``l2``).
    """
    return 1 - distances / largest if distance in ("hamming", "l2") else 1 - distances
