"""Locks between processes of one machine, or of several that share a file system which has locks."""

import errno
import fcntl
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

WITHOUT_LOCKS = (errno.EOPNOTSUPP, errno.ENOSYS, errno.ENOLCK, errno.EBADF)
"""What ``flock`` answers on file systems that have no locks, such as some of clusters, or none on folders (NFS)."""


def try_lock(file: IO[bytes]) -> bool | None:
    """Lock an open file, for as long as this process or one that inherits it has it open.

    Args:
        file: open for writing.

    Returns:
        Whether it is ours; ``False`` where another process has it, and ``None``, with a warning, where the file system
        has no locks and nobody can tell.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        _pass_over(error, Path(file.name))
        return None
    return True


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Wait until no other process is in here for the same folder: read a file, change it and write it back inside.

    Args:
        folder: that exists.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as error:
            _pass_over(error, folder)
        yield
    finally:
        os.close(descriptor)


def _pass_over(error: OSError, path: Path) -> None:
    if error.errno not in WITHOUT_LOCKS:
        raise error
    warnings.warn(f"{path} has no locks on this file system: start no second session there", stacklevel=3)
