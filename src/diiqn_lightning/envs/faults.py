"""An environment that fails is named, with what it did and what to do."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from diiqn_lightning.errors import InputError

GO_ON = "mend the environment; the run can go on from its last checkpoint with --ckpt_path last"


@contextmanager
def naming_the_environment(remedy: str = GO_ON) -> Iterator[None]:
    """Turn whatever an environment raises into a sentence.

    Args:
        remedy: what to do then.

    Raises:
        InputError: that says what was raised, and where.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        what = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise InputError(
            "data.env",
            f"an environment that raised {what} (line {where.lineno} of {where.filename})",
            remedy,
        ) from error
