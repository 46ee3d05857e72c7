"""The figures that compare initializations in one frame: cost over iterations, and the score of every run."""

from __future__ import annotations

import math
from itertools import groupby
from typing import Any

from symbreak.experiments.result import CompareResult, DataSummary, Row, Run
from symbreak.report.curves import Curve, cost_curve, cost_range, finite
from symbreak.report.format import number, shorten
from symbreak.report.plots import Plot, Trace, axis, label, layout, level, rounded, upright
from symbreak.report.style import faded, look
from symbreak.report.table import base_name, score_form, score_name, scored


def cost_plot(result: CompareResult) -> Plot:
    """Draw cost over iterations: the median of the seeds, and the band that holds the middle half of them."""
    curves = [cost_curve(row) for row in result.rows]
    bands = [_band(index, curve) for index, curve in enumerate(curves) if len(result.rows[index].runs) > 1]
    named = list(zip([row.init for row in result.rows], curves, strict=True))
    lines = [_line(index, name, curve) for index, (name, curve) in enumerate(named)]
    crosses = [_overflow(index, name, curve) for index, (name, curve) in enumerate(named)]
    base = result.data.base_rate_cost
    # A regression on a constant target has a base rate of 0, and a logarithm no place for it.
    scale = _logarithmic(*cost_range(curves, base)) if base > 0 else {"type": "linear"}
    frame = layout(
        axis("iteration", rangemode="nonnegative"),
        axis("training cost", tickformat="~g", **scale),
        height=430,
        shapes=[level(base, f"{base_name(result.data)} {number(base)}")],
        hovermode="closest",
        # Linear, one curve that starts far above would press all others flat.
        meta={"yaxis": [0, 2 * base]},
    )
    return Plot((*bands, *lines, *filter(None, crosses)), frame, _cost_alternative(result))


def _logarithmic(low: float, high: float) -> dict[str, Any]:
    """Return the settings of a logarithmic axis: ticks at powers of ten, or 1, 2 and 5 where there are few of them."""
    decades = math.log10(high / low)
    margin = max(0.05, 0.04 * decades)
    dtick = "D2" if decades < 1.7 else math.ceil(decades / 7)
    return {"type": "log", "dtick": dtick, "range": [math.log10(low) - margin, math.log10(high) + margin]}


def _line(index: int, name: str, curve: Curve) -> Trace:
    this = look(index)
    return {
        "type": "scatter",
        "mode": "lines",
        "name": label(name),
        "meta": index,
        "x": list(curve.iterations),
        "y": rounded(curve.median),
        "line": {"color": this.colour, "dash": this.dash, "width": 2.4},
        "hovertemplate": f"<b>{label(name)}</b><br>iteration %{{x}}<br>median cost %{{y:.3g}}<extra></extra>",
    }


def _band(index: int, curve: Curve) -> Trace:
    """Go up along the lower edge and back along the upper, once for each stretch where both are numbers."""
    sides = zip(curve.iterations, curve.low, curve.high, strict=True)
    stretches = [list(part) for known, part in groupby(sides, key=lambda side: None not in side) if known]
    outline = [point for part in stretches for point in _outline(part)]
    return {
        "type": "scatter",
        "mode": "lines",
        "meta": index,
        "x": [x for x, _ in outline],
        "y": rounded(y for _, y in outline),
        "fill": "toself",
        "fillcolor": faded(look(index).colour, 0.15),
        "line": {"width": 0},
        "hoverinfo": "skip",
    }


def _outline(part: list[tuple[int, float | None, float | None]]) -> list[tuple[int | None, float | None]]:
    """Return the way around a stretch, and a gap that keeps it apart from the next."""
    return [*((x, low) for x, low, _ in part), *((x, high) for x, _, high in reversed(part)), (None, None)]


def _overflow(index: int, name: str, curve: Curve) -> Trace | None:
    """A cross where the median leaves the numbers."""
    last = next((i for i, value in enumerate(curve.median) if value is None), None)
    if last is None:
        return None
    seen = curve.median[last - 1] if last else None
    return {
        "type": "scatter",
        "mode": "markers",
        "meta": index,
        "x": [curve.iterations[max(last - 1, 0)]],
        "y": rounded([seen]),
        "marker": {"symbol": "x", "size": 11, "color": look(index).colour},
        "hovertemplate": f"<b>{label(name)}</b><br>overflows after iteration %{{x}}<extra></extra>",
    }


def _cost_alternative(result: CompareResult) -> str:
    ends = "; ".join(f"{row.init} ends at {number(row.final_cost.median)}" for row in result.rows)
    return f"Cost curves, {base_name(result.data)} {number(result.data.base_rate_cost)}: {ends}."


def score_plot(result: CompareResult) -> Plot:
    """Draw one dot for each run's score, and a tall stroke at their median, one line for each initialization."""
    rows = result.rows
    traces = [trace for index, row in enumerate(rows) for trace in _scores(index, row, result.data)]
    ticks: dict[str, Any] = {"tickvals": list(range(len(rows))), "ticktext": [label(row.init, 18) for row in rows]}
    score = result.data.base_rate_score
    form = ".0%" if result.data.score == "accuracy" else ""
    base = upright(score, f"{base_name(result.data)} {_score(score, result.data)}")
    frame = layout(
        axis(score_name(result.data), tickformat=form, zeroline=False, range=score_range(result)),
        axis(range=[len(rows) - 0.4, -0.9], fixedrange=True, showgrid=False, zeroline=False, **ticks),
        **{**base, "height": max(200, 46 * len(rows) + 110), "hovermode": "closest"},
        margin={"l": 8, "r": 10, "t": 30, "b": 8},
    )
    return Plot(tuple(traces), frame, _score_alternative(result))


def score_range(result: CompareResult) -> list[float]:
    """Return the scores to show: all of them and the base rate, but no R2 below -1, since R2 has no lower end.

    Costs that stand for a score have no upper end.
    """
    scores = [finite(run.accuracy) for row in result.rows for run in row.runs]
    if not scored(result.data):
        base = result.data.base_rate_score
        most = min(max([base, *(score for score in scores if score is not None)]), 3 * base)
        return [0.0, float(f"{1.05 * most:.4g}")]
    known = [max(score, -1.0) for score in (*scores, result.data.base_rate_score) if score is not None]
    margin = max(0.02, 0.05 * (max(known) - min(known)))
    return [round(min(known) - margin, 4), round(min(max(known) + margin, 1.02), 4)]


def _scores(index: int, row: Row, data: DataSummary) -> list[Trace]:
    known = [run for run in row.runs if finite(run.accuracy) is not None]
    dots = {
        **_marks(index, known),
        "marker": {"symbol": look(index).marker, "size": 9, "color": look(index).colour, "opacity": 0.55},
        "hovertemplate": f"<b>{label(row.init)}</b><br>seed %{{customdata}}: %{{x:.3g}}<extra></extra>",
    }
    median = finite(row.accuracy.median)
    if median is None or len(known) < 2:
        return [dots]
    return [dots, _median(index, row.init, median, _score(median, data))]


def _marks(index: int, runs: list[Run]) -> Trace:
    return {
        "type": "scatter",
        "mode": "markers",
        "meta": index,
        "x": rounded(run.accuracy for run in runs),
        "y": [round(index + jitter(place), 3) for place in range(len(runs))],
        "customdata": [run.seed for run in runs],
    }


def jitter(place: int) -> float:
    """Spread dots over a line's height by the golden ratio: evenly for any number of runs, and always alike."""
    return ((place + 1) * 0.6180339887 % 1 - 0.5) * 0.44


def _median(index: int, name: str, median: float, written: str) -> Trace:
    return {
        "type": "scatter",
        "mode": "lines",
        "meta": index,
        "x": rounded([median, median]),
        "y": [index - 0.34, index + 0.34],
        "line": {"color": look(index).colour, "width": 4},
        "hovertemplate": f"<b>{label(name)}</b><br>median {label(written)}<extra></extra>",
    }


def _score(value: float, data: DataSummary) -> str:
    return str(score_form(data)(value))


def _score_alternative(result: CompareResult) -> str:
    ends = "; ".join(f"{shorten(row.init)} {_score_or_none(row, result.data)}" for row in result.rows)
    return f"Median {score_name(result.data)} by initialization: {ends}."


def _score_or_none(row: Row, data: DataSummary) -> str:
    median = finite(row.accuracy.median)
    return "overflow" if median is None else _score(median, data)
