"""What all Matplotlib pictures share: settings that are the same everywhere, the same bytes again, colours, labels."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib import style
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from symbreak.report.format import shorten
from symbreak.report.html import printable
from symbreak.report.style import INK, look

TEXT, QUIET, GRID = "#1b1f24", "#59636e", "#e3e7eb"
MIDDLE = "#fafafa"
"""Between two colours that stand for more and less."""
BASE = (0, (4, 3))
DASHES: dict[str, Any] = {
    "solid": "-",
    "dash": (0, (5, 2)),
    "dot": (0, (1, 1.4)),
    "dashdot": (0, (5, 2, 1, 2)),
    "longdash": (0, (9, 3)),
}
MARKERS = {
    "circle": "o",
    "square": "s",
    "diamond": "D",
    "triangle-up": "^",
    "triangle-down": "v",
    "x": "X",
    "cross": "P",
}
# Without its creator's version and the hour, and with a fixed salt for identifiers, a picture is the same bytes again.
METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
SETTINGS: dict[str, Any] = {
    "svg.hashsalt": "symbreak",
    "font.family": "DejaVu Sans",
    "font.size": 10.5,
    "axes.edgecolor": GRID,
    "axes.labelcolor": QUIET,
    "axes.titlecolor": TEXT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11.5,
    "axes.titlelocation": "left",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "text.color": TEXT,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "ytick.minor.size": 0,
    "xtick.minor.size": 0,
}


@contextmanager
def settings(**more: Any) -> Iterator[None]:
    """Matplotlib's defaults and ours, whatever the user's are; theirs are back afterwards."""
    with matplotlib.rc_context(), style.context(["default", {**SETTINGS, **more}]):
        yield


def image_bytes(figure: Figure, kind: str, *, dpi: int = 200, letters: str = "path") -> bytes:
    """Return a picture as the bytes of a "png", "svg" or "pdf" file.

    Letters of an SVG are drawn ("path"), for a file looks the same everywhere; or stay text ("none").
    """
    buffer = io.BytesIO()
    with settings(**{"svg.fonttype": letters}), warnings.catch_warnings():
        # A name in a script that the font lacks shows as boxes; that is no reason to fail or to talk.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(buffer, format=kind, dpi=dpi, metadata=METADATA[kind])
    return buffer.getvalue()


def plain(text: str, most: int = 40) -> str:
    r"""Return text for a label: a dollar would begin a formula.

    >>> plain("$x$")
    '\\$x\\$'
    """
    return shorten(printable(text), most).replace("$", r"\$")


def colour(index: int) -> str:
    """Return the colour of the series at `index`, with ink as the colour of text."""
    found = look(index).colour
    return TEXT if found == INK else found


def pale(colour: str) -> str:
    """Return a colour half way to white, to write or draw upon.

    >>> pale("#0072b2")
    '#80b8d8'
    """
    red, green, blue = (0.5 + 0.5 * part for part in to_rgb(colour))
    return to_hex((red, green, blue))
