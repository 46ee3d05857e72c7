"""What all Plotly figures share: plain dictionaries, labels that show just what was typed, axes, a text alternative."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from symbreak.report.curves import finite
from symbreak.report.format import shorten
from symbreak.report.html import escape

Trace = dict[str, Any]

DASHED = {"color": "ink/0.6", "width": 1.2, "dash": "dash"}
LABEL = {"color": "ink/0.75", "size": 12}


@dataclass(frozen=True)
class Plot:
    """A figure as Plotly's JSON: traces, layout, and one line for who cannot see it.

    A trace that stands for one initialization carries its index as `meta`, so that the page can hide it everywhere.
    """

    traces: tuple[Trace, ...]
    layout: Mapping[str, Any]
    alternative: str

    def to_json(self) -> dict[str, Any]:
        """Return what the page's script reads."""
        return {"data": list(self.traces), "layout": dict(self.layout), "label": self.alternative}


def label(text: str, most: int = 60) -> str:
    """Return text for a label: Plotly reads tags, entities and `%{...}` in labels, and must find none of the user's.

    >>> label("<b>%{x}</b>")
    '&lt;b&gt;%&#123;x}&lt;/b&gt;'
    """
    return escape(shorten(text, most)).replace("{", "&#123;")


def axis(title: str = "", **settings: Any) -> dict[str, Any]:
    """Return an axis with a title; a setting that is `None` is left to Plotly."""
    given = {name: value for name, value in settings.items() if value is not None}
    return {"title": {"text": title, "standoff": 8}, "automargin": True, **given}


def layout(x: Mapping[str, Any], y: Mapping[str, Any], **settings: Any) -> dict[str, Any]:
    """Return a layout without a legend: the page has one for all figures."""
    margin = {"l": 8, "r": 10, "t": 10, "b": 8}
    return {"margin": margin, "showlegend": False, "xaxis": dict(x), "yaxis": dict(y), **settings}


def small(x: Mapping[str, Any], y: Mapping[str, Any], **settings: Any) -> dict[str, Any]:
    """Return the layout of one of many small panels: nothing to zoom, so that a finger scrolls the page."""
    still = {"fixedrange": True, "nticks": 5}
    return layout({**still, **x}, {**still, **y}, dragmode=False, **settings)


def rounded(values: Iterable[float | None], digits: int = 5) -> list[float | None]:
    """Return numbers as exact as a picture needs; what is not finite becomes a gap."""
    kept = map(finite, values)
    return [None if value is None else float(f"{value:.{digits}g}") for value in kept]


def level(position: float, text: str) -> dict[str, Any]:
    """Return a dashed line across the figure at a height, with a label that follows it from one scale to another."""
    return {
        "type": "line",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": position,
        "y1": position,
        "line": DASHED,
        "label": {"text": text, "font": LABEL, "padding": 3, "textposition": "end", "yanchor": "bottom"},
    }


def upright(position: float, text: str) -> dict[str, Any]:
    """Return the settings of a layout that draw a dashed line from bottom to top, with a label over it."""
    line = {"type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": position, "x1": position, "line": DASHED}
    label = {"text": text, "font": LABEL, "showarrow": False, "yref": "paper", "y": 1, "x": position}
    return {"shapes": [line], "annotations": [{**label, "yanchor": "bottom"}]}


def at_most(items: Sequence[Any], most: int) -> list[int]:
    """Return positions of at most `most` items, evenly spread."""
    step = max(1, -(-len(items) // most))
    return list(range(0, len(items), step))
