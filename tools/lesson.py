"""Hold docs/lesson.md to a run of the lesson.

    symbreak lesson --all --markdown docs/lesson.md        # writes the chapter
    symbreak lesson --all --json found.json
    python tools/lesson.py found.json                      # exit code 1 if a verdict of the chapter is another one

Verdicts are compared, not every digit: those of runs with a BLAS library differ in the last places from one machine to
the next. One claim's verdict depends on that library itself and may differ: R19, where no row is rounded otherwise.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

CHAPTER = Path(__file__).resolve().parent.parent / "docs" / "lesson.md"
ENTRY = re.compile(r'^### <a id="(\w+)"></a>.*?\n\n\*\*\S+ (true if|true|false|convention)\*\*', re.MULTILINE)
ON_THE_LIBRARY = frozenset({"R19"})


def chapter(text: str) -> dict[str, str]:
    """Return the verdicts of a chapter by the claims' ids."""
    return dict(ENTRY.findall(text))


def main() -> int:
    """Compare the chapter with a run."""
    claims = json.loads(Path(sys.argv[1]).read_text())["claims"]
    told = chapter(CHAPTER.read_text())
    found = {claim["id"]: claim["verdict"] for claim in claims}
    for id in sorted(found.keys() | told.keys()):
        if told.get(id) != found.get(id) and id not in ON_THE_LIBRARY:
            print(f"{id}: the chapter says {told.get(id)}, the run {found.get(id)}")
    same = all(told.get(id) == found.get(id) for id in (found.keys() | told.keys()) - ON_THE_LIBRARY)
    print(f"{len(found)} claims run, {len(told)} in the chapter")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
