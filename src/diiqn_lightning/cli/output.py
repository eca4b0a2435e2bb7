"""Results that appear under their name only when they are whole."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from diiqn_lightning.errors import InputError, writing


def check_new_folder(field: str, folder: Path) -> None:
    """Refuse a folder that holds something, before any work is done for it.

    Args:
        field: the option that names it.
        folder: need not exist.

    Raises:
        InputError: if it is a file, has something in it, or lies in a folder that is not there.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(field, str(folder), "it is there already; give a new or empty folder")
    if not folder.absolute().parent.is_dir():
        raise InputError(field, str(folder), f"make the folder {folder.parent} first")


@contextmanager
def new_folder(field: str, folder: Path) -> Iterator[Path]:
    """A folder to write into, which gets its name at the end; whatever fails before leaves nothing.

    Args:
        field: the option that names it.
        folder: as :func:`check_new_folder` lets it pass.
    """
    aside = folder.absolute().with_name(f".{folder.absolute().name}.partial")
    try:
        with writing(field, folder):
            shutil.rmtree(aside, ignore_errors=True)
            aside.mkdir()
            yield aside
            aside.replace(folder.absolute())
    finally:
        shutil.rmtree(aside, ignore_errors=True)
