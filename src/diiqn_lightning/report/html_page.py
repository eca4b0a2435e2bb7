"""A report as one HTML page that needs nothing else: pictures inline, no script, no font or sheet from elsewhere."""

import base64
import re
from html import escape

from diiqn_lightning.report.document import Block, Code, Document, Items, Picture, Table, Text

SHEET = """
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #ffffff; --line: #bbbbbb; --shade: #f2f2f2; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e6e6; --paper: #161616; --line: #555555; --shade: #242424; } }
body { margin: 0 auto; max-width: 72rem; padding: 1.5rem; color: var(--ink); background: var(--paper);
  font: 16px/1.5 system-ui, sans-serif; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); }
a { color: inherit; } nav ol { columns: 2; } p, li { max-width: 60rem; }
figure { margin: 1.5rem 0; } figure img { max-width: 100%; height: auto; background: #ffffff; }
figcaption, caption { text-align: left; font-size: 0.9rem; padding: 0.4rem 0; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: 0.85rem; }
th, td { padding: 0.3rem 0.6rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
tbody tr:nth-child(even) { background: var(--shade); }
code, pre { font-family: ui-monospace, monospace; font-size: 0.85em; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--shade); padding: 0.8rem; }
@media print { :root { --ink: #000000; --paper: #ffffff; --shade: #ffffff; }
  body { max-width: none; padding: 0; font-size: 10pt; } nav { display: none; }
  figure, tr { break-inside: avoid; } h2 { break-after: avoid; } .scroll { overflow: visible; } }
"""

NUMBER = ' class="number"'


def html_page(document: Document) -> str:
    """The whole page: well-formed XML at the same time, so that strict readers take it too."""
    contents = "\n".join(f'<li><a href="#{each.anchor}">{escape(each.title)}</a></li>' for each in document.sections)
    sections = "\n".join(
        f'<section id="{each.anchor}">\n<h2>{escape(each.title)}</h2>\n'
        + "\n".join(_block(block) for block in each.blocks)
        + "\n</section>"
        for each in document.sections
    )
    title = escape(document.title)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<link rel="icon" href="data:,"/>
<title>{title}</title>
<style>{SHEET}</style>
</head>
<body>
<h1>{title}</h1>
<nav aria-label="Contents">
<ol>
{contents}
</ol>
</nav>
<main>
{sections}
</main>
</body>
</html>
"""


def _block(block: Block) -> str:
    match block:
        case Text(text):
            return f"<p>{_inline(text)}</p>"
        case Items(items):
            return "<ul>\n" + "\n".join(f"<li>{_inline(item)}</li>" for item in items) + "\n</ul>"
        case Code(text):
            return f"<pre>{escape(text)}</pre>"
        case Table(caption, columns, rows):
            head = "".join(f'<th scope="col">{_inline(name)}</th>' for name in columns)
            numeric = [all(map(_is_number, cells)) for cells in zip(*rows, strict=True)]
            body = "\n".join(f"<tr>{''.join(map(_cell, row, numeric))}</tr>" for row in rows)
            return (
                f'<div class="scroll"><table>\n<caption>{_inline(caption)}</caption>\n'
                f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table></div>"
            )
        case Picture(name, alt, caption, folder):
            content = base64.b64encode((folder / f"{name}.svg").read_bytes()).decode()
            return (
                f'<figure>\n<img alt="{escape(alt)}" src="data:image/svg+xml;base64,{content}"/>\n'
                f"<figcaption>{_inline(caption)}</figcaption>\n</figure>"
            )


def _is_number(text: str) -> bool:
    return re.fullmatch(r"([−-]?[\d,.]+( %)?)?|never|–", text) is not None


def _cell(text: str, number: bool) -> str:
    """A cell; columns of numbers are set flush right."""
    return f"<td{NUMBER if number else ''}>{_inline(text)}</td>"


def _inline(text: str) -> str:
    marked = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))
    return re.sub(r"\*([^*]+)\*", r"<em>\1</em>", marked)
