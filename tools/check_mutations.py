"""Break healthy models in one place, ask `symbreak.check`, and print recall by slug and precision on the unbroken.

    python tools/check_mutations.py [SEEDS]

An operator counts as caught if a rule among those that are right for it reports an error or a warning at the place that
was broken. Every seed draws each model and each operator's choices anew.
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from pathlib import Path

import torch

import symbreak

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from check.cases import Task  # noqa: E402
from check.healthy import HEALTHY  # noqa: E402
from check.mutations import MUTATIONS  # noqa: E402


def loud(task: Task) -> list[tuple[str, str]]:
    """Return rule and place of every error and warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = symbreak.check(*task).findings
    return [(finding.rule, str(finding.where)) for finding in found if finding.severity != "info"]


def unbroken(seeds: int) -> tuple[int, list[str]]:
    """Return how many healthy models were checked, and what was said of them."""
    alarms = [
        f"{healthy.name} (seed {seed}): {rule} at {where}"
        for seed in range(seeds)
        for healthy in HEALTHY
        for rule, where in loud(healthy.build(seed))
    ]
    return seeds * len(HEALTHY), alarms


def broken(seeds: int) -> tuple[Counter[str], Counter[str], list[str]]:
    """Return for each slug how often it was right and how often something right was said; and what was missed."""
    right: Counter[str] = Counter()
    caught: Counter[str] = Counter()
    missed = []
    for seed in range(seeds):
        for operator in MUTATIONS:
            for healthy in HEALTHY:
                task = healthy.build(seed)
                if not (place := operator.apply(task.model, healthy, seed=seed)):
                    continue
                found = loud(task)
                hit = any(rule in operator.expect and (place == "*" or place in where) for rule, where in found)
                right.update(operator.expect)
                caught.update(operator.expect if hit else ())
                right["all"] += 1
                caught["all"] += hit
                if not hit:
                    told = ", ".join(sorted({f"{rule} at {where}" for rule, where in found})) or "nothing"
                    missed.append(f"{operator.name} in {healthy.name} (seed {seed}) at {place}: {told}")
    return right, caught, missed


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    right, caught, missed = broken(seeds)
    count, alarms = unbroken(seeds)
    print(f"{len(MUTATIONS)} operators, {len(HEALTHY)} healthy models, {seeds} seed{'s' if seeds > 1 else ''}\n")
    print(f"{'one of the right rules is':28}{'broken':>8}{'caught':>8}{'recall':>8}")
    for slug in sorted(right):
        print(f"{slug:28}{right[slug]:8}{caught[slug]:8}{caught[slug] / right[slug]:8.1%}")
    silent = count - len({alarm.split(":")[0] for alarm in alarms})
    print(f"\nunbroken: {count} models, {silent} without error or warning ({silent / count:.1%})")
    for title, lines in (("missed", missed), ("false alarms", alarms)):
        print(f"\n{title}: {len(lines)}", *lines, sep="\n  ")


if __name__ == "__main__":
    main()
