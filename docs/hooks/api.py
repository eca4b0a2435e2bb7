"""The API reference: a page for each folder of the package, from its docstrings."""

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "diiqn_lightning"


def on_files(files: Any, config: Any) -> Any:
    """Write the pages, and a list of them."""
    folders = [PACKAGE, *sorted(path.parent for path in PACKAGE.glob("*/__init__.py"))]
    rows = []
    for folder in folders:
        name = folder.relative_to(PACKAGE.parent).as_posix().replace("/", ".")
        modules = [_module(path) for path in sorted(folder.rglob("*.py") if folder != PACKAGE else folder.glob("*.py"))]
        body = "\n\n".join(f"::: {module}" for module in modules if not module.endswith((".__main__", "__init__")))
        files.append(File.generated(config, f"api/{name}.md", content=f"# `{name}`\n\n{body}\n"))
        rows.append(f"| [`{name}`]({name}.md) | {_first_sentence(folder / '__init__.py')} |")
    table = "\n".join(["| folder | what |", "|---|---|", *rows])
    text = "Every public class and function, from the docstrings. Shapes stand in brackets, as `[B, A]`."
    files.append(File.generated(config, "api/index.md", content=f"# API\n\n{text}\n\n{table}\n"))
    return files


def on_page_content(html: str, page: Any, config: Any, files: Any) -> str:
    """Names in docstrings stand without the roles of reStructuredText."""
    if not page.file.src_uri.startswith("api/"):
        return html
    return re.sub(r":(func|class|meth|data|mod|attr):(?=<code>)", "", html)


def _module(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)


def _first_sentence(path: Path) -> str:
    return path.read_text().split('"""')[1].strip().split("\n")[0]
