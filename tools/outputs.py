"""Put the output of commands into the documents that quote them.

A document holds a marker with a command, a fenced block, and an end marker; this runs the command and fills the block.
`python tools/outputs.py` rewrites README.md and docs/*.md; with `--check` it only tells, by exit code 1, that a block
is out of date.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"(<!-- output: (.+?) -->\n```\n)(.*?)(```\n<!-- end -->)", re.DOTALL)


def output(command: str) -> str:
    """Run a command in the root of the repository and return what it prints."""
    words = shlex.split(command)
    if words[0] in ("symbreak", "python"):
        words = [sys.executable, *(["-m", "symbreak"] if words[0] == "symbreak" else []), *words[1:]]
    result = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if result.returncode not in (0, 1):  # 1: it ran, and found something
        raise RuntimeError(f"{command}: exit code {result.returncode}\n{result.stderr}")
    return result.stdout


def filled(text: str) -> str:
    """Return the document with every block as its command prints it now."""
    return BLOCK.sub(lambda m: f"{m[1]}{_stripped(output(m[2]))}{m[4]}", text)


def _stripped(text: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def main() -> int:
    """Fill or check the documents."""
    stale = []
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        old = path.read_text()
        new = filled(old)
        if new != old:
            stale.append(path.name)
            if "--check" not in sys.argv:
                path.write_text(new)
    print("changed: " + ", ".join(stale) if stale else "all outputs are up to date")
    return int(bool(stale) and "--check" in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
