"""Small panels: how activations and gradients are distributed, layer by layer, before and after training."""

from __future__ import annotations

from symbreak.experiments.result import Histogram, Row
from symbreak.report.curves import finite
from symbreak.report.format import number, percent
from symbreak.report.plots import Plot, Trace, axis, rounded, small
from symbreak.report.style import faded, look


def histogram_plots(index: int, row: Row, quantity: str) -> dict[str, Plot]:
    """Draw `quantity` ("activations" or "gradients") of the row's first run, one plot for each layer's number."""
    if row.detail is None:
        return {}
    histograms: tuple[Histogram, ...] = getattr(row.detail, quantity)
    usable = [histogram for histogram in histograms if _drawable(histogram)]
    return {str(histogram.layer): _plot(index, row.init, quantity, histogram) for histogram in usable}


def _drawable(histogram: Histogram) -> bool:
    finite_edges = all(finite(edge) is not None for edge in histogram.edges)
    return finite_edges and bool(histogram.start) and sum(histogram.start) + sum(histogram.end) > 0


def _plot(index: int, name: str, quantity: str, histogram: Histogram) -> Plot:
    colour = look(index).colour
    end = {"fill": "tozeroy", "fillcolor": faded(colour, 0.35), "line": {"color": colour, "width": 1.5, "shape": "hv"}}
    start = {"line": {"color": "ink/0.85", "width": 1.5, "dash": "dot", "shape": "hv"}}
    traces = (
        {**_steps(histogram, histogram.end, "after the last step"), **end},
        {**_steps(histogram, histogram.start, "before the first step"), **start},
    )
    frame = small(
        axis(exponentformat="power", zeroline=False, nticks=4),
        axis(tickformat=".0%", rangemode="tozero", nticks=4),
        hovermode="closest",
    )
    return Plot(traces, frame, _alternative(name, quantity, histogram))


def _steps(histogram: Histogram, counts: tuple[int, ...], when: str) -> Trace:
    total = sum(counts) or 1
    shares = [count / total for count in counts]
    # Closed at both ends, so that the first and last bin have a side.
    return {
        "type": "scatter",
        "mode": "lines",
        "x": rounded([histogram.edges[0], *histogram.edges]),
        "y": rounded([0.0, *shares, 0.0], 4),
        "hovertemplate": f"{when}<br>from %{{x:.3g}}: %{{y:.1%}}<extra></extra>",
    }


def _alternative(name: str, quantity: str, histogram: Histogram) -> str:
    return (
        f"{name}, {quantity} of layer {histogram.layer}: "
        f"{_fullest(histogram, histogram.start)} before the first step, "
        f"{_fullest(histogram, histogram.end)} after the last."
    )


def _fullest(histogram: Histogram, counts: tuple[int, ...]) -> str:
    total = sum(counts)
    if not total:
        return "nothing finite"
    top = max(range(len(counts)), key=counts.__getitem__)
    low, high = histogram.edges[top], histogram.edges[top + 1]
    return f"most, {percent(counts[top] / total)}, between {number(low)} and {number(high)}"
