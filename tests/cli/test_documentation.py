"""The commands that the pages show are commands that there are."""

import re
import shlex
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

from diiqn_lightning.__main__ import VERBS
from diiqn_lightning.cli.training import TrainingCLI
from diiqn_lightning.errors import InputError

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TRAINING = ("fit", "validate", "test")
BLOCK = re.compile(r"^```(?:\w*)\n(.*?)^```", re.M | re.S)


def commands(page):
    for block in BLOCK.findall(page.read_text()):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("python -m diiqn_lightning "):
                yield shlex.split(line, comments=True)[3:]


SHOWN = [pytest.param(words, id=f"{page.stem}: {shlex.join(words)}") for page in PAGES for words in commands(page)]


class BuiltError(Exception):
    """The parser is there, and no run is wanted."""


class ParserAlone(TrainingCLI):
    def parse_arguments(self, parser, args):
        raise BuiltError(parser)


@cache
def training_parser():
    with pytest.raises(BuiltError) as built:
        ParserAlone([])
    return built.value.args[0]


def parse(words):
    verb, *arguments = words
    if verb in TRAINING:
        training_parser().parse_args(words)
    elif verb in VERBS:
        import_module(f"diiqn_lightning.cli.{verb}").parser().parse_args(arguments)
    else:
        assert words in (["--help"], ["--version"]), f"{verb} is no verb"


def asks_for_help(words):
    return "--help" in words or "--print_config" in words


@pytest.mark.parametrize("words", SHOWN)
def test_is_understood(words, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    named = [words[place + 1] for place, word in enumerate(words) if word == "--config"]
    assert not [name for name in named if name.startswith("configs/") and not (ROOT / name).is_file()]
    if asks_for_help(words):
        assert words[0] in (*VERBS, "--help")
        return
    # A configuration that only a run writes stands for one that is there.
    words = ["configs/diiqn.yaml" if word.endswith("/config.yaml") else word for word in words]
    if any(word.endswith(".help") for word in words):
        with pytest.raises(SystemExit) as ended:
            parse(words)
        assert ended.value.code in (0, None)
        return
    parse(words)


def test_there_is_something_to_check_on_each_page_that_teaches():
    for name in ("quickstart", "own_expert", "own_environment", "using_an_agent"):
        assert list(commands(ROOT / "docs" / f"{name}.md")), name


@pytest.mark.parametrize("words", [["fit", "--config", "configs/diiqn.yaml", "--max_frame=3"], ["watch", "--outt=a"]])
def test_a_command_that_is_wrong_is_found(words, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    with pytest.raises((SystemExit, InputError)):
        parse(words)
