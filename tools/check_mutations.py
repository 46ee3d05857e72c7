"""Break healthy models in one place, ask `symbreak.check`, and print recall by slug and precision on the unbroken.

    python tools/check_mutations.py [SEEDS]

An operator counts as caught if a rule among those that are right for it reports an error or a warning at the place that
was broken. Every seed draws each model and each operator's choices anew.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from check.healthy import HEALTHY
from check.judging import alarms, recall
from check.mutations import MUTATIONS


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    measured, said = recall(seeds), alarms(seeds)
    print(f"{len(MUTATIONS)} operators, {len(HEALTHY)} healthy models, {seeds} seed{'s' if seeds > 1 else ''}\n")
    print(f"{'one of the right rules is':28}{'broken':>8}{'caught':>8}{'recall':>8}")
    for slug in sorted(measured.broken):
        print(f"{slug:28}{measured.broken[slug]:8}{measured.caught[slug]:8}{measured.share(slug):8.1%}")
    silent = sum(not lines for lines in said.values())
    print(f"\nunbroken: {len(said)} models, {silent} without error or warning ({silent / len(said):.1%})")
    print(f"\nmissed: {len(measured.missed)}", *measured.missed, sep="\n  ")
    false = [f"{name}: {line}" for name, lines in said.items() for line in lines]
    print(f"\nfalse alarms: {len(false)}", *false, sep="\n  ")


if __name__ == "__main__":
    main()
