"""Tensors of different layers that are equal to the last bit, and are not one tensor."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from symbreak.diagnosis.finding import Finding, Where
from symbreak.diagnosis.observation import Parameter
from symbreak.diagnosis.rules.lines import reset
from symbreak.diagnosis.rules.rule import Context, Rule

# Tables made by formula (identities, masks, decay rates 1, 2, ..., n) repeat few values and are rightly alike in every
# layer; random draws, even in bfloat16, have more values than this as soon as chance could not make them equal.
FEW_VALUES = 64


def find(context: Context) -> Iterator[Finding]:
    """Report groups of equal random tensors, those of the same copied modules together."""
    groups: dict[tuple[object, ...], list[Parameter]] = defaultdict(list)
    for parameter in context.observation.parameters:
        if _counts(parameter):
            seen = parameter.summary
            groups[(parameter.shape, parameter.dtype, seen.mean, seen.std, seen.low, seen.high)].append(parameter)
    equal = [same for alike in groups.values() if len(alike) > 1 for same in _equal(alike)]
    by_modules: dict[tuple[str, ...], list[list[Parameter]]] = defaultdict(list)
    for same in equal:
        by_modules[_roots([p.name for p in same])].append(same)
    for modules, found in by_modules.items():
        # Biases are often copied and rarely drawn; only equal matrices say that a layer was not drawn anew.
        if any(len(p.shape) > 1 for same in found for p in same):
            yield _finding(modules, found, {p.name for p in context.observation.parameters})


def _roots(names: list[str]) -> tuple[str, ...]:
    """Return where copies hang: their names without the parts at the end that are the same in all.

    >>> _roots(["layers.0.norm.weight", "layers.1.norm.weight"])
    ('layers.0', 'layers.1')
    """
    parts = [name.split(".") for name in names]
    while len({each[-1] for each in parts}) == 1 and min(map(len, parts)) > 1:
        parts = [each[:-1] for each in parts]
    return tuple(".".join(each) for each in parts)


def _counts(parameter: Parameter) -> bool:
    seen = parameter.summary
    usable = parameter.judged and parameter.trainable and not parameter.buffer and parameter.floating
    return usable and seen.size > 1 and seen.finite and not seen.constant


def _equal(alike: list[Parameter]) -> Iterator[list[Parameter]]:
    rest = alike
    while len(rest) > 1:
        head = rest[0].values()
        same = [p for p in rest if np.array_equal(p.values(), head)]
        if len(same) > 1 and not _by_formula(head):
            yield same
        rest = [p for p in rest if all(p is not other for other in same)]


def _by_formula(values: np.ndarray) -> bool:
    """Few values again and again, or a steady ramp."""
    distinct = np.unique(values)
    if distinct.size <= FEW_VALUES and distinct.size < values.size:
        return True
    steps = np.diff(values.reshape(-1).astype(np.float64))
    return bool((values.size > 2 and (steps > 0).all()) or (values.size > 2 and (steps < 0).all()))


def _finding(modules: tuple[str, ...], found: list[list[Parameter]], parameters: set[str]) -> Finding:
    names = tuple(p.name for same in found for p in same)
    first, other = found[0][0].name, found[0][1].name
    return Finding(
        rule=RULE.slug,
        severity="warning",
        status="proved",
        where=Where(parameters=names, modules=modules),
        says=f"{', '.join(modules[1:]) or other} starts as a copy of {modules[0] or first}: "
        f"{len(names)} tensors are equal in groups to the last bit",
        measured={"tensors": len(names), "copies": len(modules)},
        expected="an independent draw for each layer",
        why="Copies are correlated where the theory of every initializer assumes independence. In a row they drift "
        "apart; side by side, reading the same input and read alike, they are one unit for ever (see symmetric-units).",
        fix=reset(modules[1:], parameters),
        evidence={"equal": [[p.name for p in same] for same in found]},
    )


RULE = Rule("cloned-layers", "tensors of different layers are equal to the last bit and not tied", "values", find)
