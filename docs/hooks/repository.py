"""Shows what the pages link to outside of docs/: results as pages, sources as listings, data as files.

A page that says ``../results/breakout/README.md`` is right in the repository and has to be right in the site. So every
file that is linked to is added to the site under its path in the repository, and the links are bent to it.
"""

import os
import re
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"(\]\()([^)#\s]+)(#[^)\s]*)?(\))")
LISTINGS = {".py": "python", ".sh": "bash", ".yaml": "yaml", ".yml": "yaml", ".toml": "toml", "": "text"}
RESULTS = "<!-- results -->"


def on_files(files: Any, config: Any) -> Any:
    """Add what the pages link to, and what those link to in turn."""
    waiting = [ROOT / "docs" / file.src_uri for file in files.documentation_pages()]
    waiting += sorted((ROOT / "results").glob("**/README.md"))
    known = {path.resolve() for path in waiting}
    for page in waiting:  # grows while it is walked through
        if not page.is_relative_to(ROOT / "docs"):
            files.append(_page(page, config))
        if page.suffix != ".md":
            continue
        for target in _targets(page):
            if target in known or target.is_relative_to(ROOT / "docs"):
                continue
            known.add(target)
            if target.suffix == ".md" or target.suffix in LISTINGS:
                waiting.append(target)
            else:
                files.append(File.generated(config, _in_site(target), abs_src_path=str(target)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Bend the links of a page, and list the results where they are asked for."""
    if RESULTS in markdown:
        markdown = markdown.replace(RESULTS, _results())
    source = _in_repository(page.file.src_uri)
    if not source.is_file():
        return markdown  # written by a hook, for the site

    def bent(match: re.Match[str]) -> str:
        before, link, anchor, after = match.groups()
        target = _resolved(source, link)
        if target is None:
            return match.group(0)
        if files.get_file_from_path(_in_site(target)) is None:
            raise PluginError(f"{source.relative_to(ROOT)} links to {link}, which is not there")
        relative = os.path.relpath(_in_site(target), Path(page.file.src_uri).parent)
        return f"{before}{relative}{anchor or ''}{after}"

    return "".join(
        part if part.startswith("```") else LINK.sub(bent, part)
        for part in re.split(r"(^```.*?^```)", markdown, flags=re.M | re.S)
    )


def _page(path: Path, config: Any) -> File:
    """A page of the site: Markdown as it is, anything else as a listing that the search leaves alone."""
    if path.suffix == ".md":
        return File.generated(config, _in_site(path), content=path.read_text())
    if path.is_dir():
        children = sorted(child for child in path.iterdir() if child.suffix in LISTINGS and child.suffix)
        body = "\n\n".join(f"## {child.name}\n\n{_listing(child)}" for child in children)
    else:
        body = _listing(path)
    front = "---\nsearch: {exclude: true}\n---\n\n"
    return File.generated(config, _in_site(path), content=f"{front}# {path.relative_to(ROOT)}\n\n{body}\n")


def _listing(path: Path) -> str:
    return f"````{LISTINGS[path.suffix]}\n{path.read_text()}\n````"


def _results() -> str:
    """Each page of results: its title, its first paragraph with the table or figure after it, and a link."""
    parts = []
    for path in sorted((ROOT / "results").glob("*/README.md")):
        title, _, text = path.read_text().partition("\n")
        shown: list[str] = []
        for block in text.strip().split("\n\n"):
            if shown and not block.startswith(("|", "![")):
                break
            shown.append(_seen_from_docs(block, path))
        link = f"[All of it, with its commands](../{path.relative_to(ROOT)})"
        parts.append("\n\n".join([f"### {title.lstrip('# ')}", *shown, link]))
    return "\n\n".join(parts)


def _seen_from_docs(block: str, page: Path) -> str:
    """A piece of a page of the repository, with the links that it would have in docs/."""

    def bent(match: re.Match[str]) -> str:
        before, link, anchor, after = match.groups()
        target = _resolved(page, link)
        return f"{before}{os.path.relpath(target, ROOT / 'docs') if target else link}{anchor or ''}{after}"

    return LINK.sub(bent, block)


def _targets(page: Path) -> list[Path]:
    found = (_resolved(page, match.group(2)) for match in LINK.finditer(page.read_text()))
    return [target for target in found if target is not None and target.exists()]


def _resolved(page: Path, link: str) -> Path | None:
    """The file of the repository that a link of a page means; ``None`` for addresses."""
    if "://" in link or link.startswith(("/", "mailto:")):
        return None
    target = (page.parent / link).resolve()
    if target.is_dir() and (target / "README.md").exists():
        target = target / "README.md"
    return target if target.is_relative_to(ROOT) else None


def _in_site(path: Path) -> str:
    """Where a file of the repository is in the site."""
    if path.is_relative_to(ROOT / "docs"):
        return path.relative_to(ROOT / "docs").as_posix()
    place = path.relative_to(ROOT).as_posix()
    return place if path.suffix not in LISTINGS else f"source/{place}.md"


def _in_repository(place: str) -> Path:
    """Inverse of :func:`_in_site` for pages that were written by hand."""
    return ROOT / "docs" / place if (ROOT / "docs" / place).exists() else ROOT / place
