"""Which source a run was made with."""

import os
import subprocess
from pathlib import Path

VARIABLE = "DIIQN_LIGHTNING_REVISION"
"""Names the revision where there is no checkout, as in a container; set when its image is built."""


def git_revision(source: Path = Path(__file__)) -> str | None:
    """Commit of the source that runs, with ``-dirty`` if it was changed.

    Args:
        source: a file of it.

    Returns:
        What :data:`VARIABLE` says outside a checkout of the source, or ``None``. A package that is installed somewhere
        inside another project's checkout is none of that project's.
    """
    try:
        _git(source, "ls-files", "--error-unmatch", source.name)
        commit = _git(source, "rev-parse", "--short=12", "HEAD")
        changed = _git(source, "status", "--porcelain", "--untracked-files=no")
        return f"{commit}-dirty" if changed else commit
    except (OSError, subprocess.SubprocessError):
        return os.environ.get(VARIABLE) or None


def _git(source: Path, *command: str) -> str:
    # Without a lock on the index: a run that is killed meanwhile would leave it behind, and git refuse to commit.
    asked = ["git", "--no-optional-locks", *command]
    done = subprocess.run(asked, cwd=source.parent, capture_output=True, text=True, timeout=10, check=True)
    return done.stdout.strip()
