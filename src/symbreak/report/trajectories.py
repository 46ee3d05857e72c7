"""Small panels: the way that every unit of the first hidden layer goes through the plane of its weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from symbreak.experiments.result import Detail, Row
from symbreak.report.curves import finite, thinned
from symbreak.report.format import plural
from symbreak.report.plots import Plot, Trace, axis, label, rounded, small
from symbreak.report.style import look

Path = tuple[tuple[float, float], ...]

INDISTINGUISHABLE = 0.004
"""Share of the panel's width below which two lines are one to the eye: about a pixel of a small panel."""

MOST_STEPS = 150
MOST_LINES = 100


@dataclass(frozen=True)
class Strand:
    """A line of the picture, and how many units it stands for."""

    path: Path
    units: int


def trajectory_plot(index: int, row: Row, features: Sequence[str]) -> Plot | None:
    """Draw the paths of the units; units whose paths coincide are one line, whose rings tell how many they are."""
    found = [] if row.detail is None else strands(row.detail)
    if not found:
        return None
    traces = [trace for strands in _bundles(found[:MOST_LINES]) for trace in _traces(look(index).colour, strands)]
    one_weight = len(features) == 1
    x = "iteration" if one_weight else f"weight of {label(_feature(features, 0), 16)}"
    y = f"weight of {label(_feature(features, 0 if one_weight else 1), 16)}"
    frame = small(axis(x, zeroline=True), axis(y, zeroline=True), hovermode="closest")
    return Plot(tuple(traces), frame, f"{row.init}: {summary(found)}.")


def _feature(features: Sequence[str], place: int) -> str:
    """Return the name of a feature; batches of a user's own have none."""
    return features[place] if features else f"input {place + 1}"


def strands(detail: Detail) -> list[Strand]:
    """Return the distinct lines; a unit joins the first line that it cannot be told from."""
    paths = [path for path in _paths(detail) if path]
    limit = INDISTINGUISHABLE * _extent(paths)
    found: list[Strand] = []
    for path in paths:
        place = next((i for i, strand in enumerate(found) if _close(strand.path, path, limit)), None)
        if place is None:
            found.append(Strand(path, 1))
        else:
            found[place] = Strand(found[place].path, found[place].units + 1)
    return found


def summary(found: Sequence[Strand]) -> str:
    """Say how many units there are and how many lines they draw.

    >>> summary([Strand(((0.0, 0.0), (1.0, 0.0)), 4)]), summary([Strand(((0.0, 0.0),), 4)])
    ('4 units, one line', '4 units, one point: they do not move')
    """
    units = sum(strand.units for strand in found)
    still = all(len(set(strand.path)) == 1 for strand in found)
    thing = "point" if still else "line"
    lines = f"one {thing}" if len(found) == 1 else plural(len(found), thing)
    one = " it does not move" if units == 1 else " they do not move"
    drawn = f", {MOST_LINES} of them drawn" if len(found) > MOST_LINES else ""
    return f"{plural(units, 'unit')}, {lines}{drawn}{':' + one if still else ''}"


def _paths(detail: Detail) -> list[Path]:
    steps = thinned(range(len(detail.trajectory_weights)), MOST_STEPS)
    units = len(detail.trajectory_weights[0]) if detail.trajectory_weights else 0
    return [tuple(_finite_part([_position(detail, step, unit) for step in steps])) for unit in range(units)]


def _position(detail: Detail, step: int, unit: int) -> tuple[float | None, float | None]:
    weights = detail.trajectory_weights[step][unit]
    if len(weights) == 1:
        return float(detail.trajectory_iterations[step]), finite(weights[0])
    return finite(weights[0]), finite(weights[1])


def _finite_part(positions: Sequence[tuple[float | None, float | None]]) -> list[tuple[float, float]]:
    """Stop where the weights overflow."""
    kept: list[tuple[float, float]] = []
    for x, y in positions:
        if x is None or y is None:
            break
        kept.append((x, y))
    return kept


def _extent(paths: Sequence[Path]) -> float:
    spans = [_span([point[axis] for path in paths for point in path]) for axis in (0, 1)]
    return max(spans)


def _span(values: Sequence[float]) -> float:
    return max(values) - min(values) if values else 0.0


def _close(a: Path, b: Path, limit: float) -> bool:
    pairs = zip(a, b, strict=False)
    return len(a) == len(b) and all(max(abs(x1 - x2), abs(y1 - y2)) <= limit for (x1, y1), (x2, y2) in pairs)


def _bundles(found: Sequence[Strand]) -> list[list[Strand]]:
    """Gather lines of as many units each, to be drawn alike and at once."""
    sizes = sorted({strand.units for strand in found})
    return [[strand for strand in found if strand.units == units] for units in sizes]


def _traces(colour: str, bundle: Sequence[Strand]) -> list[Trace]:
    units = bundle[0].units
    base = {"type": "scatter", "hovertemplate": f"{plural(units, 'unit')}<br>%{{x:.3g}}, %{{y:.3g}}<extra></extra>"}
    # A gap after every line keeps it apart from the next.
    lines = [point for strand in bundle for point in (*strand.path, (None, None))]
    starts, ends = [strand.path[0] for strand in bundle], [strand.path[-1] for strand in bundle]
    line = {"color": colour, "width": 1.8 if units == 1 else 3.2}
    dot = {"size": 7, "color": colour}
    return [
        {**base, "mode": "lines", "line": line, **_coordinates(lines)},
        *({**base, "mode": "markers", "marker": ring, **_coordinates(starts)} for ring in _rings(units, colour)),
        {**base, "mode": "markers", "marker": dot, **_coordinates(ends)},
    ]


def _coordinates(points: Sequence[tuple[float | None, float | None]]) -> dict[str, list[float | None]]:
    return {"x": rounded(x for x, _ in points), "y": rounded(y for _, y in points)}


def _rings(units: int, colour: str) -> list[dict[str, object]]:
    """Return one ring for every unit of a line, up to six, each around the one before."""
    return [
        {"size": 9 + 6 * ring, "symbol": "circle-open", "color": colour, "line": {"width": 1.6}}
        for ring in range(min(units, 6))
    ]


def caption(row: Row) -> str:
    """Return what stands over the panel: units and lines, or why there is none."""
    found = [] if row.detail is None else strands(row.detail)
    return summary(found) if found else "no trajectory recorded"
