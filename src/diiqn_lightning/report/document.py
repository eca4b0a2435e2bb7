"""A report as a list of sections, before it is HTML or Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Text:
    """A paragraph; `code` between backticks and *emphasis* between asterisks."""

    text: str


@dataclass(frozen=True)
class Items:
    """A list of such texts."""

    items: Sequence[str]


@dataclass(frozen=True)
class Code:
    """Lines as they are."""

    text: str


@dataclass(frozen=True)
class Table:
    """A table.

    Args:
        caption: what it shows.
        columns: their names.
        rows: cells as texts, one for each column.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Picture:
    """A figure.

    Args:
        name: of its files, without suffix: a PNG and an SVG.
        alt: what it shows, for those who do not see it.
        caption: how to read it.
        folder: where the files are, absolute or relative to the report's folder.
    """

    name: str
    alt: str
    caption: str
    folder: Path


Block = Text | Items | Code | Table | Picture


@dataclass(frozen=True)
class Section:
    """A heading and what is below it.

    Args:
        title: the heading.
        blocks: in order.
    """

    title: str
    blocks: list[Block] = field(default_factory=list)

    @property
    def anchor(self) -> str:
        """For links: the title in lower case, as Markdown's viewers make it."""
        kept = "".join(letter for letter in self.title.lower() if letter.isalnum() or letter in " -")
        return kept.replace(" ", "-")


@dataclass(frozen=True)
class Document:
    """A report.

    Args:
        title: the heading of all.
        sections: in order.
    """

    title: str
    sections: Sequence[Section]
