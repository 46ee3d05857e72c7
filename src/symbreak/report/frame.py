"""The frame of every page: head, style, script, Plotly where it draws, and a policy that forbids the network."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from symbreak.report.html import Html, digest, element, join


def document(
    *,
    title: str,
    body: Html,
    figures: Mapping[str, Any] | None = None,
    styles: Sequence[str] = ("style.css",),
    scripts: Sequence[str] = ("copy.js", "page.js"),
) -> str:
    """Return a whole page.

    Args:
        title: of the window.
        body: what the page shows.
        figures: JSON that the page's script draws with Plotly into elements with `data-figure`, by key; a page
            without them does not carry Plotly.
        styles, scripts: assets that the page is dressed and moved by.
    """
    code = ("\n".join(map(asset, scripts)),) if figures is None else (_plotly(), "\n".join(map(asset, scripts)))
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=_policy(code)),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", Html("".join(map(asset, styles)))),
    )
    data = [] if figures is None else [element("script", embedded(figures), type="application/json", id="figures")]
    page = element("body", body, *data, *(element("script", Html(each)) for each in code))
    return f"<!DOCTYPE html>\n{element('html', head, page, lang='en')}\n"


def embedded(data: Mapping[str, Any]) -> Html:
    r"""Return JSON that no text inside it can break out of.

    >>> embedded({"name": "</script>"})
    '{"name":"\\u003c/script>"}'
    """
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return Html(text.replace("<", "\\u003c").replace("&", "\\u0026"))


def asset(name: str) -> str:
    """Return the text of a file of the page: its style, its script."""
    return (files("symbreak.report") / "assets" / name).read_text(encoding="utf-8")


def _policy(scripts: tuple[str, ...]) -> str:
    """Only these very scripts run, and nothing is fetched; Plotly writes its style rules itself."""
    allowed = " ".join(map(digest, scripts))
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


@cache
def _plotly() -> str:
    from plotly.offline import get_plotlyjs  # type: ignore[import-untyped]

    # An HTML parser ends a script at this, wherever it stands.
    return str(get_plotlyjs()).replace("</script", "<\\/script")


def block(tag: str, *children: Html, **attributes: str | bool | int | None) -> Html:
    """Return an element whose children stand on lines of their own."""
    return element(tag, Html("\n"), join(*children), Html("\n"), **attributes)
