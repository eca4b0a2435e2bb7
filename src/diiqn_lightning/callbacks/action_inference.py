"""Infers the expert's actions from the agent's own transitions."""

from functools import reduce
from typing import Any

import lightning
import numpy as np
import torch
from numpy.typing import NDArray
from tensordict import TensorDictBase
from torch import Tensor

from diiqn_lightning import keys
from diiqn_lightning.algorithm.distances import DISTANCES, require_binary
from diiqn_lightning.algorithm.inference import (
    Match,
    closest_transition,
    count_votes,
    merge_votes,
    origin_of,
)
from diiqn_lightning.callbacks.expert_data import ExpertData
from diiqn_lightning.callbacks.rank_merging import Gather
from diiqn_lightning.errors import InputError, require_positive
from diiqn_lightning.experts.search import Closer, just_above
from diiqn_lightning.experts.searches import require_backend


class ActionInference(lightning.Callback):
    """Fills the table of inferred actions. Subclasses say how."""

    asks_labeller = False
    """Whether the module's labeller says what the actions were."""

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Find the dataset.

        Raises:
            InputError: for a module without a labeller where one is asked, and for one that nobody asks.
        """
        labeller = getattr(pl_module, "labeller_settings", None)
        if self.asks_labeller and labeller is None:
            raise InputError(
                "model.labeller", None, "give it settings (`labeller: {}`), LearnedLabels needs the network"
            )
        if not self.asks_labeller and labeller is not None:
            name = type(self).__name__
            remedy = (
                f"{name} asks it for no labels: choose LearnedLabels, or set it to null where the agent may lack it"
            )
            raise InputError("model.labeller", "a network", remedy)
        self._expert, self._rank = ExpertData.of(trainer), trainer.global_rank
        self._discount, self._done_at = pl_module.discount, 0

    def _is_time(self, updates: int, every: int) -> bool:
        """Whether the number of updates has passed another multiple of ``every``."""
        passed = updates // every > self._done_at // every
        self._done_at = updates
        return passed

    def metrics(self) -> dict[str, float]:
        """How much of the dataset has an action, and how sure it is."""
        table = self._expert.table
        known = table.known
        certainty = float(table.certainty[known].mean()) if bool(known.any()) else 0.0
        return {"inference/coverage": float(known.float().mean()), "inference/certainty": certainty}

    def rank_state(self) -> dict[str, Any]:
        """Updates at which the table was last worked on."""
        return {"done_at": self._done_at}

    def load_rank_state(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self._done_at = state["done_at"]


class NearestTransition(ActionInference):
    """Gives each expert transition the action of the closest agent transition seen so far (the paper's).

    Args:
        distance: between observations: hamming (differing entries of binary observations), l2,
            cosine, or jaccard. A transition's distance is that of its state plus that of its next one.
        error_max: err_max, the distance at which the confidence ζ in an action reaches 0, in the
            units of the distance.
        votes: take the action that most of the equally close agent transitions took, in place of the first
            one's (design choice); ζ is then multiplied by the majority's share.
        returns_every_n_updates: updates after which the expert's returns are summed anew.
        backend: of the search: exact, or faiss (approximate; hamming and l2), for very large datasets. faiss leaves
            out most of what is farther than err_max, of which ζ is 0.
    """

    def __init__(
        self,
        distance: str = "hamming",
        error_max: float = 8.0,
        votes: bool = False,
        returns_every_n_updates: int = 1_000,
        backend: str = "exact",
    ) -> None:
        if distance not in DISTANCES:
            raise InputError("action_inference.distance", distance, f"choose one of {', '.join(DISTANCES)}")
        require_backend(backend, "action_inference.backend")
        require_positive(
            **{
                "action_inference.error_max": error_max,
                "action_inference.returns_every_n_updates": returns_every_n_updates,
            }
        )
        self.distance, self.error_max, self.returns_every_n_updates = distance, error_max, returns_every_n_updates
        self.votes, self.backend = votes, backend
        self._frames = 0
        self._limit: NDArray[np.float32] | None = None

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Lay the expert's transitions out for the search."""
        super().setup(trainer, pl_module, stage)
        self._done_at = -1  # sum the returns before the first batch: actions are known from the first frame on
        require_binary(self._expert.states.states, self.distance, "action_inference.distance")
        self._search = self._expert.searches.get(self.distance, self.backend, "action_inference.backend")
        self._num_actions = trainer.datamodule.num_actions
        count = self._expert.states.num_transitions
        self._ballot, self._others_ballot = (
            (torch.full((count,), torch.inf), torch.zeros(count, self._num_actions)) for _ in range(2)
        )

    def on_frames(self, frames: TensorDictBase) -> None:
        """Compare new agent transitions with those of the expert's that can still be matched better."""
        if self._limit is None:
            self._limit = self._search.limits(self._error_to_undercut())
        observation, next_observation = frames.get(keys.OBSERVATION), frames.get(keys.NEXT_OBSERVATION)
        found = self._search.closer(observation, next_observation, self._limit, ties=self.votes, within=self.error_max)
        self._learn(found, frames)
        self._frames += len(observation)

    def _error_to_undercut(self) -> NDArray[np.float32]:
        """Distance below which an agent transition tells something new of an expert transition, ``[N]``."""
        if self.votes:
            return just_above(self._ballot[0].numpy())  # equals have a vote
        match = self._expert.table.match
        error = match.error.numpy()
        # At equal distance the lowest rank's is taken, see better_match.
        from_higher_rank = (match.origin >= origin_of(0, 1, self._rank + 1)).numpy()
        return np.where(from_higher_rank, just_above(error), error)

    def _learn(self, found: Closer, frames: TensorDictBase) -> None:
        """Take over what is closer, for all of the expert's transitions that are equal."""
        expert, which = (
            torch.from_numpy(part) for part in self._search.distinct.transitions.members_of(found.position)
        )
        frame, distance = torch.from_numpy(found.frame)[which], torch.from_numpy(found.distance)[which]
        action = frames.get(keys.ACTION)[frame]
        at, match = closest_transition(
            expert,
            distance,
            action,
            frames.get(keys.REWARD)[frame],
            frames.get(keys.TERMINATED)[frame],
            origin_of(self._frames, len(frames), self._rank)[frame],
        )
        table = self._expert.table
        table.update_match(match, self.error_max, at)
        # An expert transition that another one follows did not end its episode.
        table.terminated[at] &= self._expert.states.is_last[at]
        if self.votes:
            _, counted = count_votes(expert, distance, action, self._num_actions)
            for ballot, part in zip(self._ballot, merge_votes(_part(self._ballot, at), counted), strict=True):
                ballot[at] = part
            self._vote(at)

    def _vote(self, at: Tensor | slice) -> None:
        """Let the majority of this rank's votes and of the others' as of the last merge decide."""
        _, votes = merge_votes(_part(self._ballot, at), _part(self._others_ballot, at))
        action = self._expert.table.match.action[at]
        # Of equally many votes the closest transition's action wins.
        favoured = torch.nn.functional.one_hot(action.clamp(min=0), self._num_actions)
        majority = (votes + 0.5 * favoured).argmax(1)
        share = votes.gather(1, majority.unsqueeze(1)).squeeze(1) / votes.sum(1).clamp(min=1)
        self._expert.table.vote(torch.where(action >= 0, majority, -1), share, at)

    def merge_ranks(self, gather: Gather, rank: int) -> None:
        """Take the closest transition of all ranks, and count the votes of all."""
        table = self._expert.table
        gathered = Match(*(gather(part) for part in table.match))
        for other in range(len(gathered.error)):
            table.update_match(Match(*(part[other] for part in gathered)), self.error_max)
        table.terminated = table.terminated & self._expert.states.is_last
        if self.votes:
            error, votes = (gather(part) for part in self._ballot)
            others = [(error[other], votes[other]) for other in range(len(error)) if other != rank]
            self._others_ballot = reduce(merge_votes, others)
            self._vote(slice(None))
        self._limit = None

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: TensorDictBase, batch_idx: int) -> None:
        """Sum the returns now and then."""
        if self._is_time(pl_module.updates, self.returns_every_n_updates):
            self._expert.table.sum_returns(self._expert.states.episode_lengths, self._discount)

    def metrics(self) -> dict[str, float]:
        """Share of expert transitions whose match is within err_max, and whose match is exact."""
        error = self._expert.table.match.error
        return super().metrics() | {
            "inference/coverage": float((error <= self.error_max).float().mean()),
            "inference/exact": float((error == 0).float().mean()),
        }

    def rank_state(self) -> dict[str, Any]:
        """Frames seen so far."""
        error, votes = self._ballot
        others_error, others_votes = self._others_ballot
        return {
            **super().rank_state(),
            "frames": self._frames,
            "ballot_error": error,
            "ballot_votes": votes,
            "others_ballot_error": others_error,
            "others_ballot_votes": others_votes,
        }

    def load_rank_state(self, state: dict[str, Any]) -> None:
        """Continue counting."""
        super().load_rank_state(state)
        self._frames = state["frames"]
        self._ballot = (state["ballot_error"], state["ballot_votes"])
        self._others_ballot = (state["others_ballot_error"], state["others_ballot_votes"])
        self._limit = None


def _part(ballot: tuple[Tensor, Tensor], at: Tensor | slice) -> tuple[Tensor, Tensor]:
    """The votes on some of the expert's transitions."""
    error, votes = ballot
    return error[at], votes[at]
