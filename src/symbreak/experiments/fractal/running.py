"""Training every network of a window, and looking closer at where the boundary is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.experiments.fractal.boundary import edges
from symbreak.experiments.fractal.setting import LAST, Setting, Window, data, rates, start
from symbreak.network import train_many
from symbreak.network.training import check_count

Array = NDArray[np.floating[Any]]
Verdicts = NDArray[np.bool_]

LARGEST = 1e6
"""Losses count as this many times the first at most, those that are no numbers too: as in the published notebook."""


@dataclass(frozen=True, eq=False)
class Frame:
    """What became of the networks of a window.

    Attributes:
        setting, window: what was trained.
        relative: the mean of the last losses, each divided by the first, (rows, columns); row 0 is the lowest y.
        pace: the mean over all steps of the loss divided by the first where a network converged, and of its inverse
            where it did not, as the negative: near 0 is fast.
        steps: updates that were made, for those that diverged are stopped.
    """

    setting: Setting
    window: Window
    relative: Array
    pace: Array
    steps: int

    @property
    def converged(self) -> Verdicts:
        """Which networks' last losses are on average below the first."""
        return self.relative < 1


def draw(
    setting: Setting,
    window: Window,
    *,
    resolution: int = 128,
    threads: int | None = None,
    proceed: Callable[[int, int], None] | None = None,
) -> Frame:
    """Train the resolution x resolution networks of a window.

    Args:
        setting: the experiment.
        window: the ends of the axes.
        resolution: networks along each axis.
        threads: all cores if None; they change no bit.
        proceed: called after each row with the rows done and all rows.

    Raises `InvalidInput` for a resolution below 2.

    >>> frame = draw(Setting(width=4, steps=50), Window((0.0, 4.0), (0.0, 4.0)), resolution=3)
    >>> frame.converged.shape, bool(frame.converged[0, 0]), bool(frame.converged[2, 2])
    ((3, 3), True, False)
    """
    check_count("the resolution", resolution, least=2)
    X, Y = data(setting)
    x, y = window.values(resolution)
    networks = start(setting, x)
    rows, made = [], 0
    for done, height in enumerate(y, 1):
        trained = train_many(
            networks,
            X,
            Y,
            iterations=setting.steps - 1,
            learning_rate=rates(setting, x, float(height)),
            train_biases=False,
            batch_size=setting.batch_size,
            record=range(setting.steps),
            threads=threads,
        )
        rows.append(_verdicts(trained.curve))
        made += int(np.where(trained.diverged, trained.diverged_at, setting.steps - 1).sum())
        if proceed is not None:
            proceed(done, resolution)
    relative, pace = (np.array(part) for part in zip(*rows, strict=True))
    return Frame(setting, window, relative, pace, made)


def _verdicts(losses: Array) -> tuple[Array, Array]:
    """Return the mean of the last losses divided by the first, and the pace: see `Frame`."""
    share = np.minimum(np.where(np.isfinite(losses), losses, np.inf) / losses[:, :1], LARGEST)
    relative = share[:, -LAST:].mean(axis=1)
    # A loss may reach 0 on the way of a network that ends above the first: its inverse counts as the largest.
    inverse = 1 / np.maximum(share, 1 / LARGEST)
    return relative, np.where(relative < 1, share.mean(axis=1), -inverse.mean(axis=1))


def zoom(
    setting: Setting,
    window: Window,
    *,
    levels: int,
    factor: int = 4,
    resolution: int = 128,
    threads: int | None = None,
    proceed: Callable[[int, int], None] | None = None,
) -> Iterator[Frame]:
    """Draw a window, then `levels` - 1 times the window inside it, `factor` times as narrow, with most boundary.

    The place is chosen by that rule and not by the eye; it is the richest one, so a dimension that is measured on the
    way is that of such places.
    """
    check_count("the levels", levels, least=1)
    check_count("the factor", factor, least=2)
    for _ in range(levels):
        frame = draw(setting, window, resolution=resolution, threads=threads, proceed=proceed)
        yield frame
        window = window.inside(richest(frame.converged, factor), factor)


def richest(converged: Verdicts, factor: int) -> tuple[float, float]:
    """Return the centre, as shares of width and height, of the window `factor` times as narrow with most boundary.

    >>> verdicts = np.ones((9, 9), bool)
    >>> verdicts[:2, :2] = False
    >>> richest(verdicts, 4)
    (0.125, 0.125)
    """
    found = edges(converged)
    side = max(1, len(found) // factor)
    sums = np.pad(found.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    inside = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    row, column = np.unravel_index(int(inside.argmax()), inside.shape)
    return (float(column) + side / 2) / len(found), (float(row) + side / 2) / len(found)
