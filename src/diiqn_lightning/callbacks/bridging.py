"""Bridges infeasible expert transitions with paths of the agent's own."""

import time
from typing import Any, final

import lightning
import torch
from tensordict import TensorDictBase
from torch import Tensor

from diiqn_lightning import keys
from diiqn_lightning.algorithm.bridging import Bridges, Searches, find_bridges
from diiqn_lightning.algorithm.guides import Guides, best_in_state
from diiqn_lightning.algorithm.returns import Detours
from diiqn_lightning.callbacks.expert_data import ExpertData
from diiqn_lightning.callbacks.feasibility import Feasibility
from diiqn_lightning.errors import InputError, require_within

TARGETS = ("first_step", "whole_path")
STEPS = ("first", "uncovered", "all", "best")


@final
class Bridging(lightning.Callback):
    """Replaces, in each batch, what is not feasible by a step of its bridge, or takes its guidance away.

    The memory that is searched is the replay buffer: bridges are gone when one of their frames is.

    Args:
        max_steps: k, agent steps of a bridge at most.
        max_rejoin: n, expert steps after which a bridge has to have rejoined its trajectory.
        refresh_every_n_frames: M, frames from one search to the next.
        untested: whether transitions guide that are neither infeasible nor matched, because the agent has not
            tried enough there. What is inferred of them is a guess; false waits until one or the other is known
            (design choice).
        bridge_steps: what guides:

            - first: a bridge's first step, at s_e (the paper's);
            - all: one of its steps, drawn anew each time, at the agent's own state there: an agent that is half way
              across finds no expert's state to tell it how to go on (design choice);
            - uncovered: its first step, and those in states in which the expert never was: two that differ in one
              state can lead in circles (design choice);
            - best: of all that could guide in a state, bridges' steps and the expert's own transitions, what earns
              most to the episode's end, by the inferred rewards: an expert that takes detours leads in circles, too.
              States are then drawn as ``at_agent`` says. Where states are merged
              (``feasibility.tolerance``), and ways through one that are near each other are not the same, uncovered
              takes its place (design choice).
        at_agent: with best, share of draws that are at the sampled agent states, as far as something guides there: an
            agent that circles is shown the way out as often as it circles. The other draws are of all states, each as
            often as any other, however often the expert passed it: the way may lead through one that it passed once
            (design choice).
        bridge_target: first_step (the target is that of the step that guides) or whole_path (an n-step target from
            there along the bridge; design choice).
    """

    def __init__(
        self,
        max_steps: int = 5,
        max_rejoin: int = 5,
        refresh_every_n_frames: int = 1_000,
        bridge_steps: str = "best",
        at_agent: float = 0.5,
        bridge_target: str = "first_step",
        untested: bool = False,
    ) -> None:
        for field, value in (
            ("max_steps", max_steps),
            ("max_rejoin", max_rejoin),
            ("refresh_every_n_frames", refresh_every_n_frames),
        ):
            if value < 1:
                raise InputError(f"bridging.{field}", value, "give a whole number of at least 1")
        for field, name, choices in (
            ("bridge_steps", bridge_steps, STEPS),
            ("bridge_target", bridge_target, TARGETS),
        ):
            if name not in choices:
                raise InputError(f"bridging.{field}", name, f"choose {' or '.join(choices)}")
        require_within(0, 1, **{"bridging.at_agent": at_agent})
        self.max_steps, self.max_rejoin, self.at_agent = max_steps, max_rejoin, at_agent
        self.bridge_steps, self.bridge_target = bridge_steps, bridge_target
        self.refresh_every_n_frames, self.untested = refresh_every_n_frames, untested
        self._searched_at, self._search_seconds = -1, 0.0

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Find what may be rejoined from each expert transition."""
        expert = ExpertData.of(trainer)
        self._states, self._table, self._feasibility = expert.states, expert.table, Feasibility.of(trainer)
        self._discount, self._stream = pl_module.discount, trainer.datamodule.stream
        everything = torch.arange(self._states.num_transitions)
        later = everything.unsqueeze(1) + torch.arange(self.max_rejoin)
        steps = torch.arange(1, self.max_rejoin + 1)
        remaining = self._states.remaining(everything).unsqueeze(1)
        table = self._feasibility.table
        self._searches = Searches(
            table.node, table.next_node[later.clamp(max=len(everything) - 1)], steps <= remaining, steps == remaining
        )
        self._covered = torch.unique(table.node)
        self._only_best = self.bridge_steps == "best" and not bool((self._feasibility.tolerance > 0).any())
        if self._only_best:
            self._table.node, self._table.at_agent = table.node, self.at_agent
        self.bridges = Bridges.none(len(everything), self.max_steps)
        self._oldest = torch.zeros(len(everything), dtype=torch.int64)
        self._guiding = torch.ones(len(everything), self.max_steps, dtype=torch.bool)
        self._generator = torch.Generator().manual_seed(trainer.datamodule.seed * 1_000_003 + trainer.global_rank)

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: TensorDictBase, batch_idx: int) -> None:
        """Search when it is time, and rewrite the expert's side of the batch."""
        frames = self._stream.frames
        if (
            self._searched_at < 0
            or frames // self.refresh_every_n_frames > self._searched_at // self.refresh_every_n_frames
        ):
            self._searched_at = frames
            self.search()
        self._write(batch)

    def search(self) -> None:
        """Find the bridges of all transitions that are infeasible now."""
        started = time.perf_counter()
        replay, rows = self._stream.replay, self._feasibility.table.infeasible.nonzero().squeeze(1)
        newest_first = replay.newest_first()
        node, next_node, terminated = (
            replay.column(key)[newest_first] for key in (keys.NODE, keys.NEXT_NODE, keys.TERMINATED)
        )
        searches = Searches(*(part[rows] for part in self._searches))
        found = find_bridges(node, next_node, terminated, searches, self.max_steps)
        self.bridges = Bridges.none(len(self._oldest), self.max_steps)
        for whole, part in zip(self.bridges, found, strict=True):
            whole[rows] = part
        # The number of an edge is its age; from here on its place in the replay and the frame it was are of use.
        self._oldest = replay.written - 1 - self.bridges.edges.amax(1)
        on_the_way = self.bridges.edges >= 0
        places = newest_first[self.bridges.edges.clamp(min=0)]
        self.bridges = self.bridges._replace(edges=torch.where(on_the_way, places, -1))
        rewards = torch.where(on_the_way, replay.column(keys.REWARD)[places], 0.0)
        self._table.detours = Detours(self.bridges.length, self.bridges.offset, rewards)
        if self._only_best and len(self._table.episode_returns):
            self._table.sum_returns(self._states.episode_lengths, self._discount)
        self._guiding = self._choose_guidance()
        self._search_seconds = time.perf_counter() - started

    def _choose_guidance(self) -> Tensor:
        """Which steps of each bridge guide, ``[N, k]`` bool; of other transitions the first column says whether."""
        way, length, everything = self.bridges.edges, self.bridges.length, torch.arange(len(self._oldest))
        is_bridge = (length > 0).unsqueeze(1)
        node = self._stream.replay.column(keys.NODE)[way.clamp(min=0)]
        guiding = way >= 0
        if self.bridge_steps == "first":
            guiding[:, 1:] = False
        elif self.bridge_steps != "all" and not self._only_best:
            guiding[:, 1:] &= ~torch.isin(node[:, 1:], self._covered)
        guiding[:, 0] |= length == 0
        if not self._only_best:
            return guiding
        table = self._feasibility.table
        guiding[:, 0] &= is_bridge.squeeze(1) | self._feasible
        node = torch.where(is_bridge, node, table.node.unsqueeze(1))
        from_each = [self._attained(everything, torch.full_like(length, step)) for step in range(self.max_steps)]
        earned = torch.where(is_bridge, torch.stack(from_each, 1), self._table.returns.unsqueeze(1))
        best = best_in_state(node.flatten(), earned.flatten(), guiding.flatten()).view_as(guiding)
        self._table.guides = Guides.of(node, best)
        return best

    @property
    def _feasible(self) -> Tensor:
        """``[N]`` bool: transitions that guide as they are."""
        table = self._feasibility.table
        return ~table.infeasible if self.untested else table.matched & ~table.infeasible

    @property
    def bridged(self) -> Tensor:
        """``[N]`` bool: infeasible transitions that have a bridge, all of whose frames are in the replay."""
        replay = self._stream.replay
        there: Tensor = (self.bridges.length > 0) & (self._oldest >= replay.written - replay.capacity)
        return there & self._feasibility.table.infeasible

    def _write(self, batch: TensorDictBase) -> None:
        expert = batch.get(keys.EXPERT)
        # What is known of the expert, and the replay, stay where the environments are.
        index, valid = expert.get("index").cpu(), expert.get("valid").cpu()
        guiding = self._guiding[index]
        if keys.EXPERT_FIRST_STEP in batch.keys(True):
            step = torch.arange(self.max_steps)
            first, last = (
                batch.get(key).cpu().unsqueeze(-1) for key in (keys.EXPERT_FIRST_STEP, keys.EXPERT_LAST_STEP)
            )
            guiding &= (step >= first) & (step <= last)
        bridged = valid & self.bridged[index] & guiding.any(-1)
        expert.set("bridged", bridged)
        expert.set("valid", valid & (bridged | (self._feasible[index] & guiding[..., 0])))
        if bool(bridged.any()):
            rewrite = self._outcome(index[bridged], guiding[bridged])
            for part in (expert, expert.get("longer", None)):
                for name, value in rewrite.items():
                    if part is not None and part.get(name, None) is not None:
                        part.get(name)[bridged] = value.to(part.get(name))

    def _outcome(self, index: Tensor, guiding: Tensor) -> dict[str, Tensor]:
        """What is learned from bridges: a step of the agent's, where it was made, and what its target is made of."""
        replay, way, length = self._stream.replay, self.bridges.edges[index], self.bridges.length[index]
        drawn = (torch.rand(len(index), generator=self._generator) * guiding.sum(1)).long()
        start = (guiding.cumsum(1) > drawn.unsqueeze(1)).long().argmax(1)
        first = way.gather(1, start.unsqueeze(1)).squeeze(1)
        end = length if self.bridge_target == "whole_path" else start + 1
        last = way.gather(1, end.unsqueeze(1) - 1).squeeze(1)
        outcome = {
            "action": replay.column(keys.ACTION)[first],
            "reward": self._earned(way, start, end),
            "discount": self._discount ** (end - start).float(),
            "terminated": replay.column(keys.TERMINATED)[last],
            "next_observation": replay.column(keys.NEXT_OBSERVATION)[last],
            # The agent has made this step itself: nothing is inferred, and ζ drops out of Φ.
            "inference_confidence": torch.ones(len(index)),
            "return": self._attained(index, start),
        }
        if self.bridge_steps != "first":
            outcome["observation"] = replay.column(keys.OBSERVATION)[first]
        return outcome

    def _attained(self, index: Tensor, start: Tensor) -> Tensor:
        """What bridges earn from a step of theirs on, and the expert after them, ``[S]``."""
        way, length = self.bridges.edges[index], self.bridges.length[index]
        after: Tensor = self._discount ** (length - start).float() * self._rejoined(index)
        return self._earned(way, start, length) + after

    def _earned(self, way: Tensor, start: Tensor, end: Tensor) -> Tensor:
        """Discounted rewards of the steps from ``start`` to before ``end`` of each way, ``[S]``."""
        ahead = torch.arange(self.max_steps) - start.unsqueeze(1)
        rewards = self._discount ** ahead.clamp(min=0) * self._stream.replay.column(keys.REWARD)[way.clamp(min=0)]
        return torch.where((ahead >= 0) & (ahead < (end - start).unsqueeze(1)), rewards, 0.0).sum(1)

    def _rejoined(self, index: Tensor) -> Tensor:
        """The expert's return from where bridges rejoin it, ``[S]``; 0 at its episode's end."""
        offset = self.bridges.offset[index]
        following = (index + offset).clamp(max=len(self._table) - 1)
        return torch.where(offset < self._states.remaining(index), self._table.returns[following], 0.0)

    def metrics(self) -> dict[str, float]:
        """Share of transitions with a bridge; mean length, rejoining point, age, gap; the time of the search."""
        bridged = self.bridged
        row = {"bridging/bridged": float(bridged.float().mean()), "bridging/search_seconds": self._search_seconds}
        if bool(bridged.any()):
            row["bridging/length"] = float(self.bridges.length[bridged].float().mean())
            row["bridging/rejoined_after"] = float(self.bridges.offset[bridged].float().mean())
            age = self._stream.replay.written - self._oldest[bridged]
            row["bridging/age"] = float(age.float().mean())
            row["bridging/gap"] = self._gap(bridged.nonzero().squeeze(1))
        return row

    def _gap(self, index: Tensor) -> float:
        """Mean l2 distance of s_e and the agent's state in which the bridge really begins."""
        begins = self._stream.replay.column(keys.OBSERVATION)[self.bridges.edges[index, 0]]
        difference = begins.flatten(1).float() - self._states.observation(index).flatten(1).float()
        return float(difference.norm(dim=1).mean())

    def rank_state(self) -> dict[str, Any]:
        """The bridges, when they were searched for, and the generator of the draws."""
        state = {"bridges": self.bridges._asdict(), "oldest": self._oldest, "searched_at": self._searched_at}
        return state | {"guiding": self._guiding, "generator": self._generator.get_state()}

    def load_rank_state(self, state: dict[str, Any]) -> None:
        """Go on with them."""
        self.bridges, self._oldest = Bridges(**state["bridges"]), state["oldest"]
        self._searched_at = state["searched_at"]
        self._guiding = state.get("guiding", self._guiding)
        self._generator.set_state(state["generator"])
