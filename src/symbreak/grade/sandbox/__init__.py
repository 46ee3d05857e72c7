"""A learner's code in a child process, taken for hostile: what comes back is values, and the grader judges them."""

from __future__ import annotations

from symbreak.grade.sandbox.limits import LAYERS, Limits, Protection
from symbreak.grade.sandbox.many import Graded, grade_many
from symbreak.grade.sandbox.sandboxed import CannotStart, Sandboxed, open_subject

__all__ = [
    "LAYERS",
    "CannotStart",
    "Graded",
    "Limits",
    "Protection",
    "Sandboxed",
    "grade_many",
    "open_subject",
]
