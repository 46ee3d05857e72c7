"""Figures as data: what is to be seen, not how it is drawn. The room `report` draws them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
Scale = Literal["linear", "log", "symlog"]


@dataclass(frozen=True, eq=False)
class Series:
    """A curve or a cloud of dots: `x` and `y` of equal length, and its name in the legend.

    `low` and `high` give a band around a curve, such as the spread over seeds.
    """

    name: str
    x: Array
    y: Array
    style: Literal["line", "dots", "steps"] = "line"
    low: Array | None = None
    high: Array | None = None


@dataclass(frozen=True, eq=False)
class Chart:
    """Axes with series; `markers` are dashed lines across, (axis, position, label)."""

    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    x_scale: Scale = "linear"
    y_scale: Scale = "linear"
    markers: tuple[tuple[Literal["x", "y"], float, str], ...] = ()


@dataclass(frozen=True, eq=False)
class Bars:
    """Heights by name, grouped by series where there are several: `heights` is (series, names)."""

    title: str
    y_label: str
    names: tuple[str, ...]
    heights: Array
    series: tuple[str, ...] = ()
    y_scale: Scale = "linear"


@dataclass(frozen=True, eq=False)
class Surface:
    """A function over the plane: `values` (rows along y, columns along x) over `extent` (left, right, bottom, top).

    `points` (2, m) and `classes` (m,) are data drawn on it; `lines` are lines w.x + b = 0, each (w1, w2, b).
    """

    title: str
    values: Array
    extent: tuple[float, float, float, float]
    points: Array | None = None
    classes: NDArray[np.int64] | None = None
    lines: tuple[tuple[float, float, float], ...] = ()


@dataclass(frozen=True, eq=False)
class Diagram:
    """A network as circles and edges that carry their weights: `weights` W1, W2, ... (n_out, n_in), `biases` (n,)."""

    title: str
    weights: tuple[Array, ...]
    biases: tuple[Array, ...]


@dataclass(frozen=True, eq=False)
class Matrix:
    """A matrix shown as numbers on a diverging colour; rows (units) and columns may be named."""

    title: str
    values: Array
    rows: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """Words and numbers in rows, each cell as text that was formatted already."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Step:
    """A line of a proof or of a causal chain, ticked or not, with what was measured."""

    says: str
    holds: bool
    measured: str = ""


@dataclass(frozen=True)
class Steps:
    """Lemmas or links of a chain, one under the other."""

    title: str
    steps: tuple[Step, ...]


Panel = Chart | Bars | Surface | Diagram | Matrix | Table | Steps


@dataclass(frozen=True)
class Frame:
    """What is seen at one position of a figure's switch or dial: panels side by side, in reading order."""

    label: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Figure:
    """A figure; one with several frames has a switch (named positions) or a dial (an ordered quantity).

    Attributes:
        title: a line.
        alternative: what it shows, for who cannot see it.
        frames: one, or one for each position.
        control: what the positions are called: "loss", "epsilon"; empty with one frame.
        dial: whether positions are ordered, to be slid through, rather than switched between.
    """

    title: str
    alternative: str
    frames: tuple[Frame, ...]
    control: str = ""
    dial: bool = False


def still(title: str, alternative: str, *panels: Panel) -> Figure:
    """Return a figure of one frame."""
    return Figure(title, alternative, (Frame("", panels),))
