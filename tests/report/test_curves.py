from __future__ import annotations

import math
import statistics
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symbreak.report import curves, trajectories
from symbreak.report.trajectories import Strand

values = st.lists(st.floats(allow_nan=False), min_size=1, max_size=30)


def holds_half(low: float, high: float, column: list[float]) -> bool:
    return 2 * sum(low <= value <= high for value in column) >= len(column)


@given(values)
def test_the_band_holds_the_middle_half(column):
    low, high = (curves.order_statistic(column, share) for share in (0.25, 0.75))
    assert holds_half(low, high, column)
    assert low <= statistics.median_low(column) <= statistics.median_high(column) <= high


def test_that_would_notice_a_narrower_band():
    column = [float(i) for i in range(20)]
    assert not holds_half(*(curves.order_statistic(column, share) for share in (0.35, 0.65)), column)


def test_the_line_is_the_median_of_the_seeds(planar):
    for row in planar.rows:
        curve = curves.cost_curve(row)
        expected = [statistics.median(dict(run.cost)[i] for run in row.runs) for i in curve.iterations]
        assert list(curve.median) == expected


def test_overflow_ends_the_line_and_the_band(deep):
    curve = curves.cost_curve(deep.rows[-1])
    last = curve.iterations.index(20)
    assert curve.median[last - 1] is not None
    assert set(curve.median[last:]) == set(curve.high[last:]) == {None}


@given(st.lists(st.integers(), max_size=60), st.integers(2, 20))
def test_thinning_keeps_the_ends_and_the_order(numbers, most):
    kept = curves.thinned(numbers, most)
    assert len(kept) == min(most, len(numbers))
    assert kept[:1] == numbers[:1]
    assert kept[-1:] == numbers[-1:]


def test_the_best_is_the_lowest_median(planar, deep, all_lost):
    lowest = min(row.final_cost.median for row in planar.rows)
    assert curves.best(planar).final_cost.median == lowest
    assert curves.best(deep).init == "xavier"
    assert curves.best(all_lost) is None


def test_tied_units_are_one_line(planar):
    units = {row.init: trajectories.strands(row.detail) for row in planar.rows}
    assert [strand.units for strand in units["constant(0.5)"]] == [4]
    assert [strand.units for strand in units["normal(1)"]] == [1, 1, 1, 1]
    assert trajectories.caption(planar.rows[0]) == "4 units, one point: they do not move"
    assert trajectories.caption(planar.rows[1]) == "4 units, one line"


@pytest.mark.parametrize(("shift", "lines"), [(0.0, 1), (0.5, 2), (5.0, 2)])
def test_lines_are_one_only_where_no_eye_could_part_them(planar, shift, lines):
    detail = planar.rows[1].detail
    apart = trajectories.INDISTINGUISHABLE * 2 * shift
    way = tuple(((0.0, float(t)), (apart, float(t)), (2.0, 0.0)) for t in range(2))
    found = trajectories.strands(replace(detail, trajectory_iterations=(0, 1), trajectory_weights=way))
    # At a shift of one half the distance is the limit itself, which counts as one.
    assert len(found) - 1 == (1 if shift <= 0.5 else lines)


def test_weights_that_overflow_end_the_line(planar):
    way = (((1.0, 1.0),), ((2.0, math.inf),), ((3.0, 3.0),))
    detail = replace(planar.rows[0].detail, trajectory_iterations=(0, 1, 2), trajectory_weights=way)
    assert trajectories.strands(detail) == [Strand(((1.0, 1.0),), 1)]


def test_one_feature_is_drawn_over_time(planar):
    way = (((1.0,),), ((2.0,),))
    detail = replace(planar.rows[0].detail, trajectory_iterations=(0, 10), trajectory_weights=way)
    assert trajectories.strands(detail) == [Strand(((0.0, 1.0), (10.0, 2.0)), 1)]
