"""The page of a map: a picture to move over, which tells of every network what became of it and how to train it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symbreak.experiments.map.axes import Axis
from symbreak.experiments.map.result import MapResult
from symbreak.experiments.theory import Line
from symbreak.report import map_commands as commands
from symbreak.report import map_look as look
from symbreak.report.format import number, percent, plural, promise, setting, short
from symbreak.report.frame import block, document, embedded
from symbreak.report.html import Html, element, join

Array = NDArray[np.floating[Any]]

DASHES = ("none", "9 5", "2 4")
# Lines are drawn in a square of so many units, whatever its size on the screen.
UNITS = 1000
HOW = (
    "Move over the map, or use the arrow keys: the text beside it tells what became of a network. A press, or Enter, "
    "keeps its command. Drag, or hold Shift with the arrow keys, to choose a window to draw more closely."
)


def page(result: MapResult, lines: Sequence[Line] = ()) -> str:
    """Return one self-contained page as text: it opens offline and no request leaves it.

    Args:
        result: the map.
        lines: what theory says, as `experiments.theory.lines` returns it.
    """
    main = block("main", _header(result), _map(result, lines), _again(result))
    data = element("script", embedded(_data(result)), type="application/json", id="map-data")
    return document(
        title=look.heading(result, "map"),
        body=join(main, _footer(result), data),
        styles=("style.css", "map.css"),
        scripts=("copy.js", "map.js"),
    )


def _header(result: MapResult) -> Html:
    unfinished = int((~result.done).sum())
    notice = f"Interrupted: {plural(unfinished, 'network')} not trained yet." if unfinished else None
    return block(
        "header",
        element("p", "symbreak map", class_="kind"),
        element("h1", look.heading(result, "what became")),
        element("p", notice, class_="notice", role="note") if notice else Html(),
        element("p", _outcome(result), class_="lead"),
        block("dl", *_terms(_setup(result)), class_="setup"),
    )


def _outcome(result: MapResult) -> str:
    """Say in a sentence or two how many learned, and which did best."""
    trained = int(result.done.sum())
    half = np.isfinite(result.value("steps_to_half"))
    said = f"{percent(half.sum() / max(trained, 1))} reach half of the base-rate cost"
    diverged = (result.diverged & result.done).sum()
    said += f", {percent(diverged / max(trained, 1))} diverge." if diverged else ", none diverges."
    cost = result.value("final_cost")
    if not np.isfinite(cost).any():
        return said
    i, j = np.unravel_index(int(np.nanargmin(cost)), cost.shape)
    x, y = result.settings.x, result.settings.y
    at = [setting(float(v), whole=axis.kind.whole) for axis, v in ((x, result.x[j]), (y, result.y[i]))]
    best = f"{x.title} {at[0]} and {y.title} {at[1]}"
    return f"{said} The lowest cost, {number(float(cost[i, j]))}, is that of {best}."


def _setup(result: MapResult) -> list[tuple[str, str]]:
    rows, columns = result.shape
    return [
        ("Networks", f"{look.setup(result)}, {result.settings.precision}"),
        ("Across", f"{_range(result.settings.x)}, {plural(columns, 'value')}"),
        ("Up", f"{_range(result.settings.y)}, {plural(rows, 'value')}"),
        ("Base-rate cost, of a model without inputs", number(result.base_rate_cost)),
    ]


def _range(axis: Axis) -> str:
    return f"{axis.title} from {short(axis.low)} to {short(axis.high)}, {axis.spacing}"


def _terms(pairs: Iterable[tuple[str, str]]) -> list[Html]:
    return [element("div", element("dt", term), element("dd", text)) for term, text in pairs]


def _map(result: MapResult, lines: Sequence[Line]) -> Html:
    names = look.values(result)
    buttons = [
        element("button", look.title_of(result, name), type="button", data_value=name, aria_pressed=str(k == 0).lower())
        for k, name in enumerate(names)
    ]
    choice = element("span", *buttons, class_="choice", role="group", aria_label="What is shown")
    picture = block("div", _picture(result, lines), block("div", *_legends(result, names, lines), class_="legends"))
    return block(
        "section",
        element("h2", "The map", id="map-heading"),
        element("p", HOW, class_="how", id="map-how"),
        element("div", choice, class_="controls"),
        block("div", picture, _reading(), class_="map-and-reading"),
        id="map-section",
        aria_labelledby="map-heading",
    )


def _picture(result: MapResult, lines: Sequence[Line]) -> Html:
    """Return the canvas with its axes; ticks are text of the page, so that they stay sharp and follow its theme."""
    x, y = result.settings.x, result.settings.y
    rows, columns = result.shape
    field = element(
        "div",
        element("canvas", id="cells", width=columns, height=rows, aria_hidden="true"),
        _theory(result, lines),
        element("div", id="cursor", hidden=True),
        element("div", id="window", hidden=True),
        id="field",
        tabindex=0,
        role="application",
        aria_label=f"Map of {rows * columns:,} networks. Arrow keys move from one to the next.",
        aria_describedby="map-how",
    )
    return block(
        "div",
        element("p", look.axis_title(y), class_="y-title"),
        block("div", *_ticks(look.ticks(y, result.y), "bottom"), class_="y-ticks", aria_hidden="true"),
        field,
        block("div", *_ticks(look.ticks(x, result.x), "left"), class_="x-ticks", aria_hidden="true"),
        element("p", look.axis_title(x), class_="x-title"),
        class_="map",
    )


def _ticks(ticks: look.Ticks, side: str) -> list[Html]:
    return [element("span", text, style=f"{side}:{100 * share:.3f}%") for share, text in ticks]


def _theory(result: MapResult, lines: Sequence[Line]) -> Html | None:
    """Return the lines as a drawing that is stretched over the cells."""
    drawn = []
    for index, line in enumerate(lines):
        x = look.place(result.settings.x, result.x, line.x)
        y = look.place(result.settings.y, result.y, line.y)
        drawn += [element("path", d=_path(x, y), class_=kind, **_dash(index)) for kind in ("edge", "line")]
    if not drawn:
        return None
    size = f"0 0 {UNITS} {UNITS}"
    return element("svg", *drawn, viewBox=size, preserveAspectRatio="none", aria_hidden="true", class_="theory")


def _dash(index: int) -> dict[str, Any]:
    return {"stroke_dasharray": DASHES[index % len(DASHES)]}


def _path(x: ArrayLike, y: ArrayLike) -> str:
    """Return a path through the points that are known; it begins anew after a gap."""
    words, pen = [], "M"
    for across, up in zip(np.asarray(x), np.asarray(y), strict=True):
        if not np.isfinite(across + up):
            pen = "M"
            continue
        # Far outside, an edge of the picture is as good as the place itself.
        left, top = np.clip([UNITS * across, UNITS * (1 - up)], -9 * UNITS, 10 * UNITS)
        words.append(f"{pen}{left:.1f} {top:.1f}")
        pen = "L"
    return "".join(words)


def _legends(result: MapResult, names: Sequence[str], lines: Sequence[Line]) -> list[Html]:
    scales = [_legend(result, name, first=k == 0) for k, name in enumerate(names)]
    keys = [element("li", _sample(index), line.name, element("small", line.says)) for index, line in enumerate(lines)]
    return [*scales, element("ul", *keys, class_="keys theory-keys")] if keys else scales


def _sample(index: int) -> Html:
    stroke = [element("path", d="M2 6H32", class_=kind, **_dash(index)) for kind in ("edge", "line")]
    return element("svg", *stroke, viewBox="0 0 34 12", width=34, height=12, aria_hidden="true", class_="theory sample")


def _legend(result: MapResult, name: str, *, first: bool) -> Html:
    keys = [(look.COLOURS[code], text) for code, text in look.codes_present(result, name)]
    bar = Html()
    if name == "diverged":
        keys.insert(0, (look.SCALE[look.LEVELS // 3], "did not diverge"))
    elif look.on_scale(result, name):
        bar = _bar(look.scale(result, name), name)
    listed = [element("li", element("i", style=f"background:{colour}"), text) for colour, text in keys]
    return block(
        "div", bar, element("ul", *listed, class_="keys"), class_="scale", data_scale_of=name, hidden=not first
    )


def _bar(scale: look.Scale, name: str) -> Html:
    shown = look.SCALE if scale.good == "largest" else look.SCALE[::-1]
    stops = ",".join(shown[:: len(shown) // 12])
    return block(
        "div",
        element("span", " ".join(look.scale_title(scale)), class_="scale-title"),
        element("div", class_="bar", style=f"background:linear-gradient(90deg,{stops},{shown[-1]})"),
        element("div", *_ticks(look.scale_ticks(scale, name), "left"), class_="bar-ticks"),
    )


def _reading() -> Html:
    """Return the places for what the script tells of a network and of a window."""
    command = element("div", element("pre", element("code", id="command-one")), _copy("command-one"), class_="command")
    window = element("div", element("pre", element("code", id="command-zoom")), _copy("command-zoom"), class_="command")
    return block(
        "div",
        element("div", element("p", "No network chosen yet."), id="reading", role="status", aria_live="polite"),
        element("div", element("h3", "Train this one network"), command, id="one", hidden=True),
        element("div", element("h3", "Draw this window"), window, id="zoom", hidden=True),
        class_="reading",
    )


def _copy(key: str) -> Html:
    return element("button", "Copy", type="button", data_copy=key)


def _again(result: MapResult) -> Html:
    command = element("pre", element("code", result.settings.command, id="command"))
    return block(
        "section",
        element("h2", "Make it again", id="again-heading"),
        element("p", f"This command gives {promise(result.settings.arithmetic)}.", class_="how"),
        element("div", command, _copy("command"), class_="command"),
        id="again",
        aria_labelledby="again-heading",
    )


def _footer(result: MapResult) -> Html:
    return element("footer", element("p", f"Made by symbreak {result.version}."))


def _data(result: MapResult) -> dict[str, Any]:
    """Return what the script reads; numbers of all networks are packed as bytes, row 0, the lowest, first."""
    made, hidden = commands.parts(result), result.hidden_units
    return {
        "shape": result.shape,
        "x": _side(result.settings.x, result.x),
        "y": _side(result.settings.y, result.y),
        "score": look.title_of(result, "accuracy"),
        "colours": [*look.SCALE, *(look.COLOURS[code] for code in (look.NEVER, look.DIVERGED, look.UNTRAINED))],
        "shades": {name: _packed(look.shades(result, name), np.uint8) for name in look.values(result)},
        "codes": {"diverged": look.DIVERGED, "untrained": look.UNTRAINED},
        "cost": _packed(result.value("final_cost"), np.float64),
        "accuracy": _packed(result.value("accuracy"), np.float64),
        "step": _packed(_step(result), np.int32),
        "units": _packed(np.nan_to_num(result.value("effective_units"), nan=-1), np.int32),
        "hidden": _packed(hidden if np.ptp(hidden) else hidden[:1, :1], np.int32),
        "point": commands.of_a_point(result),
        "window": commands.of_a_window(result),
        "commands": None if made is None else asdict(made),
    }


def _step(result: MapResult) -> Array:
    """Return the step at which a network diverged, or else at which its cost was half of the base rate's; -1: never."""
    half = np.nan_to_num(result.value("steps_to_half"), nan=-1)
    return np.where(result.diverged & result.done, result.diverged_at, half)


def _side(axis: Axis, points: Array) -> dict[str, Any]:
    """Return an axis: its title, and its values as commands and as readers want them."""
    numbers = [float(value) for value in points]
    shown = [setting(value, whole=axis.kind.whole, digits=4) for value in numbers]
    return {"title": axis.title, "text": list(map(repr, numbers)), "short": shown}


def _packed(values: ArrayLike, kind: type[np.generic]) -> str:
    little = np.dtype(kind).newbyteorder("<")
    return b64encode(np.ascontiguousarray(values).astype(little).tobytes()).decode()
