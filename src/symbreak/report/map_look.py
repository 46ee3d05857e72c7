"""How a map looks, as picture and as page alike: places of values along its axes, a shade for every network, words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_hex
from matplotlib.ticker import LogLocator, MaxNLocator
from numpy.typing import ArrayLike, NDArray

from symbreak.experiments.map.axes import Axis
from symbreak.experiments.map.result import VALUES, MapResult
from symbreak.report.format import number, percent, plural, short

Array = NDArray[np.floating[Any]]
Ticks = list[tuple[float, str]]

LEVELS = 252
"""Shades from worst to best. What follows them is not on the scale:"""
NEVER, DIVERGED, UNTRAINED = LEVELS, LEVELS + 1, LEVELS + 2

# Viridis rises in lightness, so that it reads without hue, too. The vermilion of Okabe and Ito and a pale grey are far
# from all of it, also for eyes without one kind of cones; a middle grey would not be.
SCALE = tuple(to_hex(colour) for colour in colormaps["viridis"].resampled(LEVELS)(np.arange(LEVELS)))
COLOURS = {DIVERGED: "#d55e00", NEVER: "#e4e7ea", UNTRAINED: "#00000000"}
# Lines over the map: white on ink is seen on every shade.
LINE, LINE_EDGE = "#ffffff", "#101418"

# Costs above so many times that of knowing nothing are alike: as bad as can be without divergence.
WORST_COST = 10.0
# R^2 below this is as bad as any.
WORST_R2 = -1.0
FEW_DECADES = 50.0
MOST_TICKS = 7


@dataclass(frozen=True)
class Scale:
    """What shades stand for.

    Attributes:
        title: of the value.
        low, high: values at the ends of the colours; what lies beyond looks like the end.
        log: whether equal steps of shade are equal ratios.
        good: whether the largest or the smallest value is the lightest.
        more, less: whether there are values beyond the ends.
    """

    title: str
    low: float
    high: float
    log: bool
    good: str
    more: bool
    less: bool

    def share(self, values: ArrayLike) -> Array:
        """Return where values lie between `low` (0) and `high` (1)."""
        ends = np.array([self.low, self.high])
        inside = np.clip(np.asarray(values, np.float64), *ends)
        if self.log:
            inside, ends = np.log(inside), np.log(ends)
        span = ends[1] - ends[0]
        return (inside - ends[0]) / span if span else np.full(np.shape(inside), 0.5)


def values(result: MapResult) -> tuple[str, ...]:
    """Return the names of what this map shows."""
    return tuple(name for name in VALUES if name != "effective_units" or result.hidden_units.max() > 0)


def title_of(result: MapResult, name: str) -> str:
    """Return what a value is called on a picture."""
    score = "accuracy" if result.score == "accuracy" else "R²"
    return {"accuracy": score, "steps_to_half": "steps to half cost"}.get(name, name.replace("_", " "))


def scale(result: MapResult, name: str) -> Scale:
    """Return what the shades of a value stand for."""
    found = result.value(name)
    found = found[np.isfinite(found)]
    least, most = (float(found.min()), float(found.max())) if found.size else (0.0, 1.0)
    low, high, log, good = least, most, False, "largest"
    if name == "final_cost":
        log, good = least > 0, "smallest"
        high = min(most, max(WORST_COST * result.base_rate_cost, least))
    elif name == "steps_to_half":
        low, high, log, good = max(least, 1.0), max(most, 1.0), True, "smallest"
    elif name == "accuracy" and result.score != "accuracy":
        low = max(least, min(WORST_R2, most))
    elif name == "effective_units":
        low, high = 0.0, max(most, 1.0)
    less = good == "largest" and least < low
    return Scale(title_of(result, name), low, high, log, good, more=most > high, less=less)


def on_scale(result: MapResult, name: str) -> bool:
    """Whether any network has a shade of the scale, so that there is something to read from it."""
    return name != "diverged" and bool((shades(result, name) < LEVELS).any())


def shades(result: MapResult, name: str) -> NDArray[np.uint8]:
    """Return the shade of every network, (m, n): 0 (worst) to `LEVELS` - 1 (best), or a code that is not on the scale.

    Of "diverged" there are only two: `DIVERGED`, and one for all others.
    """
    numbers = result.value(name)
    this = scale(result, name)
    known = np.isfinite(numbers)
    share = this.share(np.where(known, numbers, this.low))
    share = share if this.good == "largest" else 1 - share
    found = np.rint(share * (LEVELS - 1)).astype(np.uint8)
    if name == "diverged":
        found[:] = LEVELS // 3
    found[~known] = NEVER
    found[result.diverged] = DIVERGED
    found[~result.done] = UNTRAINED
    return found


def scale_ticks(this: Scale, name: str) -> Ticks:
    """Return shares of the scale, from `low` to `high`, and the values that stand there."""
    if name == "accuracy":
        return [(share, percent(value) if this.title == "accuracy" else short(value)) for share, value in _even(this)]
    return [(share, short(value, 4)) for share, value in _even(this)]


def scale_title(this: Scale) -> tuple[str, ...]:
    """Return what to write over the scale: the value, and what its worst colour holds besides the end."""
    if this.more:
        return this.title, f"(darkest: {short(this.high, 3)} or more)"
    return (this.title, f"(darkest: {short(this.low, 3)} or less)") if this.less else (this.title,)


def _even(this: Scale) -> list[tuple[float, float]]:
    if this.low == this.high:
        return [(0.5, this.low)]
    marks = _marks(this.low, this.high, log=this.log, whole=False)
    return [(float(this.share(value)), value) for value in marks]


def place(axis: Axis, points: Array, at: ArrayLike) -> Array:
    """Return where values lie along a side of the map, as shares of its length; every network has an equal part.

    >>> axis = Axis.parse("scale:0.01:100")
    >>> place(axis, axis.points(3), [0.01, 1.0, 1000.0]).round(3).tolist()
    [0.167, 0.5, 1.0]
    """
    along, wanted = np.asarray(points, np.float64), np.asarray(at, np.float64)
    if axis.spacing == "log":
        along, wanted = np.log(along), np.log(wanted)
    if len(along) == 1:
        return np.full(np.shape(wanted), 0.5)
    index = np.interp(wanted, along, np.arange(len(along)))
    first, last = along[1] - along[0], along[-1] - along[-2]
    index = np.where(wanted < along[0], (wanted - along[0]) / first, index)
    index = np.where(wanted > along[-1], len(along) - 1 + (wanted - along[-1]) / last, index)
    return np.asarray((index + 0.5) / len(along))


def ticks(axis: Axis, points: Array) -> Ticks:
    """Return shares of a side of the map, and the values that stand there."""
    low, high = float(points[0]), float(points[-1])
    marks = [low] if low == high else _marks(low, high, log=axis.spacing == "log", whole=axis.kind.whole)
    return [(float(place(axis, points, value)), short(value, 4)) for value in marks]


def _marks(low: float, high: float, *, log: bool, whole: bool) -> list[float]:
    """Return round numbers from low to high."""
    if log and high >= 3 * low:
        few = high < FEW_DECADES * low
        found = LogLocator(subs=(1.0, 2.0, 5.0) if few else (1.0,), numticks=MOST_TICKS + 2).tick_values(low, high)
    else:
        found = MaxNLocator(MOST_TICKS - 1, steps=[1, 2, 5, 10], integer=whole).tick_values(low, high)
    slack = 1e-9 * (high - low)
    return [float(f"{value:.12g}") for value in found if low - slack <= value <= high + slack]


def axis_title(axis: Axis) -> str:
    """Return what stands beside an axis."""
    return f"{axis.title}{', logarithmic' if axis.spacing == 'log' else ''}"


def heading(result: MapResult, what: str) -> str:
    """Return a title that says what is mapped, over what, of how many networks."""
    settings, (rows, columns) = result.settings, result.shape
    networks = plural(rows * columns, "network")
    return f"{what[0].upper()}{what[1:]} of {networks}, {settings.x.title} against {settings.y.title}"


def setup(result: MapResult) -> str:
    """Return in a line what all networks have in common."""
    settings = result.settings
    axes = {settings.x.quantity, settings.y.quantity}
    layers = "-".join(map(str, settings.layers)) or "none"
    parts = [
        "data in memory" if settings.in_memory else settings.data,
        None if axes & {"depth", "width"} else f"hidden layers {layers}",
        settings.activation,
        f"start {settings.init}",
        settings.optimizer,
        None if "learning-rate" in axes else f"rate {number(settings.learning_rate)}",
        f"{settings.iterations:,} iterations",
        f"batches of {settings.batch_size}" if settings.batch_size else None,
        "BLAS arithmetic" if settings.arithmetic == "blas" else None,
    ]
    return ", ".join(part for part in parts if part)


def codes_present(result: MapResult, name: str) -> Sequence[tuple[int, str]]:
    """Return the shades off the scale that this map shows, and what they mean."""
    found = set(np.unique(shades(result, name)).tolist())
    said = {DIVERGED: "diverged", NEVER: "never", UNTRAINED: "not trained"}
    return [(code, text) for code, text in said.items() if code in found]
