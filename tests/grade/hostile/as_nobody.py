"""Become nobody, then run attacks: `python as_nobody.py LAYERS-TO-LEAVE-OUT NAMES-OF-ATTACKS`, both as JSON lists.

Root's own Python may be where others cannot read it, so in a namespace of its own the closed folders on the way to it
are replaced by ones that are open and hold nothing else.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path

NOBODY = 65534


def open_the_way(paths: list[str]) -> None:
    from symbreak.grade.sandbox.inner import kernel

    closed = {
        parent
        for path in paths
        for parent in reversed(Path(path).parents)
        if not os.stat(parent).st_mode & stat.S_IXOTH
    }
    kernel.unshare(kernel.NEW_MOUNTS)
    kernel.mount("none", "/", flags=kernel.RECURSIVE | kernel.PRIVATE)
    held = {path: os.open(path, os.O_PATH) for path in paths}
    for folder in sorted(closed, key=lambda path: len(path.parts)):
        if os.path.exists(folder):  # else a folder above it has been replaced
            kernel.mount("tmpfs", str(folder), "tmpfs", 0, "mode=755")
    for path, fd in held.items():
        if not os.path.exists(path):
            os.makedirs(path)
            kernel.mount(f"/proc/self/fd/{fd}", path, flags=kernel.BIND | kernel.RECURSIVE)


def become_nobody() -> None:
    import numpy

    import symbreak

    if os.geteuid() == 0:
        packages = {str(Path(each.__file__).parents[1]) for each in (numpy, symbreak)}
        open_the_way(sorted({sys.base_prefix, sys.prefix, str(Path(__file__).parent), *packages}))
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    os.environ["HOME"] = os.environ["TMPDIR"]
    os.execv(sys.executable, [sys.executable, __file__, *sys.argv[1:], "now"])


def memory_read(without: list[str]) -> str:
    """Return what code says that opens the memory of the grader, whose number it knows."""
    from symbreak.grade.sandbox import open_subject
    from symbreak.grade.subject import Call

    source = f"def predict(X):\n    return open('/proc/{os.getpid()}/mem', 'rb').read(0)"
    with open_subject(source, without=without) as subject:
        return subject.call(Call("predict", (0,))).error.partition(":")[0]


def memory_reads(without: list[str]) -> list[str]:
    """The same for a grader that does not hide its memory, then for one that does."""
    from symbreak.grade.sandbox import sandboxed

    hide, sandboxed.hide_memory = sandboxed.hide_memory, lambda: None
    unhidden = memory_read(without)
    sandboxed.hide_memory = hide
    return [unhidden, memory_read(without)]


def main() -> None:
    sys.path.insert(0, str(Path(__file__).parent))
    import attacks
    import numpy as np

    from symbreak.grade.sandbox import Limits, open_subject
    from symbreak.grade.subject import Call

    x = np.arange(6.0).reshape(2, 3) + 1
    report, memory = {}, memory_reads(json.loads(sys.argv[1]))
    for name in json.loads(sys.argv[2]):
        limits = Limits(seconds_per_call=1.0 if "time" in attacks.ATTACKS[name][2] else 5.0, memory_bytes=256 << 20)
        with open_subject(attacks.source(name), limits=limits, without=json.loads(sys.argv[1])) as subject:
            outcome = subject.call(Call("predict", (x,)))
            later = subject.call(Call("layer_sizes", (x,)))
            report[name] = {
                "stopped": outcome.stopped,
                "error": outcome.error,
                "later": later.value is not None and bool(np.array_equal(later.value, 2 * x)),
                "missing": subject.protection.missing,
            }
    left = os.listdir(os.environ["TMPDIR"])
    json.dump({"user": os.getuid(), "attacks": report, "left": left, "memory": memory}, sys.stdout)


if __name__ == "__main__":
    main() if sys.argv[-1] == "now" else become_nobody()
