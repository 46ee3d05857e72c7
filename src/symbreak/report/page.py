"""The page of a comparison, section by section."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symbreak.experiments.result import CompareResult, Row
from symbreak.report import words
from symbreak.report.boundaries import MARKERS, boundary_plot, kind
from symbreak.report.format import plural, promise, shorten
from symbreak.report.frame import block, document
from symbreak.report.histograms import histogram_plots
from symbreak.report.html import Html, element, join
from symbreak.report.overview import cost_plot, score_plot
from symbreak.report.plots import Plot
from symbreak.report.style import CLASSES, swatch
from symbreak.report.table import html_table, score_name
from symbreak.report.trajectories import caption, trajectory_plot

Variants = dict[str, Plot]
Figures = dict[str, dict[str, Any]]


def comparison_page(result: CompareResult) -> str:
    """Return the page as text."""
    figures: Figures = {}
    sections = _sections(result, figures) if result.rows else [_again(result)]
    main = block("main", _header(result), *(section for section in sections if section))
    return document(title=words.title(result), body=join(main, _footer(result)), figures=figures)


def _sections(result: CompareResult, figures: Figures) -> list[Html]:
    return [
        _results(result),
        _legend(result),
        _cost(result, figures),
        _score(result, figures),
        _boundaries(result, figures),
        _trajectories(result, figures),
        _histograms(result, figures, "activations", "Activations", words.read_activations(result)),
        _histograms(result, figures, "gradients", "Gradients", words.read_gradients(result)),
        _again(result),
    ]


def _header(result: CompareResult) -> Html:
    terms = [element("div", element("dt", term), element("dd", text)) for term, text in words.setup(result)]
    interrupted = "Interrupted: this page shows the runs that were finished." if result.interrupted else None
    return block(
        "header",
        element("p", "symbreak compare", class_="kind"),
        element("h1", words.title(result)),
        element("p", interrupted, class_="notice", role="note") if interrupted else Html(),
        element("p", words.outcome(result), class_="lead"),
        block("dl", *terms, class_="setup"),
    )


def _results(result: CompareResult) -> Html:
    return _section("results", "Verdicts", html_table(result))


def _legend(result: CompareResult) -> Html:
    """One legend for all figures: a press hides an initialization everywhere."""
    chips = [
        element(
            "button",
            swatch(index),
            element("span", shorten(row.init)),
            type="button",
            aria_pressed="true",
            data_toggle=index,
            title=f"Show or hide {row.init} in the figures",
        )
        for index, row in enumerate(result.rows)
    ]
    return block("nav", *chips, class_="legend", aria_label="Initializations shown in the figures")


def _cost(result: CompareResult, figures: Figures) -> Html:
    body = _figure("cost", {"": cost_plot(result)}, figures)
    scales = element(
        "div", _scales("Cost", "yaxis", "log"), _scales("Iterations", "xaxis", "linear"), class_="controls"
    )
    return _section("cost-curves", "Cost", element("p", words.read_cost(result), class_="how"), scales, body)


def _scales(what: str, which: str, chosen: str) -> Html:
    """Let the reader choose the scale of an axis of the cost curves."""
    choices = [
        element("button", text, type="button", data_scale=scale, aria_pressed=str(scale == chosen).lower())
        for scale, text in (("log", "logarithmic"), ("linear", "linear"))
    ]
    name = f"Scale of {what.lower()}"
    group = element("span", *choices, class_="choice", role="group", aria_label=name, data_for="cost", data_axis=which)
    return element("span", f"{what} ", group)


def _score(result: CompareResult, figures: Figures) -> Html:
    heading = score_name(result.data)
    body = _figure("score", {"": score_plot(result)}, figures)
    how = element("p", words.read_score(result), class_="how")
    return _section("scores", heading[0].upper() + heading[1:], how, body)


def _boundaries(result: CompareResult, figures: Figures) -> Html:
    plots = [boundary_plot(row, result.data) for row in result.rows]
    if not any(plots):
        return Html()
    panels = _panels("boundary", result, plots_of=lambda index, row: _only(plots[index]), figures=figures)
    how = element("p", words.read_boundary(result), class_="how")
    return _section("boundaries", "What the networks answer over the plane", how, _classes(result), panels)


def _classes(result: CompareResult) -> Html:
    """Name the colours of the classes."""
    if kind(result.data) == "regression":
        return Html()
    items = [
        element("li", _dot(index), f"class {shorten(name)}") for index, name in enumerate(result.data.classes[:12])
    ]
    return element("ul", *items, class_="classes")


def _dot(index: int) -> Html:
    shape = MARKERS[index % len(MARKERS)]
    rotation = {"diamond": "rotate(45 7 7)"}.get(shape)
    form = (
        element("circle", cx=7, cy=7, r=5, fill=CLASSES[index % len(CLASSES)])
        if shape == "circle"
        else element("rect", x=3, y=3, width=8, height=8, fill=CLASSES[index % len(CLASSES)], transform=rotation)
    )
    return element("svg", form, viewBox="0 0 14 14", width=14, height=14, aria_hidden="true")


def _trajectories(result: CompareResult, figures: Figures) -> Html:
    drawn = any(row.detail is not None and row.detail.trajectory_weights for row in result.rows)
    if len(result.network.sizes) < 3 or (result.network.model and not drawn):
        return Html()
    panels = _panels(
        "trajectory",
        result,
        plots_of=lambda index, row: _only(trajectory_plot(index, row, result.data.features)),
        figures=figures,
        note=caption,
    )
    how = element("p", words.read_trajectories(result), class_="how")
    return _section("units", "The path of every unit", how, panels)


def _histograms(result: CompareResult, figures: Figures, quantity: str, heading: str, how: str) -> Html:
    plots = [histogram_plots(index, row, quantity) for index, row in enumerate(result.rows)]
    layers = sorted({int(layer) for variants in plots for layer in variants})
    if not layers:
        return Html()
    panels = _panels(quantity, result, plots_of=lambda index, row: plots[index], figures=figures)
    key = element("p", _stroke("dotted"), "before the first step", _stroke("filled"), "after the last", class_="key")
    controls = element("div", _layers(result, quantity, layers), key, class_="controls")
    return _section(quantity, heading, element("p", how, class_="how"), controls, panels)


def _stroke(which: str) -> Html:
    return element("i", class_=which, aria_hidden="true")


def _layers(result: CompareResult, quantity: str, layers: list[int]) -> Html:
    """Let the reader choose a layer where there are several."""
    options = [
        element("option", _layer(result, layer), value=layer, selected=index == 0) for index, layer in enumerate(layers)
    ]
    if len(layers) == 1:
        return element("p", _layer(result, layers[0]))
    return element("label", "Layer ", element("select", *options, data_group=quantity))


def _layer(result: CompareResult, layer: int) -> str:
    sizes, names = result.network.sizes, result.network.layers
    where = "output layer" if layer == len(sizes) - 1 else f"hidden layer {layer}"
    if layer <= len(names):
        where = shorten(names[layer - 1], 40)
    return f"{where}, {plural(sizes[layer], 'unit')}" if layer < len(sizes) else where


def _again(result: CompareResult) -> Html:
    command = element("pre", element("code", result.command, id="command"))
    copy = element("button", "Copy", type="button", data_copy="command")
    how = element("p", f"This command gives {promise(result.network.arithmetic)}.", class_="how")
    return _section("again", "Make it again", how, element("div", command, copy, class_="command"))


def _footer(result: CompareResult) -> Html:
    return element("footer", element("p", f"Made by symbreak {result.version}."))


def _section(name: str, heading: str, *children: Html) -> Html:
    return block(
        "section", element("h2", heading, id=f"{name}-heading"), *children, id=name, aria_labelledby=f"{name}-heading"
    )


def _panels(
    group: str,
    result: CompareResult,
    *,
    plots_of: Callable[[int, Row], Variants],
    figures: Figures,
    note: Callable[[Row], str] | None = None,
) -> Html:
    """Return one small figure for each initialization, side by side as far as there is room."""
    panels = []
    for index, row in enumerate(result.rows):
        variants = plots_of(index, row)
        body = _figure(f"{group}-{index}", variants, figures, group=group) if variants else _nothing(row)
        remark = element("small", note(row)) if note and variants else None
        name = element("figcaption", swatch(index), element("code", shorten(row.init)), remark)
        panels.append(element("figure", name, body, data_row=index))
    return block("div", *panels, class_="panels")


def _nothing(row: Row) -> Html:
    return element("p", words.undrawn(row), class_="nothing")


def _figure(key: str, variants: Variants, figures: Figures, *, group: str | None = None) -> Html:
    """Register a figure for the script and return the place where it is drawn, as high as it will be."""
    first = next(iter(variants))
    figures[key] = {"first": first, "plots": {name: plot.to_json() for name, plot in variants.items()}}
    plot = variants[first]
    return element(
        "div",
        class_="plot",
        id=key,
        role="img",
        aria_label=plot.alternative,
        data_figure=key,
        data_group=group,
        style=f"min-height:{plot.layout['height']}px" if "height" in plot.layout else None,
    )


def _only(plot: Plot | None) -> Variants:
    return {} if plot is None else {"": plot}
