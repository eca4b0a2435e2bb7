"""Chooses the expert transitions that an update learns from."""

from typing import Any, final

import lightning
import torch
from tensordict import TensorDict, TensorDictBase
from torch import Tensor

from diiqn_lightning import keys
from diiqn_lightning.algorithm.distances import DISTANCES, require_binary
from diiqn_lightning.algorithm.guides import drawn_up_to
from diiqn_lightning.algorithm.returns import lead, partial_returns
from diiqn_lightning.callbacks.expert_data import ExpertData
from diiqn_lightning.callbacks.rank_merging import Gather, sum_of_others
from diiqn_lightning.errors import InputError, require_within
from diiqn_lightning.experts import NeighbourIndex
from diiqn_lightning.experts.searches import require_backend

DRAWS = ("neighbour", "dataset")
FEWEST_EPISODES = 10
"""Episodes of the agent from which its mean return is read."""

BEGINNERS_LEAD = 1.0
"""The expert's lead before the agent has finished so many, in its standard deviations: any expert leads a beginner
(design choice; in long episodes ten of them are a good part of a run)."""


@final
class ExpertSampling(lightning.Callback):
    """Writes the ``("expert", …)`` entries of a batch.

    Args:
        expert_draw: neighbour (the paper's: an expert state near each sampled agent state) or dataset
            (an independent draw from all expert transitions, as DQfD does; from states where HA-DIIQN's bridging knows
            what guides in them).
        neighbours: K, nearest expert states that are considered for an agent state.
        similarity_threshold: τ, how similar they must be, in [0, 1].
        distance: of neighbours: hamming, l2, cosine or jaccard.
        expert_reward: matched (the reward of the agent transition that gave the action) or agent
            (the reward of the sampled agent transition; needs the neighbour draw).
        n_step: n, transitions of the expert's own trajectory that a TD target sums rewards over before it
            asks the network; fewer at an episode's end. States and rewards are enough for that: no action
            in between is needed, but those that were taken were the expert's (design choice; Hester et al.,
            2018, have the same for known actions).
        augmented_backup: a TD target takes the larger of two values of the state that the expert came to: the
            agent's own, and what the expert made of it with one step more. Price and Boutilier, 2003,
            "Accelerating Reinforcement Learning through Implicit Imitation", augmented Bellman backup, on a
            sampled trajectory in place of a learned model of the expert.
        held_out: share of the episodes that no imitation term (margin, lower bound) learns from, so that
            one can tell how far imitation carries over to states that it has not seen (see the model's carry_over);
            TD errors learn from all of them. The smallest share above 0 is one episode (design choice).
        backend: of the search for neighbours: exact, or faiss (approximate; hamming and l2), for very large datasets.
    """

    def __init__(
        self,
        expert_draw: str = "dataset",
        neighbours: int = 5,
        similarity_threshold: float = 0.97,
        distance: str = "hamming",
        expert_reward: str = "matched",
        n_step: int = 1,
        augmented_backup: bool = False,
        held_out: float = 0.0,
        backend: str = "exact",
    ) -> None:
        for field, value, choices in (
            ("expert_draw", expert_draw, DRAWS),
            ("distance", distance, DISTANCES),
            ("expert_reward", expert_reward, ("matched", "agent")),
        ):
            if value not in choices:
                raise InputError(f"expert_sampling.{field}", value, f"choose one of {', '.join(choices)}")
        if expert_reward == "agent" and expert_draw == "dataset":
            raise InputError(
                "expert_sampling.expert_reward",
                expert_reward,
                "choose matched, or the neighbour draw: a draw from the dataset has no agent transition beside it",
            )
        require_backend(backend, "expert_sampling.backend")
        require_within(0, 1, **{"expert_sampling.similarity_threshold": similarity_threshold})
        require_within(0, 0.5, **{"expert_sampling.held_out": held_out})
        if neighbours < 1:
            raise InputError("expert_sampling.neighbours", neighbours, "give a whole number of at least 1")
        if n_step < 1:
            raise InputError("expert_sampling.n_step", n_step, "give a whole number of at least 1")
        if expert_reward == "agent" and n_step > 1:
            raise InputError("expert_sampling.n_step", n_step, "give 1, or choose expert_reward matched")
        if expert_reward == "agent" and augmented_backup:
            remedy = "leave it out, or choose expert_reward matched: the agent's reward is of a single step"
            raise InputError("expert_sampling.augmented_backup", augmented_backup, remedy)
        self.n_step, self.augmented_backup, self.held_out = n_step, augmented_backup, held_out
        self.expert_draw, self.neighbours, self.similarity_threshold = expert_draw, neighbours, similarity_threshold
        self.distance, self.expert_reward, self.backend = distance, expert_reward, backend
        self._index: NeighbourIndex | None = None
        self._up_to: Tensor | None = None

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Find the dataset and build the index.

        Raises:
            InputError: for a confidence that asks for the agent's action beside a draw that has none, and for what
                cannot be held out.
        """
        self._check_draw(pl_module)
        self._expert, self._discount = ExpertData.of(trainer), pl_module.discount
        lengths = self._expert.states.episode_lengths
        self._held_out = held_out_transitions(lengths, self.held_out) if self.held_out else None
        if self.expert_draw == "neighbour":
            require_binary(self._expert.states.states, self.distance, "expert_sampling.distance")
            search = self._expert.searches.get(self.distance, self.backend, "expert_sampling.backend")
            self._index = NeighbourIndex(
                self._expert.states, self.distance, self.neighbours, self.similarity_threshold, search=search
            )
        seed = trainer.datamodule.seed * 1_000_003 + trainer.global_rank
        self._generator = torch.Generator().manual_seed(seed)
        self._stream = trainer.datamodule.stream
        self._others_returns = torch.zeros(2, dtype=torch.float64)  # their sum and their number

    def _check_draw(self, module: Any) -> None:
        for name in ("confidence", "bridge_confidence"):
            rule = getattr(module, name, None)
            if rule is not None and rule.asks_replayed_action and self.expert_draw == "dataset":
                remedy = "choose greedy, or the neighbour draw: one from the dataset has no agent transition beside it"
                raise InputError(f"model.{name}.agent_action", rule.agent_action, remedy)
        # A held-out sample of a mixture would teach neither side: the agent's part is as low as Φ has it.
        if self.held_out and getattr(module, "combination", "add") == "mix":
            raise InputError("expert_sampling.held_out", self.held_out, "give 0, or choose model.combination add")

    def on_frames(self, frames: TensorDictBase) -> None:
        """Find each new frame's neighbours once; they are stored beside it."""
        if self._index is not None:
            frames.set(keys.NEIGHBOURS, self._index.search(frames.get(keys.OBSERVATION)))

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: TensorDictBase, batch_idx: int) -> None:
        """Add the expert's transitions to a batch ``[U, B]``."""
        table, states = self._expert.table, self._expert.states
        index, beside = self._guided(self._draw(batch), batch)
        valid = (index >= 0) & (table.action[index] >= 0)
        index = index.clamp(min=0)
        outcome = self._outcome(index, self.n_step)
        if self.expert_reward == "agent":
            outcome["reward"] = batch.get(keys.REWARD).clone()  # bridges write their own into it
        expert = {
            **outcome,
            "index": index,
            "observation": states.observation(index),
            "action": table.action[index].clamp(min=0),
            "return": table.returns[index],
            "lead": torch.full(batch.batch_size, self._lead()),
            "inference_confidence": table.certainty[index],
            "valid": valid,
            **beside,
        }
        batch.set(keys.EXPERT, TensorDict(expert, batch.batch_size))
        if self.augmented_backup:
            batch.set(keys.EXPERT_LONGER, TensorDict(self._outcome(index, self.n_step + 1), batch.batch_size))

    def _guided(self, drawn: Tensor, batch: TensorDictBase) -> tuple[Tensor, dict[str, Tensor]]:
        """What guides in the place of each draw, ``[U, B]``, −1 for nothing, and what is known of the draw.

        A state is held out with the transition that was drawn, whatever guides there; one of the agent's never is.
        """
        table, beside = self._expert.table, {}
        if self._held_out is not None:
            beside["held_out"] = self._held_out[drawn.clamp(min=0)]
        if table.guides is None or table.node is None:
            return drawn, beside
        transition, first = table.guides.at(table.node[drawn])
        index = torch.where((drawn >= 0) & (transition >= 0), transition, drawn)
        transition, step = table.guides.at(batch.get(keys.NODE).cpu())
        at_agent = (transition >= 0) & (torch.rand(index.shape, generator=self._generator) < table.at_agent)
        # Where the agent is, the step from there; of other states that and what follows on the bridge.
        beside["first_step"] = torch.where(at_agent, step, first)
        beside["last_step"] = torch.where(at_agent, step, torch.iinfo(torch.int64).max)
        if self._held_out is not None:
            beside["held_out"] &= ~at_agent
        return torch.where(at_agent, transition, index), beside

    def _outcome(self, index: Tensor, n_step: int) -> dict[str, Tensor]:
        """What a TD target is made of: n steps of the expert's own trajectory, fewer at an episode's end."""
        table, states = self._expert.table, self._expert.states
        steps = states.remaining(index).clamp(max=n_step)
        last = index + steps - 1
        several = n_step > 1
        return {
            "reward": partial_returns(table.reward, index, steps, self._discount) if several else table.reward[index],
            "discount": self._discount**steps,
            "terminated": table.terminated[last],
            "next_observation": states.next_observation(last),
        }

    def _lead(self) -> float:
        """The expert's lead over the agent's last episodes on all ranks; 0 while its own returns are not known."""
        expert_returns = self._expert.table.episode_returns
        if len(expert_returns) == 0:
            return 0.0
        total, episodes = (self._own_returns() + self._others_returns).tolist()
        if episodes < FEWEST_EPISODES:
            return BEGINNERS_LEAD
        return lead(expert_returns, total / episodes)

    def _own_returns(self) -> Tensor:
        """Sum and number of this rank's last episodes, ``[2]`` float64."""
        returns = self._stream.recent_returns
        return torch.tensor([sum(returns), len(returns)], dtype=torch.float64)

    def merge_ranks(self, gather: Gather, rank: int) -> None:
        """The agent's episodes on all ranks count for the lead."""
        self._others_returns = sum_of_others(gather(self._own_returns()), rank)

    def _draw(self, batch: TensorDictBase) -> Tensor:
        if self.expert_draw == "dataset":
            if self._up_to is None and self._expert.table.node is not None:
                self._up_to = drawn_up_to(self._expert.table.node)
            if self._up_to is None:
                return torch.randint(len(self._expert.table), batch.batch_size, generator=self._generator)
            chance = torch.rand(batch.batch_size, generator=self._generator, dtype=torch.float64)
            return torch.searchsorted(self._up_to, chance, right=True).clamp(max=len(self._up_to) - 1)
        neighbours: Tensor = batch.get(keys.NEIGHBOURS).cpu().long()
        # Of the K, the most certain one; the first of equals is the nearest.
        certainty = torch.where(neighbours >= 0, self._expert.table.certainty[neighbours], -1.0)
        best = (certainty == certainty.amax(-1, keepdim=True)).int().argmax(-1, keepdim=True)
        return neighbours.gather(-1, best).squeeze(-1)

    def rank_state(self) -> dict[str, Any]:
        """The generator of the draws, and what the other ranks' episodes returned."""
        return {"generator": self._generator.get_state(), "others_returns": self._others_returns}

    def load_rank_state(self, state: dict[str, Any]) -> None:
        """Continue the draws."""
        self._generator.set_state(state["generator"])
        self._others_returns = state["others_returns"]


def held_out_transitions(episode_lengths: Tensor, share: float) -> Tensor:
    """Whether a transition is of an episode that is held out.

    Episodes are taken in regular distances, so that they are of all parts of a dataset.

    Args:
        episode_lengths: transitions of each episode, ``[E]`` int64.
        share: of the episodes, above 0 and below 1, at least one.

    Returns:
        ``[N]`` bool.

    Raises:
        InputError: for a single episode: nothing would be left to learn from, or nothing be held out.
    """
    episodes = len(episode_lengths)
    if episodes < 2:
        remedy = "give an expert of at least 2 episodes, or give 0 here and model.carry_over null"
        raise InputError("expert_sampling.held_out", f"{share:g} of {episodes} episode", remedy)
    held_out = torch.zeros(episodes, dtype=torch.bool)
    count = max(1, int(share * episodes))
    held_out[(torch.arange(count) * episodes) // count] = True
    return torch.repeat_interleave(held_out, episode_lengths)
