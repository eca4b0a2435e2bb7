"""Measuring in turns: A B A B …, because a machine whose speed drifts must not favour whoever runs when it is fast."""

import argparse
import json
import shlex
import statistics
import sys
import time
from pathlib import Path

from benchmarks.machine import machine_facts


def options_of(description, rounds):
    """The options that every benchmark has; the default of ``--rounds`` is its own."""
    options = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=rounds, help=f"turns that each contestant gets ({rounds})")
    options.add_argument("--out", type=Path, required=True, help="JSON file to write")
    return options


def in_turns(contestants, rounds, unit=""):
    """Measure each contestant once a round: ``{name: function of nothing}`` to ``{name: [value of each round]}``.

    A name is a string, or a tuple of what tells the contestants apart (see :func:`rows`).
    """
    measured = {name: [] for name in contestants}
    for number in range(rounds):
        for name, measure in contestants.items():
            measured[name].append(value := measure())
            words = name if isinstance(name, str) else " ".join(map(str, name))
            print(f"round {number + 1}: {words}: {value:,.5g} {unit}", file=sys.stderr, flush=True)
    return measured


def medians(measured):
    return {name: statistics.median(values) for name, values in measured.items()}


def ratios(measured, pairs):
    """Of each pair that was measured: the ratio in each round, in which both saw the same machine, and its median."""
    found = {}
    for name, other in pairs:
        if name in measured and other in measured:
            rounds = [round(a / b, 3) for a, b in zip(measured[name], measured[other], strict=True)]
            found[f"{name}_over_{other}"] = {"rounds": rounds, "median": statistics.median(rounds)}
    return found


def rows(measured, fields, value, beside):
    """A table: a row for each contestant, whose name is a tuple of ``fields``.

    Args:
        measured: as from :func:`in_turns`.
        fields: what the entries of a name are.
        value: what the measured values are.
        beside: a field and an entry: the contestant that is the same but for it is what a row is compared with, as the
            median over rounds of their ratios.
    """
    field, entry = beside
    position = fields.index(field)
    table = []
    for name, values in measured.items():
        row = dict(zip(fields, name, strict=True)) | {value: values, "median": statistics.median(values)}
        other = measured.get((*name[:position], entry, *name[position + 1 :]))
        if other is not None and name[position] != entry:
            row[f"over_{entry}"] = statistics.median(a / b for a, b in zip(values, other, strict=True))
        table.append({key: _short(part) for key, part in row.items()})
    return table


def _short(part):
    """Floats to five digits."""
    if isinstance(part, list):
        return [_short(entry) for entry in part]
    return float(f"{part:.5g}") if isinstance(part, float) else part


def seconds_per_call(call, at_least=0.2):
    """Mean seconds of a call, over as many calls as take ``at_least`` seconds; a call before them is not counted."""
    call()
    calls, started = 0, time.perf_counter()
    while (passed := time.perf_counter() - started) < at_least or not calls:
        call()
        calls += 1
    return passed / calls


def write(result, out, threads, script):
    """Write what was measured, with the command and the machine, as JSON; print it too."""
    command = shlex.join(["python", "-m", f"benchmarks.{script}", *sys.argv[1:]])
    text = json.dumps({"command": command, "machine": machine_facts(threads), **result}, indent=2)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text + "\n")
    print(text)
