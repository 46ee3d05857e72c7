"""What `grade_many` is given in tests: functions of a module, for they go to other processes."""

from __future__ import annotations

import os
import time
from pathlib import Path

from symbreak.grade.sandbox import Limits, open_subject
from symbreak.grade.subject import Call


def trivial(path: Path) -> float:
    source = path.read_text()
    if "BREAK THE GRADER" in source:
        os._exit(3)
    if "RAISE" in source:
        raise RuntimeError("not the learner's fault")
    if source.startswith("# COUNT ME"):
        return float(len(source))
    with open_subject(source, limits=Limits(seconds_per_call=5.0)) as subject:
        outcome = subject.call(Call("predict", (21,)))
    return outcome.value if not outcome.failed else -1.0


def endless(path: Path) -> float:
    source = path.read_text()
    if source.startswith("# COUNT ME"):
        return float(len(source))
    with open_subject(source, limits=Limits(seconds_per_call=600.0, seconds_in_all=600.0)) as subject:
        subject.call(Call("predict", (21,)))
    time.sleep(600)
    return 0.0
