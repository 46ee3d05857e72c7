"""Where results may be written: checked before a long run, not after."""

from __future__ import annotations

import os
from pathlib import Path

from symbreak.durable import write_whole as write_whole
from symbreak.errors import InvalidInput

HTML_ENDINGS = (".html", ".htm")
FIGURE_ENDINGS = (".png", ".svg", ".pdf")
MARKDOWN_ENDINGS = (".md", ".markdown")
NOTEBOOK_ENDINGS = (".ipynb",)


def check_html_path(path: str | os.PathLike[str]) -> Path:
    """Return `path` if a page can be written there; call it before a long run, not after.

    >>> check_html_path("report.docx")
    Traceback (most recent call last):
    ...
    symbreak.errors.InvalidInput: a page is written to a file that ends in .html
      got: 'report.docx'
      allowed: .html, .htm
      try: report.html
    """
    return _checked(path, "page", HTML_ENDINGS)


def check_figure_path(path: str | os.PathLike[str]) -> Path:
    """Return `path` if a figure can be written there; call it before a long run, not after.

    >>> check_figure_path("curves.PNG").name
    'curves.PNG'
    """
    return _checked(path, "figure", FIGURE_ENDINGS)


def check_markdown_path(path: str | os.PathLike[str]) -> Path:
    """Return `path` if a chapter can be written there; call it before a long run, not after."""
    return _checked(path, "chapter", MARKDOWN_ENDINGS)


def check_notebook_path(path: str | os.PathLike[str]) -> Path:
    """Return `path` if a notebook can be written there."""
    return _checked(path, "notebook", NOTEBOOK_ENDINGS)


def check_folder_path(path: str | os.PathLike[str]) -> Path:
    """Return `path` if it is a folder that can be written to, or one that can be made; call it before a long run."""
    target = _path(path)
    if target.is_dir():
        _check_place(target / "file")
    else:
        _check_place(target)
        if target.exists():
            raise _refused("pictures are written to a folder", f"{str(target)!r}, which is a file")
    return target


def check_json_path(path: str | os.PathLike[str]) -> Path:
    """Return `path` if a result can be written there, whatever its ending."""
    target = _path(path)
    _check_place(target)
    return target


def _checked(path: str | os.PathLike[str], what: str, endings: tuple[str, ...]) -> Path:
    target = _path(path)
    if target.suffix.lower() not in endings:
        stem = target.stem.strip() or "report"
        raise InvalidInput(
            f"a {what} is written to a file that ends in {endings[0]}",
            got=repr(str(path)),
            allowed=", ".join(endings),
            hint=f"{stem}{endings[0]}",
        )
    _check_place(target)
    return target


def _path(path: str | os.PathLike[str]) -> Path:
    text = os.fspath(path) if isinstance(path, (str, os.PathLike)) else path
    if not isinstance(text, str) or "\0" in text:
        raise _refused("a file is named by its path", repr(path))
    return Path(text)


def _check_place(target: Path) -> None:
    try:
        present, is_file, is_folder = target.exists(), target.is_file(), target.parent.is_dir()
    except OSError as error:
        raise _refused("a file is named by its path", f"{str(target)!r}: {error.strerror}") from error
    if present and not is_file:
        raise _refused("only a file can be replaced by a file", f"{str(target)!r}, which is none")
    if not is_folder:
        raise _refused("the folder must exist", repr(str(target.parent)))
    if not os.access(target.parent, os.W_OK):
        raise _refused("the folder must be writable", repr(str(target.parent)))


def _refused(rule: str, got: str) -> InvalidInput:
    return InvalidInput(
        rule, got=got, allowed="a file in a folder that exists and can be written", hint="mkdir, or another path"
    )
