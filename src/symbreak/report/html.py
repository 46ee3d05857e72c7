"""HTML built so that text is escaped unless it says that it is HTML already."""

from __future__ import annotations

import hashlib
import html
import re
from base64 import b64encode
from typing import TypeAlias

# Control characters have no place in a page, and half of a surrogate pair (from a file name that is not UTF-8) cannot
# be encoded.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_WITHOUT_END = frozenset({"meta", "br", "hr", "input", "link"})


class Html(str):
    """Text that is HTML: it goes into a page as it stands."""

    __slots__ = ()


Child: TypeAlias = "str | None"


def element(tag: str, *children: Child, **attributes: str | bool | int | None) -> Html:
    """Return an element; children that are plain text, and all attributes, are escaped.

    A trailing underscore of an attribute's name is dropped, others become hyphens.

    >>> element("p", "1 < 2", element("b", "!"), class_="note")
    '<p class="note">1 &lt; 2<b>!</b></p>'
    """
    opening = f"<{tag}{''.join(_attribute(name, value) for name, value in attributes.items())}>"
    if tag in _WITHOUT_END:
        return Html(opening)
    return Html(f"{opening}{''.join(map(_inside, children))}</{tag}>")


def join(*parts: Html) -> Html:
    """Put elements one after the other."""
    return Html("\n".join(parts))


def escape(text: str) -> Html:
    """Return text as HTML that shows exactly this text.

    >>> escape("<script>")
    '&lt;script&gt;'
    """
    return Html(html.escape(printable(text)))


def printable(text: str) -> str:
    """Replace what cannot be shown, and what would turn the direction of the text around, by the replacement sign.

    >>> printable("a\\nb")
    'a�b'
    """
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def digest(code: str) -> str:
    """Return the hash by which a content security policy lets this very script run, and no other."""
    return f"'sha256-{b64encode(hashlib.sha256(code.encode()).digest()).decode()}'"


def _inside(child: Child) -> str:
    if child is None:
        return ""
    return child if isinstance(child, Html) else escape(child)


def _attribute(name: str, value: str | bool | int | None) -> str:
    if value is None or value is False:
        return ""
    name = name.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'
