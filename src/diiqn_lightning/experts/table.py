"""The table of inferred actions: what is known of each expert transition."""

from typing import Any

import torch
from torch import Tensor

from diiqn_lightning.algorithm.confidence import inference_confidence
from diiqn_lightning.algorithm.guides import Guides
from diiqn_lightning.algorithm.inference import Match, better_match
from diiqn_lightning.algorithm.returns import Detours, attainable_returns, discounted_returns, episode_sums


class InferredActions:
    """What is known of each of ``N`` expert transitions; whoever infers writes, whoever samples reads.

    Attributes:
        action: a_e, ``[N]`` int64; −1 where none was inferred.
        reward: r_e, ``[N]`` float32.
        terminated: ``[N]`` bool.
        certainty: ζ in [0, 1], ``[N]`` float32; 0 where nothing is known.
        match: the closest agent transition, kept by nearest-transition inference.
        returns: G_e, the discounted return to the episode's end by the inferred rewards, ``[N]`` float32.
        episode_returns: undiscounted return of each episode by the inferred rewards, ``[E]`` float64; empty
            before any were inferred.
        detours: the agent's ways around transitions that it cannot make, at whose cost returns are counted;
            ``None`` where nobody looks for them.
        node: state of each transition, ``[N]`` int64, and
        guides: what guides in each state; both ``None`` where each transition guides for itself.
        at_agent: share of draws that are at the sampled agent states, as far as something guides there.
        visits: c, how often each was trained on, ``[N]`` float32.

    Args:
        num_transitions: N.
        device: where the tensors live.
    """

    _STATE = ("action", "reward", "terminated", "certainty", "returns", "episode_returns", "visits")

    def __init__(self, num_transitions: int, device: torch.device | str = "cpu") -> None:
        self.match = Match.unknown(num_transitions, device)
        self.certainty = torch.zeros(num_transitions, device=device)
        self.returns = torch.zeros(num_transitions, device=device)
        self.episode_returns = torch.zeros(0, dtype=torch.float64, device=device)
        self.visits = torch.zeros(num_transitions, device=device)
        self.detours: Detours | None = None
        self.node: Tensor | None = None
        self.guides: Guides | None = None
        self.at_agent = 0.0
        self.action, self.reward, self.terminated = (
            part.clone() for part in (self.match.action, self.match.reward, self.match.terminated)
        )

    def __len__(self) -> int:
        return len(self.visits)

    def update_match(self, candidate: Match, error_max: float, at: Tensor | None = None) -> None:
        """Take over the candidate's entries that are strictly closer; ζ follows from their errors.

        Args:
            candidate: matches of the same ``N`` transitions, or of those at ``at``.
            error_max: err_max of ζ, in the units of the distance.
            at: numbers of ``M`` different transitions, ``[M]`` int64; ``None`` for all.
        """
        where: Tensor | slice = slice(None) if at is None else at
        match = better_match(Match(*(part[where] for part in self.match)), candidate)
        for old, new in zip(self.match, match, strict=True):
            old[where] = new
        self.action[where], self.reward[where], self.terminated[where] = match.action, match.reward, match.terminated
        self.certainty[where] = inference_confidence(match.error, error_max)

    def vote(self, majority: Tensor, share: Tensor, at: Tensor | slice) -> None:
        """Replace the closest transition's action by the majority's; ζ is multiplied by its share.

        Args:
            majority: ``[M]`` int64, −1 where nothing is known.
            share: of the votes, ``[M]`` float32.
            at: the transitions' numbers.
        """
        self.action[at] = majority
        self.certainty[at] *= share

    def relabel(
        self, action: Tensor, certainty: Tensor, reward: Tensor, terminated: Tensor, at: Tensor | None = None
    ) -> None:
        """Replace what is known of some transitions by a labeller's word.

        Args:
            action, certainty, reward, terminated: ``[M]`` each.
            at: numbers of different transitions, ``[M]`` int64; ``None`` for all.
        """
        where: Tensor | slice = slice(None) if at is None else at
        self.action[where], self.certainty[where] = action, certainty
        self.reward[where], self.terminated[where] = reward, terminated

    def sum_returns(self, episode_lengths: Tensor, discount: float, changed: Tensor | None = None) -> None:
        """Set the returns by the rewards and detours that are known now.

        Args:
            episode_lengths: transitions of each episode, ``[E]`` int64, summing to N.
            discount: γ of ``returns``.
            changed: numbers of the transitions whose rewards are others than at the last call, ``[M]`` int64; only
                their episodes are summed, where there are no detours. ``None`` for all.
        """
        if self.detours is not None:
            first = episode_lengths.cumsum(0) - episode_lengths
            self.returns = attainable_returns(self.reward, episode_lengths, discount, self.detours)
            self.episode_returns = attainable_returns(self.reward, episode_lengths, 1.0, self.detours)[first].double()
        elif changed is None or not len(self.episode_returns):
            self.returns = discounted_returns(self.reward, episode_lengths, discount)
            self.episode_returns = episode_sums(self.reward, episode_lengths)
        else:
            summed = torch.zeros(len(episode_lengths), dtype=torch.bool, device=self.reward.device)
            summed[torch.searchsorted(episode_lengths.cumsum(0), changed, right=True)] = True
            inside = torch.repeat_interleave(summed, episode_lengths)
            rewards, lengths = self.reward[inside], episode_lengths[summed]
            self.returns[inside] = discounted_returns(rewards, lengths, discount)
            self.episode_returns[summed] = episode_sums(rewards, lengths)

    @property
    def known(self) -> Tensor:
        """``[N]`` bool: an action was inferred."""
        return self.action >= 0

    def state(self) -> dict[str, Any]:
        """Plain tensors."""
        detours = {} if self.detours is None else {"detours": self.detours._asdict()}
        guides = {} if self.guides is None else {"guides": self.guides._asdict()}
        return {
            "match": self.match._asdict(),
            **detours,
            **guides,
            **{name: getattr(self, name) for name in self._STATE},
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Inverse of :meth:`state`."""
        self.match = Match(**state["match"])
        self.detours = Detours(**state["detours"]) if "detours" in state else None
        self.guides = Guides(**state["guides"]) if "guides" in state else None
        for name in self._STATE:
            setattr(self, name, state[name].clone())  # parts of a state may share memory
