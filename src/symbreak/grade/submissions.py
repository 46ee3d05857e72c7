"""Files of learners, each graded in a child process of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from symbreak.errors import InvalidData
from symbreak.grade.grading import grade
from symbreak.grade.plan import Plan
from symbreak.grade.result import Grade
from symbreak.grade.sandbox import Limits, Protection, grade_many, open_subject
from symbreak.grade.source import read_source
from symbreak.grade.subject import Unloaded

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Submission:
    """A grade, and which protection held the code; None if it did not come to run."""

    grade: Grade
    protection: Protection | None


def grade_files(
    paths: Sequence[Path],
    plan: Plan,
    *,
    limits: Limits | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> list[Submission]:
    """Grade files side by side; one that cannot be read, or takes its process with it, loses only itself.

    Args:
        paths: FILE.py or FILE.ipynb.
        plan: what is checked.
        limits: what the code may use.
        workers: how many at once.
        progress: called with (how many are done, of how many).
    """
    if len(paths) == 1:
        return [_renamed(_graded(read_source(paths[0]), plan, limits), str(paths[0]))]
    done = grade_many(paths, partial(_one, plan=plan, limits=limits), workers=workers, progress=progress)
    return [_renamed(one.result or _lost(one.error, plan), str(path)) for path, one in zip(paths, done, strict=True)]


def find_files(paths: Sequence[Path], *, handed_out: Collection[str] = ()) -> list[Path]:
    """Return the submissions: files as they are named, folders as the .py and .ipynb files below them, sorted.

    Files in folders that have the name of one that was handed out are not submissions.

    Raises `InvalidData` for a path that is not there and a folder without submissions.
    """
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        below = sorted(file for file in path.rglob("*") if file.suffix in (".py", ".ipynb") and _shown(file, path))
        below = [file for file in below if file.name not in handed_out]
        if not below:
            raise _missing("a folder of submissions holds .py or .ipynb files", path)
        found += below
    absent = [path for path in found if not path.exists()]
    if absent:
        raise _missing("the file must exist", absent[0])
    return list(dict.fromkeys(found))


def usual_workers() -> int:
    """Return how many submissions are graded at once unless it is said: one for each processor."""
    return os.cpu_count() or 1


def _shown(file: Path, folder: Path) -> bool:
    """Leave out hidden folders such as .ipynb_checkpoints."""
    return file.is_file() and not any(part.startswith((".", "__pycache__")) for part in file.relative_to(folder).parts)


def _one(path: Path, *, plan: Plan, limits: Limits | None) -> Submission:
    try:
        source = read_source(path)
    except InvalidData as error:
        return _lost(f"{error.rule}; got {error.got}", plan)
    return _graded(source, plan, limits)


def _lost(problem: str, plan: Plan) -> Submission:
    """Return the grade of what never came to run: no point, and the reason."""
    return Submission(grade(Unloaded(problem), plan, "submission"), None)


def _graded(source: str, plan: Plan, limits: Limits | None) -> Submission:
    with open_subject(source, limits=limits, files=plan.files) as subject:
        return Submission(grade(subject, plan, "submission"), subject.protection)


def _renamed(submission: Submission, name: str) -> Submission:
    return replace(submission, grade=replace(submission.grade, name=name))


def _missing(rule: str, path: Path) -> InvalidData:
    return InvalidData(rule, got=repr(str(path)), allowed="FILE.py, FILE.ipynb, FOLDER", hint="symbreak grade week3.py")
