"""The parser of ``fit``, ``validate`` and ``test``: bad arguments get one sentence."""

from typing import Any, NoReturn

from lightning.pytorch.cli import LightningArgumentParser

from diiqn_lightning.cli.messages import cause_of, one_sentence
from diiqn_lightning.errors import InputError


class OneSentenceParser(LightningArgumentParser):
    """Answers bad arguments with one sentence and exit code 2."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # A misspelt option must not pass for the beginning of another one.
        super().__init__(*args, **(kwargs | {"allow_abbrev": False}))

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raise the sentence; ``__main__`` prints it."""
        if isinstance(cause := ex and cause_of(ex, InputError), InputError):
            raise cause
        raise ParsingError(one_sentence(message))


class ParsingError(InputError):
    """A refused command line or configuration file."""

    def __init__(self, sentence: str) -> None:
        ValueError.__init__(self, sentence)
