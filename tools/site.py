"""What the documentation site takes from elsewhere in the repository, while MkDocs builds it.

The home page is the README; every rule has its page, the text of `symbreak explain`; the reference is made of
docstrings; what a page links to outside docs/ becomes a file of the site. Nothing is written twice.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

import site_reference
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
RULES = "src/symbreak/diagnosis/rules/pages"
LINK = re.compile(r"(\]\()([^)#\s]+)([)#])")
# Pages of the site that stand elsewhere in the repository.
PAGES = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}


def on_config(config: Any) -> Any:
    """Name the pages that are made in the navigation."""
    made = {"Rules": _rules(), "Reference": site_reference.pages()}
    config.nav = [{title: list(made[title])} if (title := next(iter(entry))) in made else entry for entry in config.nav]
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are made."""
    for path, text in {**_pages(), **_rules(), **site_reference.pages()}.items():
        files.append(File.generated(config, path, content=text))
    for target in sorted(_linked()):
        files.append(File.generated(config, f"files/{target}", abs_src_path=str(ROOT / target)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Lead links that leave docs/ to where the site has the target."""
    return _relinked(markdown, page.file.src_uri, _home(page.file.src_uri))


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """Refuse a page of the reference that lacks a name."""
    room = posixpath.basename(page.file.src_uri).removesuffix(".md")
    if page.file.src_uri.startswith("api/") and room in site_reference.ROOMS:
        lost = site_reference.missing(room, output)
        if lost:
            raise PluginError(f"the reference of {room} has no entry for {', '.join(lost)}: has each a docstring?")
    return output


def _pages() -> dict[str, str]:
    return {page: (ROOT / source).read_text(encoding="utf-8") for source, page in PAGES.items()}


def _rules() -> dict[str, str]:
    texts = {path.stem: path.read_text(encoding="utf-8") for path in sorted((ROOT / RULES).glob("*.md"))}
    rows = [
        f"* [{slug}]({slug}.md): {text.split(chr(10) * 2)[1].replace(chr(10), ' ')}" for slug, text in texts.items()
    ]
    index = (
        "# Rules\n\nWhat `symbreak check` looks for; `symbreak explain SLUG` prints the same pages.\n\n"
        + "\n".join(rows)
    )
    return {"rules/index.md": index + "\n", **{f"rules/{slug}.md": text for slug, text in texts.items()}}


def _home(page: str) -> str:
    """Return the folder of the repository from which a page's links lead."""
    source = {made: source for source, made in PAGES.items()}.get(page)
    if page.startswith("rules/"):
        return "" if page == "rules/index.md" else RULES
    return posixpath.dirname(source) if source else posixpath.join("docs", posixpath.dirname(page))


def _relinked(markdown: str, page: str, home: str) -> str:
    start = posixpath.dirname(page) or "."

    def lead(match: re.Match[str]) -> str:
        if "://" in match[2] or page in ("rules/index.md", "api/index.md"):
            return match[0]
        target = _on_site(posixpath.normpath(posixpath.join(home, match[2])))
        return f"{match[1]}{posixpath.relpath(target, start)}{match[3]}"

    return LINK.sub(lead, markdown)


def _on_site(target: str) -> str:
    """Return where the site has a file of the repository."""
    if target in PAGES:
        return PAGES[target]
    if target.startswith(RULES):
        return f"rules/{posixpath.basename(target)}"
    return target.removeprefix("docs/") if target.startswith("docs/") else f"files/{target}"


def _linked() -> set[str]:
    """Return the files outside docs/ that pages link to."""
    found = set()
    for path in (*(ROOT / source for source in PAGES), *(ROOT / "docs").glob("*.md")):
        for match in LINK.finditer(path.read_text(encoding="utf-8")):
            if "://" not in match[2]:
                found.add(posixpath.normpath(posixpath.join(path.parent.relative_to(ROOT).as_posix(), match[2])))
    return {target for target in found if _on_site(target).startswith("files/") and (ROOT / target).is_file()}
