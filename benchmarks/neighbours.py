"""Neighbour search and action inference against the expert's size and the observation's dimension.

    python -m benchmarks.neighbours --out results/neighbours/neighbours.json

A chunk is one step of 32 environments: each frame is compared with every expert transition, and the 5 nearest expert
states are looked for. Brute force does so by float32 matrix products with all transitions, one for s and one for s',
whose matrices are laid out beforehand; that a dataset repeats transitions is used by the searches alone. It, the exact
search and, where it is installed, faiss take turns on the same chunks.

Two kinds of expert: `game` plays MinAtar's Asterix (400 entries) at random, and the agent does the same with other
seeds; `walk` is a walk of as many marks as a twentieth of the entries, three of which move a place at each step, from
whose states the agent's walks begin. Writes OUT (JSON) and the same as a table beside it (CSV and Markdown).
"""

import argparse
import importlib.util
import json
import statistics
import time
from pathlib import Path

import minatar
import numpy as np
import torch

from benchmarks.machine import machine_facts
from diiqn_lightning.arithmetic import set_up_arithmetic
from diiqn_lightning.experts import ExpertStates, NeighbourIndex
from diiqn_lightning.experts.distinct import DistinctTransitions
from diiqn_lightning.experts.searches import build_search
from diiqn_lightning.report.table import write_table

ENVIRONMENTS, EPISODE, NEIGHBOURS, SIMILARITY, ERROR_MAX = 32, 500, 5, 0.97, 8
COLUMNS = [
    *("expert", "transitions", "distinct", "entries", "brute_force_ms", "exact_ms", "exact_times_faster"),
    *("same_answers", "faiss_ms", "faiss_times_faster", "faiss_recall_inference", "faiss_recall_neighbours"),
]


def walk(start, steps, random, entries):
    """States of walks, ``[walkers, steps + 1, entries]``, that begin with marks at ``start``, ``[walkers, marks]``."""
    at, walkers = start.copy(), np.arange(len(start))
    states = np.zeros((len(start), steps + 1, entries), np.bool_)
    for step in range(steps + 1):
        states[walkers[:, None], step, at] = True
        for _ in range(3):
            moving = random.integers(at.shape[1], size=len(at))
            at[walkers, moving] = (at[walkers, moving] + random.choice([-1, 1], len(at))) % entries
    return states


def walks(transitions, entries, chunks, random):
    """An expert's and an agent's."""
    steps = min(EPISODE, transitions)
    marks = random.integers(entries, size=(-(-transitions // steps), entries // 20))
    expert = walk(marks, steps, random, entries)
    agent = walk(marks[random.integers(len(marks), size=ENVIRONMENTS)], chunks, random, entries)
    return expert.reshape(-1, entries), np.arange(1, len(marks) + 1) * (steps + 1), agent


def played(transitions, seed):
    """Random play: states, and where episodes end (the last one is cut)."""
    environment = minatar.Environment("asterix")
    environment.seed(seed)
    random, states, ends = np.random.default_rng(seed), [], []
    environment.reset()
    while len(states) - len(ends) <= transitions:
        states.append(np.packbits(environment.state()))
        if environment.act(int(random.integers(6)))[1]:
            # What a terminal state looks like does not matter here: it is the episode's last one.
            states.append(np.packbits(environment.state()))
            ends.append(len(states))
            environment.reset()
    ends = [*ends, len(states)] if not ends or ends[-1] < len(states) - 1 else ends
    return np.unpackbits(np.stack(states[: ends[-1]]), axis=1).astype(np.bool_), np.array(ends)


def games(transitions, chunks):
    """An expert's and an agent's."""
    states, ends = played(transitions, seed=0)
    agent = [played(chunks, seed=1 + number)[0][: chunks + 1] for number in range(ENVIRONMENTS)]
    return states, ends, np.stack(agent)


class BruteForce:
    """Float32 matrix products with all of the expert's transitions."""

    def __init__(self, states):
        at = torch.arange(states.num_transitions)
        self.ends = [part(at).flatten(1).float() for part in (states.observation, states.next_observation)]
        self.sizes = [matrix.sum(1) for matrix in self.ends]

    def distances(self, observation, end):
        """From the first (0) or second (1) states, ``[F, N]``: entries set in either less twice those set in both."""
        own = observation.float()
        return torch.addmm(own.sum(1, keepdim=True) + self.sizes[end], own, self.ends[end].T, alpha=-2)

    def chunk(self, observation, next_observation):
        """The closest frame for each transition, its distance, and the neighbours' distances for each frame."""
        near = self.distances(observation, 0)
        error, frame = (near + self.distances(next_observation, 1)).min(0)
        return error, frame, near.topk(NEIGHBOURS, dim=1, largest=False).values


class Searching:
    """This project's search with one of its backends."""

    def __init__(self, states, distinct, backend):
        started = time.perf_counter()
        self.states, self.search = states, build_search(distinct, "hamming", backend)
        self.index = NeighbourIndex(states, "hamming", NEIGHBOURS, SIMILARITY, search=self.search)
        self.limit = self.search.limits(np.full(states.num_transitions, np.inf, np.float32))
        self.build_seconds = time.perf_counter() - started

    def chunk(self, observation, next_observation):
        """Lowers the limits, and finds the neighbours."""
        self.search.closer(observation, next_observation, self.limit, within=ERROR_MAX)
        return self.index.search(observation)

    @property
    def error(self):
        """Of each of the dataset's transitions."""
        return torch.from_numpy(self.limit[self.search.distinct.position_of])


def timed(function, *arguments):
    started = time.perf_counter()
    answer = function(*arguments)
    return time.perf_counter() - started, answer


def neighbour_distances(states, observation, found):
    """Distance of each neighbour that was found, +inf where there is none, ``[F, K]``."""
    away = (
        states.observation(found.clamp(min=0).long().flatten()).unflatten(0, found.shape) ^ observation[:, None]
    ).sum(2)
    return torch.where(found >= 0, away.float(), torch.inf)


def measure(kind, states, ends, agent, arguments):
    """One row of the table."""
    states, agent = ExpertStates(torch.from_numpy(states), torch.from_numpy(ends)), torch.from_numpy(agent)
    distinct_seconds, distinct = timed(DistinctTransitions, states)
    backends = ["exact", *(["faiss"] if importlib.util.find_spec("faiss") else [])]
    searching = {backend: Searching(states, distinct, backend) for backend in backends}
    brute_force, times, same = BruteForce(states), {"brute_force": []} | {backend: [] for backend in backends}, True
    recalled = found_by_exact = 0
    reach = (1 - SIMILARITY) * states.states.shape[1]
    for chunk in range(arguments.warm_up + arguments.rounds):
        pair = agent[:, chunk], agent[:, chunk + 1]
        error, answers = searching["exact"].error, {}
        for backend, search in searching.items():
            seconds, answers[backend] = timed(search.chunk, *pair)
            if chunk >= arguments.warm_up:
                times[backend].append(seconds)
        away = {backend: neighbour_distances(states, pair[0], answer) for backend, answer in answers.items()}
        if "faiss" in away:
            there = torch.isfinite(away["exact"])
            recalled += int((away["faiss"] == away["exact"])[there].sum())
            found_by_exact += int(there.sum())
        if chunk >= arguments.warm_up:
            seconds, (closest, _, nearest) = timed(brute_force.chunk, *pair)
            times["brute_force"].append(seconds)
            same &= torch.equal(searching["exact"].error, torch.minimum(error, closest))
            same &= torch.equal(away["exact"], torch.where(nearest <= reach, nearest, torch.inf))
    median = {name: 1000 * statistics.median(values) for name, values in times.items()}
    row = {"expert": kind, "transitions": states.num_transitions, "distinct": len(distinct.starts)}
    row |= {"entries": states.states.shape[1], "same_answers": same, "distinct_seconds": distinct_seconds}
    for name, milliseconds in median.items():
        row[f"{name}_ms"] = round(milliseconds, 3)
    for backend, search in searching.items():
        row[f"{backend}_times_faster"] = round(median["brute_force"] / median[backend], 1)
        row[f"{backend}_build_seconds"] = round(search.build_seconds, 2)
    if "faiss" in searching:
        exact, approximate = searching["exact"].error, searching["faiss"].error
        matters = exact <= ERROR_MAX
        row["faiss_recall_inference"] = round(float((exact == approximate)[matters].float().mean()), 4)
        row["faiss_recall_neighbours"] = round(recalled / found_by_exact, 4) if found_by_exact else None
        row["matched_within_error_max"] = int(matters.sum())
    return row


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--sizes", nargs="*", type=int, default=[1_000, 10_000, 100_000, 1_000_000])
    options.add_argument("--dimensions", nargs="*", type=int, default=[100, 200, 400, 700, 1_000])
    options.add_argument("--at", type=int, default=100_000, help="transitions with which dimensions are compared")
    options.add_argument("--warm_up", type=int, default=30, help="chunks before those that are timed")
    options.add_argument("--rounds", type=int, default=15)
    options.add_argument("--threads", type=int, default=1)
    options.add_argument("--out", type=Path, required=True)
    arguments = options.parse_args()
    set_up_arithmetic(arguments.threads)
    chunks, rows = arguments.warm_up + arguments.rounds + 1, []
    random = np.random.default_rng(0)
    problems = [("game", size, 400) for size in arguments.sizes]
    problems += [("walk", size, 400) for size in arguments.sizes]
    problems += [("walk", arguments.at, entries) for entries in arguments.dimensions]
    for kind, size, entries in dict.fromkeys(problems):
        problem = games(size, chunks) if kind == "game" else walks(size, entries, chunks, random)
        rows.append(measure(kind, *problem, arguments))
        print(json.dumps(rows[-1]), flush=True)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    facts = machine_facts(arguments.threads)
    record = {"machine": facts, "frames_in_a_chunk": ENVIRONMENTS, "rounds": arguments.rounds, "rows": rows}
    arguments.out.write_text(json.dumps(record, indent=2) + "\n")
    table = [{column: row.get(column, "not installed") for column in COLUMNS} for row in rows]
    path = arguments.out.with_suffix(".csv")
    path.with_suffix(".md").write_text(write_table(COLUMNS, table, path) + "\n")


if __name__ == "__main__":
    main()
