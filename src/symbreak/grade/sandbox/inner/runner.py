"""Start of the child: `python -I -S runner.py REQUEST_FD REPLY_FD LIFELINE_FD '["folder of packages", ...]'`.

`symbreak` is not imported: bare packages with its name lead to this room's modules, and are gone before the learner's
code is loaded.
"""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path


def lay_path(folders: list[str]) -> None:
    """Make this room importable, and the packages in `folders`."""
    sys.path.extend(folders)
    here = Path(__file__).resolve().parent
    names = ["symbreak", "symbreak.grade", "symbreak.grade.sandbox", "symbreak.grade.sandbox.inner"]
    for name, folder in zip(names, [*reversed(here.parents[:3]), here], strict=True):
        module = types.ModuleType(name)
        module.__path__ = [str(folder)]
        sys.modules[name] = module


if __name__ == "__main__":
    lay_path(json.loads(sys.argv[4]))
    from symbreak.grade.sandbox.inner.warden import run

    sys.exit(run(*map(int, sys.argv[1:4])))
