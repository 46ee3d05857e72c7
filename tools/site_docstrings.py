"""Docstrings as the documentation site reads them: sessions and indented blocks become code."""

from __future__ import annotations

import re
from typing import Any

import griffe

SESSION = re.compile(r"^>>> .*(?:\n.+)*", re.MULTILINE)


class Sessions(griffe.Extension):
    """Put fences around the sessions of docstrings, which Markdown would take for quotations."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Change the docstring of an object that was read."""
        if obj.docstring is not None:
            obj.docstring.value = fenced(obj.docstring.value)


def fenced(text: str) -> str:
    """Return a docstring whose sessions are fenced.

    >>> print(fenced(">>> 1 + 1\\n2\\n\\nmore"))
    ```pycon
    >>> 1 + 1
    2
    ```
    <BLANKLINE>
    more
    """
    return SESSION.sub(lambda match: f"```pycon\n{match[0]}\n```", text)
