"""How an initialization looks: one colour, dash and marker, the same in every figure.

The colours are those of Okabe and Ito, which people with any of the common forms of colour blindness can tell apart
(M. Okabe, K. Ito, "Color Universal Design", 2008). Their black is "ink": the colour of text in the theme at hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from symbreak.report.html import Html, element

INK = "ink"
# Those that stand out from white paper come first, and before those that classes of data take.
COLOURS = (INK, "#009e73", "#cc79a7", "#d55e00", "#0072b2", "#56b4e9", "#e69f00", "#b3a100")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "solid", "dash", "dashdot", "dot")
MARKERS = ("circle", "square", "diamond", "triangle-up", "x", "cross", "triangle-down")

CLASSES = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#b3a100", "#888888")
"""Colours of the data's classes."""

_PATTERNS = {"solid": "none", "dash": "7 4", "dot": "2 3", "dashdot": "7 3 2 3", "longdash": "12 4"}
_SHAPES = {
    "circle": "M11 7a4 4 0 1 0 8 0a4 4 0 1 0-8 0",
    "square": "M11.5 3.5h7v7h-7z",
    "diamond": "M15 2l5 5-5 5-5-5z",
    "triangle-up": "M15 2.5l4.8 8.5h-9.6z",
    "triangle-down": "M15 11.5l4.8-8.5h-9.6z",
    "x": "M12 2.5l3 3 3-3 1.5 1.5-3 3 3 3-1.5 1.5-3-3-3 3-1.5-1.5 3-3-3-3z",
    "cross": "M13.8 2.5h2.4v3.3h3.3v2.4h-3.3v3.3h-2.4v-3.3h-3.3v-2.4h3.3z",
}


@dataclass(frozen=True)
class Look:
    """Colour (or `INK`), dash and marker, named as Plotly names them."""

    colour: str
    dash: str
    marker: str


def look(index: int) -> Look:
    """Return the look of the initialization at `index` of the comparison.

    The three lists have lengths without a common factor, so 504 initializations pass before a look comes again.

    >>> look(1)
    Look(colour='#009e73', dash='dash', marker='square')
    """
    return Look(
        COLOURS[index % len(COLOURS)],
        DASHES[index % len(DASHES)],
        MARKERS[index % len(MARKERS)],
    )


def faded(colour: str, alpha: float) -> str:
    """Return a colour let through to `alpha`; that of ink is left to the page, which knows its theme.

    >>> faded("#e69f00", 0.2), faded(INK, 0.2)
    ('rgba(230,159,0,0.2)', 'ink/0.2')
    """
    if colour == INK:
        return f"{INK}/{alpha:g}"
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"


def swatch(index: int, *, shows: Literal["both", "line", "marker"] = "both") -> Html:
    """Return a small drawing of the line and marker of an initialization, or of one of them, for legends and tables."""
    this = look(index)
    colour = "currentColor" if this.colour == INK else this.colour
    line = element("path", d="M0 7H30", stroke=colour, stroke_width="2.2", stroke_dasharray=_PATTERNS[this.dash])
    marker = element("path", d=_SHAPES[this.marker], fill=colour)
    shown = {"both": (line, marker), "line": (line,), "marker": (marker,)}[shows]
    return element("svg", *shown, class_="swatch", viewBox="0 0 30 14", width=30, height=14, aria_hidden="true")
