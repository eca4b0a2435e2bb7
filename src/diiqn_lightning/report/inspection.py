"""What a dataset is like: everything that decides whether an agent can learn from it."""

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from diiqn_lightning.algorithm.distances import pairwise, similarity
from diiqn_lightning.envs import make_gym_env
from diiqn_lightning.experts import ExpertDataset
from diiqn_lightning.experts.neighbours import largest_distance
from diiqn_lightning.experts.recording import episode_returns

SAMPLE = 2_000
THRESHOLDS = (0.90, 0.93, 0.95, 0.96, 0.97, 0.98, 0.99, 1.0)


@dataclass
class Inspection:
    """Facts about a dataset.

    Args:
        episode_lengths: transitions of each episode, ``[E]``.
        returns: undiscounted return of each episode where rewards are known, ``[E]``.
        num_states: S.
        distinct_states: how many of them differ.
        activity: share of states in which a feature is not zero, per channel of images or per entry.
        constant_features: entries that never change.
        distance: kind of distance used below.
        nearest: distance of sampled states to the nearest state of another episode, ``[≤ 2000]``.
        suggested_threshold: τ at which nine in ten states have a neighbour in another episode.
        suggested_error_max: err_max in units of the distance: twice that neighbour's distance, since
            the distance of transitions adds those of their two states.
        coverage: share of a random agent's states with a neighbour, by τ (``--against``).
        warnings: what to mend, in sentences.
    """

    episode_lengths: Tensor
    returns: Tensor | None
    num_states: int
    distinct_states: int
    activity: Tensor
    constant_features: int
    distance: str
    nearest: Tensor
    suggested_threshold: float
    suggested_error_max: float
    coverage: dict[float, float] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def distinct_share(self) -> float:
        """Share of distinct states."""
        return self.distinct_states / self.num_states


def inspect_dataset(dataset: ExpertDataset, distance: str | None = None, seed: int = 0) -> Inspection:
    """Gather the facts.

    Args:
        dataset: what to look at.
        distance: hamming for binary observations and l2 for others, unless said.
        seed: of the sample that neighbours are sought for.
    """
    states = dataset.states
    flat = states.states.flatten(1)
    distance = distance or ("hamming" if flat.dtype == torch.bool else "l2")
    features = flat.float()
    episode = torch.repeat_interleave(torch.arange(len(states.episode_ends)), states.episode_lengths + 1)
    nearest = _nearest_in_other_episodes(features, episode, distance, seed)
    largest = largest_distance(features, distance)
    # At least one entry's difference: equal states alone would be too few neighbours.
    smallest = 1.0 if distance == "hamming" else 1e-3
    reach = max(smallest, float(nearest.quantile(0.9)) if len(nearest) else smallest)
    active = states.states != 0
    inspection = Inspection(
        episode_lengths=states.episode_lengths,
        returns=episode_returns(dataset) if dataset.labels and dataset.labels.reward is not None else None,
        num_states=len(flat),
        distinct_states=len({row.tobytes() for row in np.ascontiguousarray(flat.numpy())}),
        activity=active.flatten(0, -2).float().mean(0),
        constant_features=int((flat == flat[0]).all(0).sum()),
        distance=distance,
        nearest=nearest,
        suggested_threshold=round(float(similarity(torch.tensor(reach), distance, largest)), 3),
        suggested_error_max=round(2 * reach, 3),
    )
    inspection.warnings += _warnings(inspection, flat.shape[1])
    return inspection


def _nearest_in_other_episodes(features: Tensor, episode: Tensor, distance: str, seed: int) -> Tensor:
    if int(episode[-1]) == 0:
        return torch.empty(0)
    generator = torch.Generator().manual_seed(seed)
    sample = torch.randperm(len(features), generator=generator)[:SAMPLE]
    found = []
    for part in sample.split(250):  # type: ignore[no-untyped-call]
        distances = pairwise(features[part], features, distance)
        distances[episode[part].unsqueeze(1) == episode] = torch.inf
        found.append(distances.amin(1))
    return torch.cat(found)


def _warnings(inspection: Inspection, features: int) -> list[str]:
    found = []
    if len(inspection.episode_lengths) == 1:
        found.append("There is a single episode: give more, or the expert's returns have no spread to learn from.")
    if inspection.constant_features == features:
        found.append("All features are constant: no state differs from another.")
    elif inspection.constant_features:
        found.append(
            f"{inspection.constant_features} of {features} features never change; they cost time and tell nothing."
        )
    if inspection.distinct_share < 0.5:
        found.append(
            f"Only {inspection.distinct_share:.0%} of the states are distinct: episodes from other starts teach more."
        )
    return found


def cover_environment(inspection: Inspection, dataset: ExpertDataset, env_id: str, frames: int, seed: int = 0) -> None:
    """Add how well a dataset fits an environment, by the states that a random agent visits.

    Args:
        inspection: is added to.
        dataset: what was inspected.
        env_id: the environment.
        frames: how long the random agent plays.
        seed: of the play.

    Raises:
        InputError: if the observations are of another shape or type.
    """
    env = make_gym_env(env_id, seed=seed)
    space = env.observation_space
    assert space.shape is not None
    dataset.check_fits(tuple(space.shape), np.dtype(space.dtype).name, env_id)
    outside = [
        i
        for i, state in enumerate(dataset.states.states[:: max(1, len(dataset.states.states) // 1000)])
        if not space.contains(state.numpy())
    ]
    if outside:
        inspection.warnings.append(
            f"Some observations lie outside the space of {env_id}: another version recorded them?"
        )
    random = np.random.default_rng(seed)
    visited, (state, _) = [], env.reset()
    for _ in range(frames):
        visited.append(np.asarray(state))
        state, _, terminated, truncated, _ = env.step(int(random.integers(env.action_space.n)))  # type: ignore[attr-defined]
        if terminated or truncated:
            state, _ = env.reset()
    queries = torch.from_numpy(np.stack(visited)).flatten(1).float()
    reference = dataset.states.states[dataset.states.transition_starts].flatten(1).float()
    largest = largest_distance(reference, inspection.distance)
    nearest = torch.cat([pairwise(part, reference, inspection.distance).amin(1) for part in queries.split(250)])  # type: ignore[no-untyped-call]
    close = similarity(nearest, inspection.distance, largest)
    inspection.coverage = {threshold: float((close >= threshold).float().mean()) for threshold in THRESHOLDS}
    if inspection.coverage[0.95] < 0.01:
        inspection.warnings.append(
            f"At τ = 0.95 hardly any state of a random agent in {env_id} has a neighbour here: draw from the dataset, "
            "or lower τ."
        )


def as_table(name: str, dataset: ExpertDataset, inspection: Inspection) -> str:
    """What the verb prints."""
    lengths = inspection.episode_lengths.float()
    rows = [
        ("episodes", f"{len(lengths):,}"),
        ("transitions", f"{dataset.states.num_transitions:,}"),
        ("observations", f"{dataset.states.states.dtype} {dataset.states.observation_shape}".replace("torch.", "")),
        ("episode length", _spread(lengths)),
        ("return", _spread(inspection.returns) if inspection.returns is not None else "unknown (no rewards)"),
        ("actions", "known, as labels for metrics alone" if dataset.labels else "none, as learning needs"),
        (
            "distinct states",
            f"{inspection.distinct_states:,} of {inspection.num_states:,} ({inspection.distinct_share:.0%})",
        ),
        ("constant features", f"{inspection.constant_features:,}"),
        (f"nearest state of another episode ({inspection.distance})", _spread(inspection.nearest)),
        ("suggested τ", f"{inspection.suggested_threshold:g}"),
        ("suggested err_max", f"{inspection.suggested_error_max:g}"),
        ("content hash", dataset.states.content_hash[:16]),
    ]
    rows += [
        (f"random agent's states with a neighbour, τ = {t:.2f}", f"{share:.1%}")
        for t, share in inspection.coverage.items()
    ]
    width = max(len(label) for label, _ in rows)
    lines = [name, *(f"  {label:{width}}  {value}" for label, value in rows)]
    lines += [f"  {key:{width}}  {value}" for key, value in dataset.card.items() if key not in CARD_SEEN]
    return "\n".join([*lines, *(f"warning: {warning}" for warning in inspection.warnings)])


CARD_SEEN = ("episodes", "transitions", "content_hash", "return_mean", "return_standard_deviation")


def _spread(values: Tensor) -> str:
    if len(values) == 0:
        return "unknown (a single episode)"
    low, middle, high = (float(v) for v in torch.quantile(values.double(), torch.tensor([0.05, 0.5, 0.95]).double()))
    return f"mean {float(values.double().mean()):.2f}, 5 % {low:g}, median {middle:g}, 95 % {high:g}"
