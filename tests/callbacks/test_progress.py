"""The progress bar on a real terminal: a pseudo-terminal of the kernel's."""

import os
import pty
import subprocess
import sys

from tests.cli.test_training import CONFIGS, CORRIDOR, CORRIDOR_PROCESS, fit


def read_all(descriptor):
    parts = []
    while True:
        try:
            part = os.read(descriptor, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        parts.append(part)
    return b"".join(parts).decode()


def test_a_terminal_shows_frames_speed_and_return(tmp_path):
    ours, theirs = pty.openpty()
    arguments = [str(part) for part in fit("dqn", tmp_path / "run", *CORRIDOR, "--video=null", frames=2000)]
    process = subprocess.Popen(
        [sys.executable, "-c", CORRIDOR_PROCESS, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        cwd=CONFIGS.parent,
        env={k: v for k, v in os.environ.items() if k != "DIIQN_LIGHTNING_RUN_DIR"} | {"COLUMNS": "160"},
    )
    os.close(theirs)
    shown = read_all(ours)
    os.close(ours)
    assert process.wait(timeout=60) == 0
    for part in ("2000/2000", "return", "evaluated", "frames/s"):
        assert part in shown, part
