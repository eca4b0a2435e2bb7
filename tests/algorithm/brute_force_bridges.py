"""The bridge search as the paper describes it: through the whole memory, for each transition anew."""

import numpy as np

from diiqn_lightning.algorithm.bridging import Bridges


def brute_force_bridges(source, target, terminated, searches, max_steps, transitions_from=None):
    """The same answers as ``find_bridges``, by scanning all transitions for every step of every search.

    ``transitions_from`` gives the transitions that begin in one of some nodes, by default those with its number.
    """
    if transitions_from is None:

        def transitions_from(nodes):
            return np.flatnonzero(np.isin(source.numpy(), nodes))

    found = Bridges.none(len(searches.start), max_steps)
    for row in range(len(searches.start)):
        start, rejoin, exists, is_end = (part[row].numpy() for part in searches)
        memory = (transitions_from, source.numpy(), target.numpy(), terminated.numpy())
        bridge = _search(*memory, start, rejoin, exists, is_end, max_steps)
        if bridge is not None:
            length, offset, way = bridge
            found.length[row], found.offset[row] = length, offset
            for step, edge in enumerate(way):
                found.edges[row, step] = edge
    return found


def _search(transitions_from, source, target, terminated, start, rejoin, exists, is_end, max_steps):
    offset_of, ends = {}, set()
    for offset, (node, there, end) in enumerate(zip(rejoin, exists, is_end, strict=True), start=1):
        if there and node != start:
            offset_of[node] = offset
            ends.discard(node)
            if end:
                ends.add(node)
    # Ways from the start to each node: at each length, the way of newest transitions (the smallest numbers).
    ways, seen = {int(start): ()}, {int(start)}
    for length in range(1, max_steps + 1):
        edges = transitions_from(list(ways))
        arrived, longer = [], {}
        for edge in edges:
            node, way = int(target[edge]), (*ways[int(source[edge])], int(edge))
            if node in offset_of and (not terminated[edge] or node in ends):
                arrived.append((-offset_of[node], way))
            if not terminated[edge] and node not in seen:
                longer[node] = min(longer.get(node, way), way)
        if arrived:
            offset, way = min(arrived)
            return length, -offset, way
        ways, seen = longer, seen | longer.keys()
    return None
