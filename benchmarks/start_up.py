"""Seconds until the command line answers, in turns, and whether it imports torch for that.

    python -m benchmarks.start_up --out results/speed/start_up.json

The process is timed from its start to its end. `import torch` stands beside it for scale.
"""

import subprocess
import sys
import time

from benchmarks.turns import in_turns, medians, options_of, write

QUESTIONS = {  # arguments of the command line, and the exit code that answers them
    "--help": (["--help"], 0),
    "an unknown verb": (["fti"], 2),
    "a missing configuration file": (["fit", "--config", "missing.yaml"], 2),
    "fit --help": (["fit", "--help"], 0),
}
LEAVES_TORCH_ALONE = """
import sys
from diiqn_lightning.__main__ import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
sys.exit("torch" in sys.modules)
"""


def seconds(command, code):
    started = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    passed = time.perf_counter() - started
    if done.returncode != code:
        sys.exit(f"{command} ended with {done.returncode} in place of {code}")
    return passed


def imports_torch(arguments):
    """Whether the command line imports torch to answer."""
    command = [sys.executable, "-c", LEAVES_TORCH_ALONE, *arguments]
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode != 0


def main():
    options = options_of(__doc__, rounds=5)
    options.add_argument("--only", nargs="+", choices=QUESTIONS, default=list(QUESTIONS), metavar="QUESTION")
    arguments = options.parse_args()
    turns = {"import torch": lambda: seconds([sys.executable, "-c", "import torch"], 0)}
    for name in arguments.only:
        asked, code = QUESTIONS[name]
        command = [sys.executable, "-m", "diiqn_lightning", *asked]
        turns[name] = lambda command=command, code=code: seconds(command, code)
    measured = in_turns(turns, arguments.rounds, "s")
    result = {
        "seconds": {name: [round(value, 3) for value in values] for name, values in measured.items()},
        "median": {name: round(value, 3) for name, value in medians(measured).items()},
        "imports_torch": {name: imports_torch(QUESTIONS[name][0]) for name in arguments.only},
    }
    write(result, arguments.out, 1, "start_up")


if __name__ == "__main__":
    main()
