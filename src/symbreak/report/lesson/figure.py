"""A figure on a page: pictures as inline SVG, tables and steps as what they are, a switch or a dial over its frames."""

from __future__ import annotations

from symbreak.lesson.figures import Bars, Chart, Figure, Frame, Panel, Steps, Table
from symbreak.report.drawing.canvas import colour
from symbreak.report.drawing.chart import legend_text
from symbreak.report.drawing.inline import inline_svg
from symbreak.report.drawing.panels import size
from symbreak.report.drawing.peers import Setting, setting
from symbreak.report.frame import block
from symbreak.report.html import Html, element
from symbreak.report.lesson.words import prose
from symbreak.report.style import swatch

POINTS, SMALLEST, LARGEST = 72, 1.04, 1.5
"""A picture's points for each inch; pixels for each point where there is little room, and where there is much."""

TWO_BY_TWO = 4
"""So many panels would leave a lonely one below three."""


def moving_figure(figure: Figure, *, key: str) -> Html:
    """Return a figure for a page with the lesson's script; `key` keeps its identifiers apart from all others."""
    frames = [
        block("div", *_panels(figure, place, key), class_="frame panels", data_frame=place, hidden=place > 0 or None)
        for place in range(len(figure.frames))
    ]
    control = [] if len(frames) == 1 else [_dial(figure, key) if figure.dial else _switch(figure, key)]
    return _figure(figure, *control, *frames)


def open_figure(figure: Figure, *, key: str) -> Html:
    """Return a figure that needs no script: its frames can be opened and closed, the first is open."""
    if len(figure.frames) == 1:
        return _figure(figure, block("div", *_panels(figure, 0, key), class_="panels"))
    frames = [
        element(
            "details",
            element("summary", _position(figure, frame)),
            block("div", *_panels(figure, place, key), class_="panels"),
            open=place == 0,
        )
        for place, frame in enumerate(figure.frames)
    ]
    return _figure(figure, *frames)


def _figure(figure: Figure, *children: Html) -> Html:
    title = element("p", prose(figure.title), class_="figure-title")
    return block("div", title, *children, class_="lesson-figure", role="group", aria_label=figure.alternative)


def _position(figure: Figure, frame: Frame) -> str:
    return f"{figure.control}: {frame.label}" if figure.control else frame.label


def _switch(figure: Figure, key: str) -> Html:
    """Radio buttons: arrow keys go from one to the next."""
    choices = [
        element(
            "label",
            element("input", type="radio", name=f"{key}-frame", value=place, checked=place == 0, data_show=place),
            element("span", frame.label),
        )
        for place, frame in enumerate(figure.frames)
    ]
    return element("fieldset", element("legend", figure.control), element("div", *choices), class_="switch")


def _dial(figure: Figure, key: str) -> Html:
    """A slider that knows the names of its positions."""
    labels = [frame.label for frame in figure.frames]
    slider = element(
        "input",
        type="range",
        id=f"{key}-dial",
        min=0,
        max=len(labels) - 1,
        step=1,
        value=0,
        aria_valuetext=labels[0],
    )
    names = [element("span", label, hidden=place > 0 or None) for place, label in enumerate(labels)]
    value = element("output", *names, for_=f"{key}-dial")
    return element("div", element("label", figure.control, for_=f"{key}-dial"), slider, value, class_="dial")


def _panels(figure: Figure, frame: int, key: str) -> list[Html]:
    """Return the panels of a frame; a legend that all its charts share stands above them once."""
    panels = figure.frames[frame].panels
    settings = [setting(figure, frame, place) for place in range(len(panels))]
    legends = [_legend(panel, each) for panel, each in zip(panels, settings, strict=True)]
    known = [legend for legend in legends if legend]
    shared = known[0] if len(known) > 1 and len(set(known)) == 1 else None
    drawn = [
        _panel(panel, each, f"{key}-{frame}-{place}", None if shared else legend, style=_width(panel, len(panels)))
        for place, (panel, each, legend) in enumerate(zip(panels, settings, legends, strict=True))
    ]
    return [shared, *drawn] if shared else drawn


def _panel(panel: Panel, setting: Setting, key: str, legend: Html | None, *, style: str | None) -> Html:
    title = element("figcaption", prose(panel.title)) if panel.title else None
    kind = type(panel).__name__.lower()
    if isinstance(panel, Table):
        body = _table(panel)
    elif isinstance(panel, Steps):
        body = _steps(panel)
    else:
        body = inline_svg(panel, setting, prefix=key)
    return element("figure", title, body, legend, class_=f"panel {kind}", style=style)


def _width(panel: Panel, together: int) -> str | None:
    """Return how wide a picture may be: as text grows and shrinks with it, neither little nor much."""
    if isinstance(panel, (Table, Steps)):
        return None
    points = POINTS * size(panel)[0]
    least, most = f"{SMALLEST * points:.0f}px", f"max-width:{LARGEST * points:.0f}px"
    if together == TWO_BY_TWO:
        return f"flex-basis:calc(50% - 1rem);min-width:min(100%,{least});{most}"
    return f"flex-basis:{least};{most}"


def _table(table: Table) -> Html:
    head = element("tr", *(element("th", prose(name), scope="col") for name in table.columns))
    rows = [
        element(
            "tr",
            *(
                element("th" if place == 0 else "td", prose(cell), scope="row" if place == 0 else None)
                for place, cell in enumerate(row)
            ),
        )
        for row in table.rows
    ]
    whole = element("table", element("thead", head), element("tbody", *rows))
    return element("div", whole, class_="scroll", tabindex=0, role="region", aria_label=table.title or "Table")


def _steps(steps: Steps) -> Html:
    items = []
    for step in steps.steps:
        mark = element("span", "✓" if step.holds else "✗", class_="mark", aria_hidden="true")
        outcome = element("b", "holds" if step.holds else "does not hold")
        note = element("small", outcome, prose(f": {step.measured}") if step.measured else None)
        items.append(
            element("li", mark, element("div", prose(step.says), Html(" "), note), class_="yes" if step.holds else "no")
        )
    return element("ol", *items, class_="steps")


def _legend(panel: Panel, setting: Setting) -> Html | None:
    """Name the lines under the picture, in words that wrap."""
    items: list[Html] = []
    if isinstance(panel, Chart):
        items = [
            element(
                "li",
                swatch(setting.looks[series.name], shows="marker" if series.style == "dots" else "line"),
                prose(legend_text(panel, series)),
            )
            for series in panel.series
            if series.name
        ]
    elif isinstance(panel, Bars):
        items = [element("li", _patch(setting.looks[name]), prose(name)) for name in panel.series]
    return element("ul", *items, class_="legend-list") if items else None


def _patch(index: int) -> Html:
    form = element("rect", x=1, y=1, width=12, height=12, fill="currentColor" if index == 0 else colour(index))
    return element("svg", form, class_="swatch", viewBox="0 0 14 14", width=14, height=14, aria_hidden="true")
