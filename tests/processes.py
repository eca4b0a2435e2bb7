"""Runs in processes of their own that need not import everything anew: of a short run, that is most of its time.

They are forked from a server that has imported the command line and done nothing else. Runs of several ranks are not
started like this: Lightning starts the other ranks by the command that it finds itself started by.
"""

import multiprocessing
import os
import sys
import tempfile
from pathlib import Path

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["diiqn_lightning.cli.training", "tests.conftest"])


def _run(arguments, folder, environment, errors):
    """In the new process."""
    os.setsid()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    with Path(errors).open("w") as file:
        os.dup2(file.fileno(), 2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.argv[1:] = arguments
    from diiqn_lightning.__main__ import main

    sys.exit(main(arguments))


class Forked:
    """What the tests use of :class:`subprocess.Popen`; the leader of a process group."""

    def __init__(self, arguments, environment):
        handle, self._errors = tempfile.mkstemp()
        os.close(handle)
        self._process = CONTEXT.Process(target=_run, args=(arguments, str(Path.cwd()), environment, self._errors))
        self._process.start()
        self.pid = self._process.pid

    @property
    def returncode(self):
        """Negative for a signal."""
        return self._process.exitcode

    def poll(self):
        """The exit code, or nothing while it runs."""
        return self.returncode

    def communicate(self):
        """Wait; nothing of what it printed, and what it complained of, in bytes."""
        self._process.join()
        errors = Path(self._errors)
        complaint = errors.read_bytes()
        errors.unlink()
        return b"", complaint


def start(arguments, resume):
    """As ``benchmarks.kill_and_resume.start`` does, for one rank."""
    environment = {name: value for name, value in os.environ.items() if name != "DIIQN_LIGHTNING_RUN_DIR"}
    assert arguments[:3] == [sys.executable, "-m", "diiqn_lightning"]
    return Forked([*arguments[3:], *(["--ckpt_path=last"] if resume else [])], environment)
