"""Each fault of tests/cli/test_faults.py and test_wandb.py, and a folder that cannot be written to, again and again.

    python -m benchmarks.faults --times 10 --out results/faults/faults.json

The tests inject real faults into real processes and look at what is left: the message, the exit status, checkpoints.
One that hangs fails by its own time limit. The table says what ended well, and how long it took.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree  # the file is pytest's own
from collections import defaultdict
from pathlib import Path

from benchmarks.machine import machine_facts

TESTS = (
    "tests/cli/test_faults.py",
    "tests/cli/test_wandb.py",
    "tests/cli/test_training.py::test_bad_input_gets_one_sentence[unwritable folder]",
)


def injected(folder):
    """One round: (fault, whether it ended well, seconds) of each."""
    report = Path(folder) / "report.xml"
    command = [sys.executable, "-m", "pytest", "-q", *TESTS, f"--junitxml={report}"]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
    if not report.exists():
        sys.exit(f"pytest wrote no report: try {' '.join(command)}")
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        well = all(case.find(what) is None for what in ("failure", "error", "skipped"))
        yield case.attrib["name"].removeprefix("test_").replace("_", " "), well, float(case.attrib["time"])


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--times", type=int, default=10)
    options.add_argument("--out", type=Path, required=True)
    arguments = options.parse_args()
    found = defaultdict(list)
    for number in range(arguments.times):
        with tempfile.TemporaryDirectory() as folder:
            for fault, well, seconds in injected(folder):
                found[fault].append((well, seconds))
        print(f"round {number + 1}: {sum(results[-1][0] for results in found.values())} of {len(found)}", flush=True)
    rows = [
        {
            "fault": fault,
            "injected": len(results),
            "ended_well": sum(well for well, _ in results),
            "seconds_median": round(statistics.median(seconds for _, seconds in results), 1),
            "seconds_longest": round(max(seconds for _, seconds in results), 1),
        }
        for fault, results in found.items()
    ]
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps({"machine": machine_facts(1), "faults": rows}, indent=2) + "\n")
    lines = ["| fault | injected | ended well | seconds, median | longest |", "|---|---|---|---|---|"]
    lines += ["| " + " | ".join(str(entry) for entry in row.values()) + " |" for row in rows]
    arguments.out.with_suffix(".md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
