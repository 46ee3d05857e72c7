"""Grade the zoo: wrong solutions, each with the check that must catch it, and right ones in many styles.

`python tools/zoo.py` prints a table and ends with 1 if an animal is judged wrongly; each runs in a child process, as
with `symbreak grade`. `--here` calls the code in this process, which is faster; `--show NAME` prints what is said about
one animal.
"""

from __future__ import annotations

import sys
import types
from dataclasses import dataclass, replace
from pathlib import Path

from symbreak.grade import namespace
from symbreak.grade.grading import grade
from symbreak.grade.inprocess import InProcess
from symbreak.grade.plan import Plan
from symbreak.grade.result import Grade
from symbreak.grade.sandbox import Limits
from symbreak.grade.sandbox.inner import cells
from symbreak.grade.source import read_source
from symbreak.grade.submissions import grade_files, usual_workers

ZOO = Path(__file__).resolve().parent.parent / "tests" / "grade" / "zoo"

SECONDS = 5.0
"""For a call: one animal never ends."""


@dataclass(frozen=True)
class Animal:
    """A solution of the zoo.

    Attributes:
        path: its file.
        about: what is wrong with it, or its style.
        check: the id of the check that must catch it; "" if it is right.
        status: what that check must say.
    """

    path: Path
    about: str
    check: str = ""
    status: str = "fail"

    @property
    def name(self) -> str:
        """Its file, without folder."""
        return self.path.name


def right() -> list[Animal]:
    """Return the right ones."""
    scripts = [Animal(path, _header(path, 0, "# right: ")) for path in sorted((ZOO / "right").glob("*.py"))]
    return [*scripts, *(Animal(path, "a notebook") for path in sorted((ZOO / "right").glob("*.ipynb")))]


def wrong() -> list[Animal]:
    """Return the wrong ones; their second line names the check, and its status if that is not "fail"."""
    found = []
    for path in sorted((ZOO / "wrong").glob("*.py")):
        check, _, status = _header(path, 1, "# caught by: ").partition(" ")
        found.append(Animal(path, _header(path, 0, "# wrong: "), check, status.strip("()") or "fail"))
    return found


def graded_here(animal: Animal, plan: Plan | None = None, *, seconds: float = SECONDS) -> Grade:
    """Return what the checks say when the code is called in this process."""
    module = types.ModuleType("submission")
    before = sys.modules.get("submission")
    sys.modules["submission"] = module  # dataclasses look themselves up there
    try:
        cells.run(read_source(animal.path), module.__dict__, seconds)
        subject = InProcess(namespace.functions(vars(module)), seconds=seconds)
        return grade(subject, plan or Plan(), animal.name)
    finally:
        sys.modules.pop("submission")
        if before is not None:
            sys.modules["submission"] = before


def graded_in_children(animals: list[Animal]) -> list[Grade]:
    """Return what the checks say when each runs in a child process."""
    done = grade_files(
        [animal.path for animal in animals],
        Plan(),
        limits=Limits(seconds_per_call=SECONDS),
        workers=usual_workers(),
    )
    return [replace(one.grade, name=animal.name) for animal, one in zip(animals, done, strict=True)]


def complaints(grade: Grade) -> list[str]:
    """Return ids and statuses of what does not simply pass, each once."""
    told = (f"{r.id} ({r.status})" for r in grade.results if r.status in ("warn", "fail", "error"))
    return list(dict.fromkeys(told))


def caught(animal: Animal, grade: Grade) -> bool:
    """Return whether a wrong animal is caught by the right check, and passes only where that check warns."""
    named = any(result.id == animal.check and result.status == animal.status for result in grade.results)
    return named and grade.passed == (animal.status == "warn") and not _broken(grade)


def let_through(grade: Grade) -> bool:
    """Return whether a right animal passes, with all its points."""
    return grade.passed and grade.points == grade.worth and not _broken(grade)


def _broken(grade: Grade) -> bool:
    return bool(grade.problem) or any(result.status == "error" for result in grade.results)


def _header(path: Path, line: int, start: str) -> str:
    text = path.read_text().splitlines()[line]
    if not text.startswith(start):
        raise ValueError(f"{path}: line {line + 1} must start with {start!r}")
    return text.removeprefix(start)


def _show(name: str, animals: list[Animal]) -> int:
    chosen = next(animal for animal in animals if animal.path.stem == name)
    print(graded_here(chosen).text())
    return 0


def main() -> int:
    """Print the table."""
    animals = [*wrong(), *right()]
    if "--show" in sys.argv:
        return _show(sys.argv[-1], animals)
    grades = list(map(graded_here, animals)) if "--here" in sys.argv else graded_in_children(animals)
    well = 0
    for animal, found in zip(animals, grades, strict=True):
        fine = caught(animal, found) if animal.check else let_through(found)
        well += fine
        verdict = "ok " if fine else "BAD"
        print(f"{verdict} {animal.name:<32} {animal.about}: {', '.join(complaints(found)) or 'passes'}")
    print(f"{well} of {len(animals)} judged rightly: {len(wrong())} wrong, {len(right())} right solutions")
    return int(well < len(animals))


if __name__ == "__main__":
    sys.exit(main())
