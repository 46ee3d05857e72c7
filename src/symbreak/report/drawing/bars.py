"""Heights by name, upright where the names have room under them, lying where they do not."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator

from symbreak.lesson.figures import Bars
from symbreak.report.drawing.canvas import TEXT, colour, plain
from symbreak.report.drawing.peers import Setting
from symbreak.report.drawing.scales import apply, drawable
from symbreak.report.format import short

ROOM = 44
"""Characters that stand side by side under a panel."""

MOST_UPRIGHT = 10
"""Upright bars whose numbers stand beside each other; more bars lie down, for there each number has a line."""

MOST_LABELS = 40
"""Bars that carry their height as a number."""

SHARE = 0.8
"""Of the place of a name, what its bars fill."""


def lying(bars: Bars) -> bool:
    """Whether the names, or the numbers of the bars, are too long to stand side by side."""
    longest = max(map(len, bars.names), default=0)
    amount = np.asarray(bars.heights).size
    return (longest + 1) * len(bars.names) > ROOM or MOST_UPRIGHT < amount <= MOST_LABELS


def draw_bars(axes: Axes, bars: Bars, setting: Setting) -> None:
    """Draw a group of bars for each name, one bar for each series, each with its number."""
    heights = np.atleast_2d(drawable(bars.heights))
    flat, across = lying(bars), np.arange(len(bars.names), dtype=float)
    width = SHARE / len(heights)
    every = [drawable(peer.heights) for peer in setting.peers if isinstance(peer, Bars)]
    apply(axes, "x" if flat else "y", bars.y_scale, every, below="clip")
    for place, row in enumerate(heights):
        offset = (place - (len(heights) - 1) / 2) * width
        paint = colour(setting.looks[bars.series[place]]) if bars.series else "#0072b2"
        (axes.barh if flat else axes.bar)(across + offset, row, 0.92 * width, color=paint)
        if heights.size <= MOST_LABELS:
            for position, height in zip(across + offset, row, strict=True):
                _write(axes, position, height, flat=flat)
    _limit(axes, setting, flat=flat)
    _name(axes, bars, flat=flat)


def _write(axes: Axes, position: float, height: float, *, flat: bool) -> None:
    known = np.isfinite(height)
    end = height if known else 0.0
    on_log = (axes.get_xscale() if flat else axes.get_yscale()) == "log"
    down = known and height < 0
    text: dict[str, Any] = {"color": TEXT, "fontsize": 8.5, "textcoords": "offset points"}
    words = short(float(height), 4) if known else "not finite"
    if on_log and end <= 0:  # zero lies below a logarithm: its number stands at the foot
        transform = axes.get_yaxis_transform() if flat else axes.get_xaxis_transform()
        text["xycoords"], end = transform, 0.0
    if flat:
        axes.annotate(
            words, (end, position), xytext=(-3 if down else 3, 0), ha="right" if down else "left", va="center", **text
        )
    else:
        axes.annotate(
            words, (position, end), xytext=(0, -3 if down else 2), ha="center", va="top" if down else "bottom", **text
        )


def _limit(axes: Axes, setting: Setting, *, flat: bool) -> None:
    """Leave room for the numbers at the ends, on axes that the peers share."""
    every = np.concatenate([np.ravel(drawable(peer.heights)) for peer in setting.peers if isinstance(peer, Bars)])
    every = every[np.isfinite(every)]
    set_limits = axes.set_xlim if flat else axes.set_ylim
    scale = axes.get_xscale() if flat else axes.get_yscale()
    room = 1.18 if flat else 1.12
    if not every.size or not every.any():
        set_limits(0, 1)
    elif scale == "linear":
        low, high = min(0.0, every.min()), max(0.0, every.max())
        extra = (room - 1) * (high - low)
        set_limits(low - extra if low < 0 else 0, high + extra if high > 0 else 0)
    elif scale == "log":
        low, high = every[every > 0].min(), every.max()
        span = max(high / low, 10.0)
        set_limits(low / span**0.15, high * span ** (2 * (room - 1)))
    else:
        low, high = min(0.0, every.min()), max(0.0, every.max())
        set_limits(3 * low if flat else 2 * low, 6 * high if flat else 3 * high)


def _name(axes: Axes, bars: Bars, *, flat: bool) -> None:
    names = [plain(name, 36) for name in bars.names]
    axis = axes.yaxis if flat else axes.xaxis
    axis.set_major_locator(FixedLocator(list(range(len(names)))))
    axis.set_minor_locator(NullLocator())
    axis.set_ticklabels(names, color=TEXT)
    axes.grid(visible=False, axis="y" if flat else "x")
    if flat:
        axes.set(xlabel=plain(bars.y_label, 60), ylim=(len(names) - 0.5, -0.5))
    else:
        axes.set(ylabel=plain(bars.y_label, 48), xlim=(-0.55, len(names) - 0.45))
