"""A report as Markdown, with its figures as files."""

from diiqn_lightning.report.document import Block, Code, Document, Items, Picture, Table, Text

FIGURES = "figures"
"""Folder of the figures, beside ``report.md``."""


def markdown_page(document: Document) -> str:
    """The whole page, with a table of contents."""
    parts = [f"# {document.title}", "\n".join(f"- [{each.title}](#{each.anchor})" for each in document.sections)]
    for section in document.sections:
        parts += [f"## {section.title}", *(_block(block) for block in section.blocks)]
    return "\n\n".join(parts) + "\n"


def _block(block: Block) -> str:
    match block:
        case Text(text):
            return text
        case Items(items):
            return "\n".join(f"- {item}" for item in items)
        case Code(text):
            return f"```\n{text}\n```"
        case Table(caption, columns, rows):
            lines = [columns, ["---"] * len(columns), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
            return f"{caption}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)
        case Picture(name, alt, caption):
            return f"![{alt}]({FIGURES}/{name}.png)\n\n{caption} As SVG: [{name}.svg]({FIGURES}/{name}.svg)."
