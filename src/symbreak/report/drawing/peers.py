"""What a panel has in common with others of its figure, so that equal looks mean equal numbers.

Panels that are compared share their limits, colours and widths: surfaces and diagrams side by side, and whatever stands
at one place of a dial, for axes that moved with the dial would hide what moves in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from symbreak.lesson.figures import Bars, Chart, Diagram, Figure, Matrix, Panel, Surface


@dataclass(frozen=True, eq=False)
class Setting:
    """Where a panel stands: the panels that it is compared with, itself among them, and the look of every series."""

    peers: tuple[Panel, ...]
    looks: Mapping[str, int]


def setting(figure: Figure, frame: int, place: int) -> Setting:
    """Return the setting of the panel at `place` of a frame."""
    panel = figure.frames[frame].panels[place]
    frames = figure.frames if figure.dial else (figure.frames[frame],)
    if isinstance(panel, (Surface, Diagram)):
        found: list[Panel] = [other for each in frames for other in each.panels]
    else:
        found = [each.panels[place] for each in frames if place < len(each.panels)]
    return Setting(tuple(other for other in found if _comparable(panel, other)), looks(figure))


def looks(figure: Figure) -> dict[str, int]:
    """Return the look of each series by its name: the same in every panel and frame."""
    names = [
        name
        for frame in figure.frames
        for panel in frame.panels
        if isinstance(panel, (Chart, Bars))
        for name in _names(panel)
    ]
    return {name: index for index, name in enumerate(dict.fromkeys(names))}


def _names(panel: Chart | Bars) -> tuple[str, ...]:
    return tuple(series.name for series in panel.series) if isinstance(panel, Chart) else panel.series or ("",)


def _comparable(one: Panel, other: Panel) -> bool:
    """Whether two panels measure the same things on their axes."""
    if isinstance(one, Chart) and isinstance(other, Chart):
        return (one.x_label, one.y_label, one.x_scale, one.y_scale) == (
            other.x_label,
            other.y_label,
            other.x_scale,
            other.y_scale,
        )
    if isinstance(one, Bars) and isinstance(other, Bars):
        return (one.names, one.y_label, one.y_scale) == (other.names, other.y_label, other.y_scale)
    if isinstance(one, Matrix) and isinstance(other, Matrix):
        return one.values.shape == other.values.shape
    if isinstance(one, Surface) and isinstance(other, Surface):
        return (one.classes is None) == (other.classes is None)
    return type(one) is type(other)
