"""Tensors of different layers, or shards of one, that are equal to the last bit, and are not one tensor."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from symbreak.diagnosis.clones import FEW_VALUES, by_formula, counts
from symbreak.diagnosis.finding import Finding, Where
from symbreak.diagnosis.observation import Parameter
from symbreak.diagnosis.rules.lines import reset, roots
from symbreak.diagnosis.rules.rule import Context, Rule

# Gates and their kin read blocks of rows by different functions, so that equal blocks part at once.
RECURRENT = ("RNN", "LSTM", "GRU", "Cell")
# Numbers of equal shards that are looked for: those of small machines, and three as for query, key and value.
SHARDS = (2, 3, 4, 8)


def find(context: Context) -> Iterator[Finding]:
    """Report groups of equal random tensors, those of the same copied modules together."""
    by_modules: dict[tuple[str, ...], list[list[Parameter]]] = defaultdict(list)
    for same in context.clones:
        by_modules[roots([p.name for p in same])].append(same)
    for modules, found in by_modules.items():
        # Biases are often copied and rarely drawn; only equal matrices say that a layer was not drawn anew.
        if any(len(p.shape) > 1 for same in found for p in same):
            yield _finding(modules, found, {p.name for p in context.observation.parameters})
    for parameter in context.observation.parameters:
        if counts(parameter) and len(parameter.shape) == 2 and not parameter.module.endswith(RECURRENT):
            yield from _sharded(parameter)


def _sharded(parameter: Parameter) -> Iterator[Finding]:
    """Report blocks of rows or columns that are equal, with the fewest shards that show it."""
    for shards in SHARDS:
        for axis, kind in enumerate(("rows", "columns")):
            size, rest = divmod(parameter.shape[axis], shards)
            if rest or size * parameter.shape[1 - axis] <= FEW_VALUES:
                continue
            blocks = np.moveaxis(parameter.values(), axis, 0).reshape(shards, size, -1)
            pair = next(
                ((i, j) for i in range(shards) for j in range(i + 1, shards) if _are_equal(blocks[i], blocks[j])), None
            )
            if pair is not None and not by_formula(blocks[pair[0]]):
                yield _shards(parameter, kind, *((i * size, (i + 1) * size - 1) for i in pair))
                return


def _are_equal(one: np.ndarray, other: np.ndarray) -> bool:
    return np.array_equal(one[0], other[0]) and np.array_equal(one, other)  # the first rows tell nearly always


def _shards(parameter: Parameter, kind: str, first: tuple[int, int], second: tuple[int, int]) -> Finding:
    return Finding(
        rule=RULE.slug,
        severity="warning",
        status="proved",
        where=Where(parameters=(parameter.name,)),
        says=f"{kind} {second[0]} to {second[1]} of {parameter.name} start as a copy of {kind} {first[0]} to "
        f"{first[1]}, to the last bit",
        measured={"first": list(first), "second": list(second)},
        expected="an independent draw for every row",
        why="Parts of one tensor that were drawn in several processes, or one after the other, from the same seed. "
        "The layer starts with that many fewer directions than it has units, and where what follows is equal as well, "
        "the units are one for ever (see symmetric-units).",
        fix=f"torch.nn.init.xavier_normal_(model.get_parameter({parameter.name!r}))  # another seed for each shard",
        evidence={"equal": [list(first), list(second)], "axis": kind},
    )


def _finding(modules: tuple[str, ...], found: list[list[Parameter]], parameters: set[str]) -> Finding:
    names = tuple(p.name for same in found for p in same)
    first, other = found[0][0].name, found[0][1].name
    return Finding(
        rule=RULE.slug,
        severity="warning",
        status="proved",
        where=Where(parameters=names, modules=modules),
        says=f"{', '.join(modules[1:]) or other} start{'s' if len(modules) < 3 else ''} as a copy of "
        f"{modules[0] or first}: "
        f"{len(names)} tensors are equal in groups to the last bit",
        measured={"tensors": len(names), "copies": len(modules)},
        expected="an independent draw for each layer",
        why="Copies are correlated where the theory of every initializer assumes independence. In a row they drift "
        "apart; side by side, reading the same input and read alike, they are one unit for ever (see symmetric-units).",
        fix=reset(modules[1:], parameters),
        evidence={"equal": [[p.name for p in same] for same in found]},
    )


RULE = Rule("cloned-layers", "tensors of different layers are equal to the last bit and not tied", "values", find)
