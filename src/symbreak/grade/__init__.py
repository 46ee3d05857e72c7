"""Checking a learner's code: the lesson's checklist, and every function of the week, by their properties.

    symbreak.grade.check(initialize_parameters).assert_ok()

Nothing is loaded before it is used: the process in which a learner's code runs needs only a part of this room.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from symbreak.grade.inprocess import check as check
    from symbreak.grade.result import CheckResult as CheckResult
    from symbreak.grade.result import Grade as Grade
    from symbreak.grade.source import read_source as read_source

_NAMES = {
    "CheckResult": "symbreak.grade.result",
    "Grade": "symbreak.grade.result",
    "check": "symbreak.grade.inprocess",
    "read_source": "symbreak.grade.source",
}

__all__ = ["CheckResult", "Grade", "check", "read_source"]


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        return getattr(importlib.import_module(_NAMES[name]), name)
    raise AttributeError(f"module 'symbreak.grade' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
