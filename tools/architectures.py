"""Print, for each architecture of `tests/check/architectures.py`, the errors and warnings of `symbreak.check` and why.

    python tools/architectures.py

Exit code 1 if an error or warning has no reason in the table `JUSTIFIED`, or a reason has no error or warning left.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from check.architectures import ARCHITECTURES, JUSTIFIED
from check.judging import UNTOLD, rows


def main() -> int:
    """Print the table; tell by the exit code whether each row has a reason."""
    torch.set_num_threads(1)
    seen, untold = set(), 0
    print("| architecture | rule | severity | where | why this is right |\n|---|---|---|---|---|")
    for architecture in ARCHITECTURES:
        found = rows(architecture)
        alike: dict[tuple[str, str, str], list[str]] = {}
        for rule, severity, where, reason in found:
            alike.setdefault((rule, severity, reason), []).append(where)
        for (rule, severity, reason), places in alike.items():
            seen.add((architecture.name, rule))
            untold += reason == UNTOLD
            first, *others = (part for where in places for part in where.split(", "))
            more = f" and {len(others)} more" if others else ""
            print(f"| {architecture.name} | {rule} | {severity} | {first}{more} | {reason} |")
        if not found:
            print(f"| {architecture.name} | - | - | - | - |")
    stale = set(JUSTIFIED) - seen
    print(f"\n{len(ARCHITECTURES)} architectures, {len(seen)} rules reported, {untold} without a reason")
    for name, rule in sorted(stale):
        print(f"a reason is left for {name}, {rule}, which is no longer reported")
    return int(bool(untold or stale))


if __name__ == "__main__":
    sys.exit(main())
