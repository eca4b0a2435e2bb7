"""Asks the real parser of ``fit`` about runs before any of them starts."""

import multiprocessing
import os
import signal
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from diiqn_lightning.errors import InputError
from diiqn_lightning.sweeps.cells import RunFacts

Options = tuple[str, ...]


class RefusedRunError(InputError):
    """Options that ``fit`` would refuse.

    Args:
        name: of the run.
        reason: what ``fit`` says.
    """

    def __init__(self, name: str, reason: str) -> None:
        ValueError.__init__(self, f"{name}: {reason}")


def resolve(runs: Iterable[tuple[str, Options]]) -> dict[Options, RunFacts]:
    """Build each run as far as its first frame.

    Args:
        runs: a name for the sentence, and options of ``fit``. Equal options are looked at once.

    Returns:
        Facts by options.

    Raises:
        InputError: for the first one that is refused, with the reason that ``fit`` gives.
    """
    names: dict[Options, str] = {}
    for name, options in runs:
        names.setdefault(options, name)
    facts: dict[Options, RunFacts] = {}
    with _answers(list(names)) as answers:
        for options, answer in zip(names, answers, strict=True):
            if isinstance(answer, str):
                raise RefusedRunError(names[options], answer)
            facts[options] = answer
    return facts


@contextmanager
def _answers(runs: Sequence[Options]) -> Iterator[Iterator[RunFacts | str]]:
    """What ``fit`` says of each run, one after another.

    A process of its own says it, and takes its memory, most of a gigabyte, away with it: who runs cells for days
    needs little. Where torch is here anyway, there is nothing to save.
    """
    if "torch" in sys.modules:
        yield map(_resolve_one, runs)
        return
    # Ctrl-C reaches both processes: the other one need not complain of it.
    context, deaf = multiprocessing.get_context("spawn"), (signal.SIGINT, signal.SIG_IGN)
    with ProcessPoolExecutor(1, mp_context=context, initializer=signal.signal, initargs=deaf) as pool:
        try:
            yield pool.map(_resolve_one, runs)
        finally:
            pool.shutdown(cancel_futures=True)


def _resolve_one(options: Sequence[str]) -> RunFacts | str:
    """Facts of a run, or what ``fit`` has against it."""
    from diiqn_lightning.cli.lightning_defaults import quiet_libraries
    from diiqn_lightning.cli.messages import cause_of
    from diiqn_lightning.cli.processes import RUN_DIR_OF_PARENT
    from diiqn_lightning.cli.training import TrainingCLI
    from diiqn_lightning.compatibility import check_torchrl
    from diiqn_lightning.report.run_key import run_key

    quiet_libraries()
    try:
        check_torchrl()
        with tempfile.TemporaryDirectory() as folder:
            cli = TrainingCLI(["fit", *options, f"--run_dir={Path(folder) / 'run'}"], build_only=True)
    except (ValueError, TypeError) as error:
        if (cause := cause_of(error, InputError)) is None:
            raise
        return str(cause)
    finally:
        os.environ.pop(RUN_DIR_OF_PARENT, None)
    config = cli.config["fit"]
    return RunFacts(
        run_key(cli.resolved_config(), (cli.expert_facts or {}).get("hash")),
        config.algorithm,
        cli.environment,
        config.seed_everything,
        config.max_frames,
    )
