"""A learner's code in a child process, taken for hostile: what comes back is values, and the grader judges them.

    grader ── requests, replies ──────────────────────────── learner's code (pid 1, a user and a root of its own)
       └──── lifeline ──── warden (makes the prison, ends it, cleans up)

Expected values never leave the grader, and no pickle crosses the pipe. `Protection` says which `LAYERS` hold: they
depend on the system and on who runs the grader. Not protected, in any case:

- What only the child can see is the child's word: `Outcome.changed`, and that a value was computed by the function that
  was asked. Code can answer from anything that it can compute; it cannot know what is expected.
- The kernel. Whoever has an exploit for Linux gets out; a virtual machine is the answer to that.
- Time: a busy machine makes slow code slower, and two submissions at once share caches and memory bandwidth.
- Without "files", `import symbreak` is refused by name only, and what the user may read or write, the code may.
- Without "processes" and "user" together, only the filter of "calls" keeps the code from signalling the grader.
- Memory is bounded for each process; where "calls" is missing, `Limits.processes` of them can each take that much.
"""

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
