"""`symbreak.audit_lesson`: the lesson's claims, tried. A thin view over what was found."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from symbreak import report
from symbreak.errors import InvalidInput
from symbreak.lesson.assignments import assignments
from symbreak.lesson.audit import Audit, Progress, find
from symbreak.lesson.audit import audit as run_audit
from symbreak.lesson.claim import Finding
from symbreak.lesson.figures import Figure
from symbreak.report import files


@dataclass(frozen=True)
class Lesson:
    """The result of `audit_lesson`: `findings`, one for each claim, and ways to show them."""

    audit: Audit

    @property
    def findings(self) -> tuple[Finding, ...]:
        """One `Finding` for each claim: verdict, condition, evidence."""
        return self.audit.findings

    def print(self) -> None:
        """Explain each claim: verdict, condition, what was found, the numbers."""
        from symbreak.report.lesson.terminal import print_findings

        print_findings(self.audit)

    def to_json(self, path: str | Path | None = None) -> dict[str, Any]:
        """Return the findings as plain data (schema symbreak/lesson/1); write them if a path is given."""
        data = self.audit.to_json()
        if path is not None:
            files.write_whole(files.check_json_path(path), json.dumps(data, allow_nan=False).encode())
        return data

    def to_html(self, path: str | Path | None = None) -> str:
        """Return the self-contained page; write it if a path is given."""
        page = report.lesson_html(self.audit)
        if path is not None:
            files.write_whole(files.check_html_path(path), page.encode())
        return page

    def to_markdown(self, path: str | Path | None = None, *, images: str | Path | None = None) -> str:
        """Return the chapter in Markdown; write it if a path is given, and its figures into the folder `images`.

        Links to the figures lead from the folder of `path`, or from here without one.
        """
        target = None if path is None else files.check_markdown_path(path)
        start = Path.cwd() if target is None else target.resolve().parent
        link = None
        if images is not None:
            folder = files.check_folder_path(images)
            link = Path(os.path.relpath(folder.resolve(), start)).as_posix()
            folder.mkdir(exist_ok=True)
            for name, image in report.lesson_images(self.audit).items():
                files.write_whole(folder / name, image)
        chapter = report.lesson_chapter(self.audit, images=link)
        if target is not None:
            files.write_whole(target, chapter.encode())
        return chapter

    def plot(self, path: str | Path | None = None) -> Any:
        """Return the figure of the one claim as a Matplotlib figure; write it (.png, .svg, .pdf) if a path is given.

        A figure with a switch or a dial is drawn whole: a row of panels for every position. A claim without a figure
        of its own shows its cases and numbers.

        Raises:
            InvalidInput: several claims.
        """
        figure = self.only_figure()
        if path is not None:
            report.write_lesson_figure(figure, path)
        return report.lesson_figure(figure)

    def only_figure(self) -> Figure:
        """Return the figure of the one claim, as data; raises as `plot` does."""
        from symbreak.report.lesson.sheet import figure_of

        if len(self.findings) == 1:
            return figure_of(self.findings[0])
        raise InvalidInput(
            "a plot shows the figure of one claim",
            got=f"{len(self.findings)} claims",
            allowed="one claim",
            hint='audit_lesson("R8").plot("R8.png")',
        )

    def __str__(self) -> str:
        return "\n".join(f"{f.claim.id} {f.verdict}{': ' * bool(f.condition)}{f.condition}" for f in self.findings)

    def _repr_html_(self) -> str:
        from symbreak.report.lesson.page import lesson_fragment

        return str(lesson_fragment(self.audit))


def audit_lesson(*ids: str, progress: Progress | None = None) -> Lesson:
    """Try claims of the lesson, or all of them, each by its experiment.

    Args:
        ids: such as "R8", in any case; all claims without any; "assignments" alone for the published experiments.
        progress: called with (claims done, in all, id of the next).

    Raises:
        UnknownName: no claim has this id.

    >>> print(audit_lesson("r9"))
    R9 true
    """
    if [id.casefold() for id in ids] == ["assignments"]:
        return Lesson(Audit(assignments(progress)))
    wanted = [find(id).id for id in ids] if ids else None
    return Lesson(run_audit(wanted, progress=progress))
