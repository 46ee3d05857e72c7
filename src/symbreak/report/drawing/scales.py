"""Axes that show what is measured: logarithms with plain numbers, room for zero where the scale has it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FixedLocator, LogLocator, MaxNLocator, NullLocator
from numpy.typing import ArrayLike, NDArray

from symbreak.lesson.figures import Scale
from symbreak.report.format import short

LARGEST = 1e290
"""Numbers are drawn up to here; limits a little beyond must still be numbers."""

MOST_DECADES = {1: 12, 2: 5}
"""Decades that a symmetric logarithm shows where numbers have one sign, and on each side where they have both: more
would leave no room for those that matter."""

MOST_TICKS = 7


def drawable(values: ArrayLike) -> NDArray[np.float64]:
    """Return values as floats, with gaps for what is not finite and nothing so large that a scale overflows.

    >>> drawable([1, np.inf, -1e300])
    array([  1.e+000,       nan, -1.e+290])
    """
    numbers = np.asarray(values, dtype=np.float64)
    return np.where(np.isfinite(numbers), np.clip(numbers, -LARGEST, LARGEST), np.nan)


def apply(
    axes: Axes,
    which: Literal["x", "y"],
    scale: Scale,
    values: Iterable[NDArray[np.float64]],
    *,
    below: Literal["mask", "clip"] = "mask",
) -> None:
    """Give an axis its scale, with ticks that read as plain numbers.

    What is not above zero has no place on a logarithm: it is left out ("mask"), or lies below the picture ("clip"), as
    the foot of a bar does.
    """
    axis = axes.xaxis if which == "x" else axes.yaxis
    set_scale = axes.set_xscale if which == "x" else axes.set_yscale
    every = np.concatenate([np.ravel(each) for each in values] or [np.zeros(0)])
    every = every[np.isfinite(every) & (every != 0)]
    sizes = np.abs(every)
    if scale == "linear" or not sizes.size:
        axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    elif scale == "log":
        set_scale("log", nonpositive=below)
        few = sizes.max() < 50 * sizes.min()
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if few else (1.0,), numticks=MOST_TICKS))
    else:
        _symmetric(axis, set_scale, sizes, sides=len(np.unique(np.sign(every))))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(lambda value, _: short(value))


def _symmetric(axis: Axis, set_scale: Any, sizes: NDArray[np.float64], *, sides: int) -> None:
    """Draw logarithms on one or both sides of zero, linear only below the smallest number that is there."""
    top = math.ceil(math.log10(float(sizes.max())))
    bottom = max(math.floor(math.log10(float(sizes.min()))), top - MOST_DECADES[sides])
    bottom = min(bottom, top - 1)
    set_scale("symlog", linthresh=10.0**bottom, linscale=0.7)
    step = max(1, math.ceil((top - bottom + 1) * sides / (MOST_TICKS - 1)))
    powers = [10.0**power for power in range(top, bottom - 1, -step)]
    axis.set_major_locator(FixedLocator([-power for power in powers] + [0.0, *reversed(powers)]))
