"""The figures that compare initializations in one frame: cost over iterations, and the score of every run."""

from __future__ import annotations

from typing import Any

from symbreak.experiments.result import CompareResult, DataSummary, Row, Run
from symbreak.report.curves import Curve, cost_curve, finite
from symbreak.report.format import number, shorten
from symbreak.report.plots import Plot, Trace, axis, label, layout, level, rounded, upright
from symbreak.report.style import faded, look
from symbreak.report.table import score_form, score_name


def cost_plot(result: CompareResult) -> Plot:
    """Draw cost over iterations: the median of the seeds, and the band that holds the middle half of them."""
    curves = [cost_curve(row) for row in result.rows]
    bands = [_band(index, curve) for index, curve in enumerate(curves) if len(result.rows[index].runs) > 1]
    named = list(zip([row.init for row in result.rows], curves, strict=True))
    lines = [_line(index, name, curve) for index, (name, curve) in enumerate(named)]
    crosses = [_overflow(index, name, curve) for index, (name, curve) in enumerate(named)]
    base = level(result.data.base_rate_cost, f"base rate {number(result.data.base_rate_cost)}")
    frame = layout(
        axis("iteration", rangemode="nonnegative"),
        axis(
            "training cost",
            type="log" if result.data.base_rate_cost > 0 else "linear",
            tickformat="~g",
            dtick=_decades(curves),
        ),
        height=430,
        shapes=[base],
        hovermode="closest",
        # Linear, one curve that starts far above would press all others flat.
        meta={"yaxis": [0, 2 * result.data.base_rate_cost]},
    )
    return Plot((*bands, *lines, *filter(None, crosses)), frame, _cost_alternative(result))


def _decades(curves: list[Curve]) -> int | str:
    """Return Plotly's step of a logarithmic axis: powers of ten, or 1, 2 and 5 where there are few of them."""
    values = [value for curve in curves for value in (*curve.low, *curve.high) if value]
    return 1 if values and max(values) > 50 * min(values) else "D2"


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
    """Up along the lower edge and back along the upper; it ends where either has overflowed."""
    sides = list(zip(curve.iterations, curve.low, curve.high, strict=True))
    kept = [(x, low, high) for x, low, high in sides if low is not None and high is not None]
    return {
        "type": "scatter",
        "mode": "lines",
        "meta": index,
        "x": [x for x, _, _ in kept] + [x for x, _, _ in reversed(kept)],
        "y": rounded([low for _, low, _ in kept] + [high for _, _, high in reversed(kept)]),
        "fill": "toself",
        "fillcolor": faded(look(index).colour, 0.15),
        "line": {"width": 0},
        "hoverinfo": "skip",
    }


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
    return f"Cost curves, base rate {number(result.data.base_rate_cost)}: {ends}."


def score_plot(result: CompareResult) -> Plot:
    """Draw one dot for each run's score, and a tall stroke at their median, one line for each initialization."""
    rows = result.rows
    traces = [trace for index, row in enumerate(rows) for trace in _scores(index, row, result.data)]
    ticks: dict[str, Any] = {"tickvals": list(range(len(rows))), "ticktext": [label(row.init, 18) for row in rows]}
    score = result.data.base_rate_score
    form = ".0%" if result.data.score == "accuracy" else ""
    base = upright(score, f"base rate {_score(score, result.data)}")
    frame = layout(
        axis(score_name(result.data), tickformat=form, zeroline=False, range=score_range(result)),
        axis(range=[len(rows) - 0.4, -0.9], fixedrange=True, showgrid=False, zeroline=False, **ticks),
        **{**base, "height": max(200, 46 * len(rows) + 110), "hovermode": "closest"},
        margin={"l": 8, "r": 10, "t": 30, "b": 8},
    )
    return Plot(tuple(traces), frame, _score_alternative(result))


def score_range(result: CompareResult) -> list[float] | None:
    """Return the part of the axis that is shown, or `None` for all of it: R2 has no lower end."""
    if result.data.score == "accuracy":
        return None
    scores = (finite(run.accuracy) for row in result.rows for run in row.runs)
    return [-1.05, 1.02] if any(score is not None and score < -1 for score in scores) else None


def _scores(index: int, row: Row, data: DataSummary) -> list[Trace]:
    scored = [run for run in row.runs if finite(run.accuracy) is not None]
    dots = {
        **_marks(index, scored),
        "marker": {"symbol": look(index).marker, "size": 9, "color": look(index).colour, "opacity": 0.55},
        "hovertemplate": f"<b>{label(row.init)}</b><br>seed %{{customdata}}: %{{x:.3g}}<extra></extra>",
    }
    median = finite(row.accuracy.median)
    if median is None or len(scored) < 2:
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
