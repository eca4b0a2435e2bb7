"""Bridges over expert transitions that the agent's actions cannot make (HA-DIIQN, arXiv 2511.03616).

The agent's memory is a graph: states that are equal, or within a tolerance, are one node, and each
transition is an edge. All searches are answered by one backward search from the rejoining states. The paper
searches the memory anew for each transition; the graph is this project's (design choice).
"""

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

Array = np.ndarray[Any, Any]

ROWS_AT_ONCE = 4096
"""Observations whose node is computed at once."""


class Searches(NamedTuple):
    """What bridges are asked for: ``Q`` places to start from, each with ``n`` places to rejoin the expert.

    Args:
        start: node of s_e, ``[Q]`` int64.
        rejoin: nodes of the expert's next states, the nearest in time first, ``[Q, n]`` int64.
        exists: which of them there are: an episode may end before n steps, ``[Q, n]`` bool.
        is_end: which of them are their episode's last state: only there may a bridge end with the
            agent's episode, ``[Q, n]`` bool.
    """

    start: Tensor
    rejoin: Tensor
    exists: Tensor
    is_end: Tensor


class Bridges(NamedTuple):
    """The shortest bridge of each search; of equally short ones the one that rejoins furthest.

    Args:
        length: agent steps, ``[Q]`` int64; 0 where there is no bridge.
        offset: expert steps from the start to where it rejoins, ``[Q]`` int64; 0 where there is none.
        edges: numbers of the transitions on the way, ``[Q, k]`` int64; −1 beyond the bridge's end. Of transitions
            between the same nodes it is the newest.
    """

    length: Tensor
    offset: Tensor
    edges: Tensor

    @classmethod
    def none(cls, searches: int, max_steps: int) -> "Bridges":
        """No bridge for any of them."""
        nothing = torch.zeros(searches, dtype=torch.int64)
        return cls(nothing, nothing.clone(), torch.full((searches, max_steps), -1))


def node_keys(observation: Tensor, tolerance: float | Tensor) -> Tensor:
    """Number of each observation's node: equal for observations that count as one state (design choice).

    Entries are rounded to multiples of the tolerance, so that states of one node differ by at most the
    tolerance in each entry, and hashed to 64 bits: two of a million nodes collide with a probability of about 1e-7, and
    of about 0.2 where entries are floats with few digits (0 and 1), merged only where equal.

    Args:
        observation: ``[F, *O]``, any type.
        tolerance: width of a node in the units of the observation, one for all entries or one for each
            (``[D]``, flattened); 0 merges equal observations alone.

    Returns:
        ``[F]`` int64.
    """
    rows = observation.flatten(1)
    weights = torch.randint(-(2**63), 2**63 - 1, (rows.shape[1],), generator=torch.Generator().manual_seed(0))
    return torch.cat([(_whole_numbers(part, tolerance) * weights).sum(1) for part in rows.split(ROWS_AT_ONCE)])  # type: ignore[no-untyped-call]


def _whole_numbers(rows: Tensor, tolerance: float | Tensor) -> Tensor:
    width = torch.as_tensor(tolerance)
    # + 0.0 makes -0.0 the other zero
    exact = (rows.float() + 0.0).view(torch.int32).long() if rows.is_floating_point() else rows.long()
    if not bool((width > 0).any()):
        return exact
    return torch.where(width > 0, (rows / width.clamp(min=1e-30)).round().long(), exact)


def find_bridges(source: Tensor, target: Tensor, terminated: Tensor, searches: Searches, max_steps: int) -> Bridges:
    """The bridges of all searches, by one depth-limited search backwards from where they rejoin.

    A bridge has at least one step and never crosses an episode's end. Places to rejoin that are the start
    itself do not count: nothing would be gained there.

    Args:
        source: node of each remembered agent transition's state, ``[E]`` int64, the newest transition first.
        target: node of its next state, ``[E]`` int64.
        terminated: whether it ended its episode, ``[E]`` bool: nothing goes on from there.
        searches: what is asked for.
        max_steps: k, agent steps of a bridge at most.

    Returns:
        Bridges whose ``edges`` number the given transitions.
    """
    distinct, answer_of = _distinct(searches)
    graph = _Graph(source.numpy(), target.numpy(), terminated.numpy())
    count, size = len(distinct.start), len(graph.nodes)
    found = Bridges.none(count, max_steps)
    length, offset, edges = (part.numpy() for part in found)
    start = graph.ids(distinct.start.numpy())
    nearest, is_end = _rejoining(graph, distinct)
    levels = [nearest]
    running = start >= 0
    for steps in range(1, max_steps + 1):
        going_on = running[levels[-1].pair // max(1, size)]
        frontier = _Level(*(part[going_on] for part in levels[-1]))
        levels.append(_step_back(graph, frontier, is_end[going_on], levels))
        is_end = np.zeros(len(levels[-1].pair), np.bool_)
        at = _find(levels[-1].pair, np.arange(count) * size + start)
        arrived = np.flatnonzero(running & (at >= 0))
        length[arrived], offset[arrived] = steps, levels[-1].offset[at[arrived]]
        node = start[arrived]
        for step, level in enumerate(reversed(levels[1:])):
            edge = level.edge[_find(level.pair, arrived * size + node)]
            edges[arrived, step], node = graph.number[edge], graph.target[edge]
        running[arrived] = False
    return Bridges(*(part[answer_of] for part in found))


class _Graph:
    """Distinct edges, ordered by their target.

    Attributes:
        nodes: keys of the nodes, rising; a node's number is its position here.
        source, target: numbers of nodes, ``[D]``.
        terminated: ``[D]`` bool.
        number: which of the given transitions an edge is: the first of equal ones, ``[D]``.
        first: edges into node v are those from ``first[v]`` to ``first[v + 1]``.
    """

    def __init__(self, source: Array, target: Array, terminated: Array) -> None:
        moving = np.flatnonzero(source != target)
        source, target, terminated = source[moving], target[moving], terminated[moving]
        # Odd multipliers mix the three into one number; overflow wraps around.
        mixed = source * np.int64(0x1E3779B97F4A7C15) + target * np.int64(0x2545F4914F6CDD1D) + terminated
        _, first = np.unique(mixed, return_index=True)
        self.nodes, inverse = np.unique(np.concatenate([source[first], target[first]]), return_inverse=True)
        order = np.argsort(inverse[len(first) :], kind="stable")
        self.source, self.target = inverse[: len(first)][order], inverse[len(first) :][order]
        self.terminated, self.number = terminated[first][order], moving[first][order]
        self.first = np.searchsorted(self.target, np.arange(len(self.nodes) + 1))

    def ids(self, keys: Array) -> Array:
        """Numbers of nodes by their keys, −1 for those that are not in the graph."""
        return _find(self.nodes, keys)


class _Level(NamedTuple):
    """Pairs of search and node from which as many steps lead to where the search rejoins the expert.

    Args:
        pair: search · nodes + node, rising.
        offset: where the way from there rejoins.
        edge: first edge of that way; −1 at distance 0.
    """

    pair: Array
    offset: Array
    edge: Array


def _rejoining(graph: _Graph, searches: Searches) -> tuple[_Level, Array]:
    """The pairs at distance 0, and which of them are their episode's last state."""
    rejoin, node = searches.rejoin.numpy(), graph.ids(searches.rejoin.numpy())
    usable = searches.exists.numpy() & (node >= 0) & (rejoin != searches.start.numpy()[:, None])
    search, offset = np.nonzero(usable)
    level = _best(_Level(search * len(graph.nodes) + node[usable], offset + 1, np.full(len(search), -1)))
    return level, searches.is_end.numpy()[level.pair // max(1, len(graph.nodes)), level.offset - 1]


def _step_back(graph: _Graph, level: _Level, is_end: Array, before: list[_Level]) -> _Level:
    """The pairs one step further away, without those that were nearer."""
    node = level.pair % max(1, len(graph.nodes))
    into = graph.first[node + 1] - graph.first[node]
    which = np.repeat(np.arange(len(node)), into)
    edge = np.arange(len(which)) - np.repeat(np.cumsum(into) - into, into) + graph.first[node][which]
    usable = ~graph.terminated[edge] | is_end[which]
    which, edge = which[usable], edge[usable]
    pair = level.pair[which] - node[which] + graph.source[edge]
    for nearer in before:
        new = _find(nearer.pair, pair) < 0
        pair, which, edge = pair[new], which[new], edge[new]
    return _best(_Level(pair, level.offset[which], edge), graph.number)


def _best(level: _Level, number: Array | None = None) -> _Level:
    """Of equal pairs the one that rejoins furthest, and of those the one with the newest edge."""
    age = level.edge if number is None else number[level.edge]
    order = np.lexsort((age, -level.offset, level.pair))
    pair = level.pair[order]
    kept = order[np.concatenate([[True], pair[1:] != pair[:-1]])] if len(order) else order
    return _Level(*(part[kept] for part in level))


def _find(rising: Array, wanted: Array) -> Array:
    """Positions of ``wanted`` in ``rising``, −1 where it is not there."""
    at = np.searchsorted(rising, wanted)
    return np.where(np.append(rising, 0)[at] == wanted, np.where(at < len(rising), at, -1), -1)


def _distinct(searches: Searches) -> tuple[Searches, Tensor]:
    """Each search once, and which of them answers each given one."""
    flags = searches.exists.long() + 2 * searches.is_end.long()
    rows = torch.cat([searches.start.unsqueeze(1), torch.where(searches.exists, searches.rejoin, 0), flags], dim=1)
    _, first, answer_of = np.unique(rows.numpy(), axis=0, return_index=True, return_inverse=True)
    return Searches(*(part[torch.from_numpy(first)] for part in searches)), torch.from_numpy(answer_of.reshape(-1))
