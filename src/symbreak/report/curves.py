"""What is drawn of many runs: a median line, a band, and nothing that a screen cannot show."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from symbreak.experiments.result import CompareResult, Row, Run

CEILING = 1e4
"""Costs up to so many times the base rate are shown: a run on its way to overflow leaves the picture at the top."""

FLOOR = 1e-9
"""Costs down to this share of the base rate are shown: below, a logarithm tells of rounding alone."""

MOST_POINTS = 400
"""Points of a curve that are drawn: more than two to a pixel column would not be seen."""


@dataclass(frozen=True)
class Curve:
    """Cost over iterations: the median of the seeds and the band that holds the middle half of them.

    A value is `None` where the median, or that edge of the band, has overflowed.
    """

    iterations: tuple[int, ...]
    median: tuple[float | None, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]


def cost_curve(row: Row) -> Curve:
    """Return the curve of one initialization; a run counts as infinitely bad from where it overflowed."""
    costs = [_by_iteration(run) for run in row.runs]
    iterations = thinned(sorted({iteration for cost in costs for iteration in cost}), MOST_POINTS)
    columns = [_column(row.runs, costs, iteration) for iteration in iterations]
    return Curve(
        tuple(iterations),
        tuple(finite(statistics.median(column)) for column in columns),
        tuple(finite(order_statistic(column, 0.25)) for column in columns),
        tuple(finite(order_statistic(column, 0.75)) for column in columns),
    )


def cost_range(curves: Sequence[Curve], base: float) -> tuple[float, float]:
    """Return the costs to show: all of them and the base rate, between `FLOOR` and `CEILING` times the base rate.

    >>> cost_range([Curve((0, 1), (0.5, 1e300), (0.5, 1e299), (0.5, None))], 1.0)
    (0.5, 10000.0)
    """
    values = [value for curve in curves for side in (curve.low, curve.high) for value in side if value is not None]
    shown = [min(max(value, FLOOR * base), CEILING * base) for value in values]
    return min([base, *shown]), max([base, *shown])


def order_statistic(values: Sequence[float], share: float) -> float:
    """Return the value below which about `share` of the sorted values lie: one of them, so that infinity is allowed.

    >>> order_statistic([1.0, 2.0, 3.0, 4.0, float("inf")], 0.25), order_statistic([3.0], 0.75)
    (2.0, 3.0)
    """
    # Rounded outwards on both sides, so that the band is never narrower than the share it claims.
    rank = share * (len(values) - 1)
    return sorted(values)[math.floor(rank) if share < 0.5 else math.ceil(rank)]


def finite(value: float | None) -> float | None:
    """Return the value, or `None` for what is no finite number."""
    return value if value is not None and math.isfinite(value) else None


def thinned(values: Sequence[int], most: int) -> list[int]:
    """Return at most `most` of the values, evenly spread by position, the first and the last among them.

    >>> thinned(range(10), 4)
    [0, 3, 6, 9]
    """
    if len(values) <= most:
        return list(values)
    return [values[round(i * (len(values) - 1) / (most - 1))] for i in range(most)]


def best(result: CompareResult) -> Row | None:
    """Return the row of the lowest median cost, the first of them; `None` when all have overflowed."""
    ended = [row for row in result.rows if finite(row.final_cost.median) is not None]
    return min(ended, key=_final, default=None)


def one_unit(row: Row) -> bool:
    """Whether every hidden layer ended as a single unit, though the row has hidden layers."""
    ends = row.effective_units.end
    return bool(ends) and all(end is not None and end <= 1 for end in ends)


def _final(row: Row) -> float:
    value = finite(row.final_cost.median)
    return math.inf if value is None else value


def _by_iteration(run: Run) -> dict[int, float]:
    end = math.inf if run.overflowed_at is None else run.overflowed_at
    return {iteration: _infinite(finite(cost)) if iteration < end else math.inf for iteration, cost in run.cost}


def _column(runs: Sequence[Run], costs: Sequence[dict[int, float]], iteration: int) -> list[float]:
    return [
        cost.get(iteration, math.inf)
        for run, cost in zip(runs, costs, strict=True)
        if iteration in cost or run.overflowed_at is not None
    ]


def _infinite(cost: float | None) -> float:
    return math.inf if cost is None else cost
