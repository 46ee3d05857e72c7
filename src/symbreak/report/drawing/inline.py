"""A panel as SVG inside a page: colours follow the theme, text is text, identifiers are the page's own."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from symbreak.lesson.figures import Panel, Surface
from symbreak.report.drawing.canvas import GRID, QUIET, TEXT, image_bytes, settings
from symbreak.report.drawing.diagram import PAPER
from symbreak.report.drawing.layout import canvas, fit
from symbreak.report.drawing.panels import draw, size
from symbreak.report.drawing.peers import Setting
from symbreak.report.html import Html

THEME = {TEXT: "var(--ink)", QUIET: "var(--muted)", GRID: "var(--line)", PAPER: "var(--paper)"}
"""Colours of the drawing that stand for colours of the theme."""

MARGIN = 0.03

_NAMESPACES = re.compile(r"\{[^}]*\}")
_REFERENCE = re.compile(r"#([\w-]+)")
_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_DRAWN = {"d", "x", "y", "transform", "width", "height"}


def inline_svg(panel: Panel, setting: Setting, *, prefix: str) -> Html:
    """Return a panel as an `svg` element; `prefix` keeps its identifiers apart from all others of the page."""
    root = ElementTree.fromstring(_drawn(panel, setting))
    for parent in root.iter():
        for child in list(parent):
            if _local(child.tag) in ("metadata", "style"):
                parent.remove(child)
    used = set(_REFERENCE.findall(" ".join(value for node in root.iter() for value in node.attrib.values())))
    for node in root.iter():
        _clean(node, used, prefix, smooth=isinstance(panel, Surface))
    width, height = (float(each) for each in root.attrib.pop("viewBox").split()[2:])
    root.attrib.clear()
    root.attrib |= {
        "class": "drawing",
        "viewBox": f"0 0 {width:g} {height:g}",
        "role": "img",
        "aria-label": panel.title,
    }
    return Html(ElementTree.tostring(root, encoding="unicode"))


def _drawn(panel: Panel, setting: Setting) -> bytes:
    with settings():
        width, height = size(panel)
        figure = canvas(width, height)
        figure.patch.set_visible(False)
        axes = figure.add_axes((0, 0, 1, 1), facecolor="none")
        # The browser smooths a small picture; a large one would be the bulk of the page.
        draw(axes, panel, setting, smooth="none")
        fit(axes, (MARGIN, MARGIN, width - 2 * MARGIN, height - 2 * MARGIN))
    return image_bytes(figure, "svg", letters="none")


def _clean(node: ElementTree.Element, used: set[str], prefix: str, *, smooth: bool) -> None:
    node.tag = _local(node.tag)
    given = {_local(name): value for name, value in node.attrib.items()}
    node.attrib.clear()
    for name, value in given.items():
        if name == "id":
            if value in used:
                node.set("id", f"{prefix}-{value}")
        elif name == "style":
            node.set("style", _themed(value, smooth=smooth))
        elif name == "href" and value.startswith("data:"):
            node.set("href", "".join(value.split()))
        else:
            short = _LONG_NUMBER.sub(_rounded, " ".join(value.split())) if name in _DRAWN else value
            node.set(name, _REFERENCE.sub(rf"#{prefix}-\1", short) if name in ("href", "clip-path") else short)
    if node.text is not None and not node.text.strip():
        node.text = None
    node.tail = None


def _themed(style: str, *, smooth: bool) -> str:
    """Return a style in the theme's colours and the page's letters; pixels of a surface are smoothed, cells are not."""
    dropped = ("font-family", "image-rendering") if smooth else ("font-family",)
    kept = [rule for rule in re.split("; ?", style) if not rule.startswith(dropped)]
    return re.sub(r"#[0-9a-f]{6}\b", lambda hit: THEME.get(hit[0], hit[0]), ";".join(kept).replace(": ", ":"))


def _rounded(number: re.Match[str]) -> str:
    return f"{float(number[0]):.2f}".rstrip("0").rstrip(".")


def _local(name: str) -> str:
    return _NAMESPACES.sub("", name)
