"""``python -m diiqn_lightning VERB …``: finds the verb without importing torch."""

import os
import select
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path

from diiqn_lightning import __version__
from diiqn_lightning.compatibility import IncompatibleVersionsError
from diiqn_lightning.errors import InputError
from diiqn_lightning.sweeps.yaml_file import read_yaml

VERBS = {
    "fit": "train an agent from configuration files",
    "validate": "evaluate a checkpoint",
    "test": "evaluate a checkpoint, under the name of a test",
    "record": "record an expert dataset from a trained agent or a policy of your own",
    "inspect": "look at an expert dataset: table, figure, warnings, fit with an environment",
    "convert": "convert expert datasets: .npz, folders, Minari, both ways",
    "report": "compare finished runs: learning curves and returns over seeds",
    "sweep": "run a W&B sweep file without a server: grid and random, resumable",
    "experiment": "run the variants of an experiment and report on them, reusing finished runs",
    "export": "write a trained policy as ONNX and as a program of torch, with a model card",
    "watch": "film an agent at play, beside its expert or another agent",
    "ledger": "list finished runs in one table, for figures and for reuse",
}

HELP = f"""diiqn-lightning {__version__}: learn from an expert's states alone, with double DQN.

usage: python -m diiqn_lightning VERB [options]

verbs
{chr(10).join(f"  {verb:10} {what}" for verb, what in VERBS.items())}

examples
  python -m diiqn_lightning fit --config configs/diiqn.yaml
  python -m diiqn_lightning fit --config configs/diiqn.yaml --config configs/env/asterix.yaml --max_frames 200000
  python -m diiqn_lightning fit --config configs/dqn.yaml --data.env CartPole-v1 --seed_everything 3

Every verb explains itself with --help. `fit --help` lists the options of a run, `fit --model.help DIIQN` (or DQN,
HADIIQN, BCO, …) those of an algorithm, `fit --expert_sampling.help` those of a block of a configuration.
"""


def main(args: Sequence[str] | None = None) -> int:
    """Run one verb.

    Args:
        args: the command line after the program's name; ``None`` takes ``sys.argv``.

    Returns:
        The exit code: 0, or 2 for a refused input, or 130 for an interrupted run.
    """
    arguments = list(sys.argv[1:] if args is None else args)
    if not arguments or arguments[0] in ("-h", "--help"):
        print(HELP)
        return 0
    if arguments[0] == "--version":
        print(__version__)
        return 0
    try:
        code = _run(arguments[0], arguments[1:])
        sys.stdout.flush()
        return code
    except (InputError, IncompatibleVersionsError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        if not _nobody_reads():
            raise
        return 1


def _nobody_reads() -> bool:
    """Whether the reader of the output is gone, as `head` is when it has seen enough; then nothing more is written."""
    output, asked = sys.stdout.fileno(), select.poll()
    asked.register(output, 0)
    if not any(event & select.POLLERR for _, event in asked.poll(0)):
        return False
    os.dup2(os.open(os.devnull, os.O_WRONLY), output)
    return True


def _run(verb: str, arguments: list[str]) -> int:
    if verb not in VERBS:
        close = get_close_matches(verb, VERBS, n=1)
        raise InputError("verb", verb, f"use {close[0] if close else 'one of ' + ', '.join(VERBS)}")
    _check_config_files(arguments)
    module = "training" if verb in ("fit", "validate", "test") else verb
    run = import_module(f"diiqn_lightning.cli.{module}").run
    return int(run([verb, *arguments] if module == "training" else arguments))


def _check_config_files(arguments: list[str]) -> None:
    """Answer for a mistyped file name, and for a file that cannot be read, at once and not after seconds of imports."""
    for position, argument in enumerate(arguments):
        name, _, value = argument.partition("=")
        if name in ("--config", "-c"):
            value = value or (arguments[position + 1] if position + 1 < len(arguments) else "")
            if not Path(value).is_file():
                raise InputError("--config", value, "give the path of a YAML file")
            if not isinstance(read_yaml("--config", Path(value)), dict):
                raise InputError("--config", value, "write options into it, such as `max_frames: 100000`")


if __name__ == "__main__":
    sys.exit(main())
