"""Refuses a torch and torchrl that do not fit together, before anything is built on them."""

import importlib
from importlib.metadata import version


class IncompatibleVersionsError(RuntimeError):
    """torchrl's compiled part was built for another torch than the installed one."""


def check_torchrl() -> None:
    """Load torchrl's compiled part, which prioritized replay needs.

    Raises:
        IncompatibleVersionsError: with both versions and the remedy, in one sentence.
    """
    import torch  # noqa: F401 - the extension needs torch's symbols loaded first

    try:
        extension = importlib.import_module("torchrl._torchrl")
        _ = extension.SumSegmentTreeFp32
    except (ImportError, AttributeError) as error:
        raise IncompatibleVersionsError(
            f"torchrl {version('torchrl')} cannot load its compiled part with torch {version('torch')}: "
            "install a pair that was built together, for example with `pip install -c constraints.txt torch torchrl`."
        ) from error
