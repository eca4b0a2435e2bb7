"""The bridge search's time against the size of memory, and against brute force.

    python -m benchmarks.bridge_search --out results/ha_diiqn/bridge_search.json

The memory is a random walk of an agent with four moves on a grid with obstacles, cut into episodes; the expert goes
diagonally on the same grid, 30,000 transitions, and each of the searches starts at one of them. Two worlds: one with
few states, which the walk visits again and again, and one with more states than frames. Writes OUT (JSON), and the same
as a table beside it (CSV and Markdown).
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.machine import machine_facts
from diiqn_lightning.algorithm.bridging import Searches, find_bridges
from diiqn_lightning.report.table import write_table
from tests.algorithm.brute_force_bridges import brute_force_bridges

EXPERT_TRANSITIONS, EPISODE = 30_000, 200
WORLDS = {"few states": 100, "many states": 1_500}
ENTRIES = 507
"""Of a binary observation: those of a maze of 13 × 13 cells with three planes."""
MOVES = np.array([(-1, 0), (0, 1), (1, 0), (0, -1)])


def walk(frames, side, moves, random):
    """Cells before and after each of ``frames`` random steps on a torus with obstacles, and where episodes end."""
    free = random.random((side, side)) > 0.2
    walkers = frames // EPISODE
    cell = random.integers(side, size=(walkers, 2))
    before, after = np.empty((EPISODE, walkers), np.int64), np.empty((EPISODE, walkers), np.int64)
    for step in range(EPISODE):
        target = (cell + moves[random.integers(len(moves), size=walkers)]) % side
        following = np.where(free[target[:, 0], target[:, 1]][:, None], target, cell)
        before[step], after[step] = cell @ [side, 1], following @ [side, 1]
        cell = following
    ends = np.zeros((EPISODE, walkers), np.bool_)
    ends[-1] = True
    # One episode after the other, the newest frame first.
    return tuple(array.T.reshape(-1)[::-1].copy() for array in (before, after, ends))


def problem(frames, side, searches, rejoin, seed=0):
    """A memory and searches in it."""
    random = np.random.default_rng(seed)
    keys = random.integers(-(2**63), 2**63 - 1, size=side * side)
    before, after, ends = walk(frames, side, MOVES, random)
    expert = random.integers(side, size=(EXPERT_TRANSITIONS, 2))
    # Each of the expert's steps goes diagonally, so that none is one of the agent's.
    states = [((expert + step) % side) @ [side, 1] for step in range(rejoin + 1)]
    asked = random.choice(EXPERT_TRANSITIONS, searches, replace=False)
    later = np.stack(states[1:], 1)[asked]
    there = torch.ones(later.shape, dtype=torch.bool)
    question = Searches(
        torch.from_numpy(keys[states[0][asked]]), torch.from_numpy(keys[later]), there, torch.zeros_like(there)
    )
    return torch.from_numpy(keys[before]), torch.from_numpy(keys[after]), torch.from_numpy(ends), question


def seconds(search, *arguments, rounds):
    """Median time, and the answer."""
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        answer = search(*arguments)
        times.append(time.perf_counter() - started)
    return float(np.median(times)), answer


def against_brute_force(asked, found, graph_seconds, observed):
    """Time of two brute forces: one that compares the nodes' numbers, and one that compares observations, as the
    paper's does, for the first ``observed`` of the searches.
    """
    by_number, reference = seconds(brute_force_bridges, *asked, rounds=1)
    same = all(torch.equal(one, other) for one, other in zip(found, reference, strict=True))
    source, target, terminated, question, steps = asked
    some = Searches(*(part[:observed] for part in question))
    nodes, position = torch.cat([source, target, question.start]).unique(return_inverse=True)
    observation_of = torch.rand(len(nodes), ENTRIES, generator=torch.Generator().manual_seed(0)) < 0.5
    memory, number = observation_of[position[: len(source)]].numpy(), {int(n): i for i, n in enumerate(nodes)}

    def transitions_from(wanted):
        states = [observation_of[number[node]].numpy() for node in wanted]
        return np.flatnonzero(np.any([(memory == state).all(1) for state in states], axis=0))

    by_observation, reference = seconds(
        lambda: brute_force_bridges(source, target, terminated, some, steps, transitions_from), rounds=1
    )
    same &= all(torch.equal(one[:observed], other) for one, other in zip(found, reference, strict=True))
    each = by_observation / observed
    return {
        "brute_force_by_number_seconds": by_number,
        "ratio_by_number": by_number / graph_seconds,
        "brute_force_by_observation_seconds_a_search": each,
        "searches_by_observation": observed,
        "ratio_by_observation_a_search": each / (graph_seconds / len(question.start)),
        "same_answers": same,
    }


def figures(rows):
    """What the searches amount to in each world."""
    for world in WORLDS:
        of_world = [row for row in rows if row["world"] == world]
        first, last = of_world[0], of_world[-1]
        growth = (last["graph_seconds"] / last["frames"]) / (first["graph_seconds"] / first["frames"])
        (timed,) = [row for row in of_world if "ratio_by_number" in row]
        yield {
            "world": world,
            "milliseconds_for_all_searches": " / ".join(f"{1000 * row['graph_seconds']:.0f}" for row in of_world),
            "frames_of_memory": " / ".join(f"{row['frames']:,}" for row in of_world),
            "brute_force_by_observation_over_graph": f"{timed['ratio_by_observation_a_search']:,.0f}",
            "brute_force_by_number_over_graph": f"{timed['ratio_by_number']:.0f}",
            "same_answers": timed["same_answers"],
            "time_a_frame_largest_over_smallest": f"{growth:.2f}",
        }


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--sizes", nargs="+", type=int, default=[10_000, 100_000, 1_000_000])
    options.add_argument("--searches", type=int, default=1_000)
    options.add_argument("--steps", type=int, default=5, help="k, and n")
    options.add_argument("--brute_force_at", type=int, default=100_000, help="frames at which brute force is timed too")
    options.add_argument("--observed", type=int, default=20, help="searches that compare observations (they take long)")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--out", type=Path, required=True)
    arguments = options.parse_args()
    torch.set_num_threads(1)
    rows = []
    for world, side in WORLDS.items():
        for size in arguments.sizes:
            asked = (*problem(size, side, arguments.searches, arguments.steps), arguments.steps)
            graph, found = seconds(find_bridges, *asked, rounds=arguments.rounds)
            row = {"world": world, "frames": size, "searches": arguments.searches, "k": arguments.steps}
            row |= {"graph_seconds": graph, "bridged": float((found.length > 0).float().mean())}
            if size == arguments.brute_force_at:
                row |= against_brute_force(asked, found, graph, arguments.observed)
            rows.append(row)
            print(row, flush=True)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps({"machine": machine_facts(1), "rows": rows}, indent=2) + "\n")
    table = list(figures(rows))
    path = arguments.out.with_suffix(".csv")
    path.with_suffix(".md").write_text(write_table(list(table[0]), table, path) + "\n")


if __name__ == "__main__":
    main()
