"""Exchanges of whole modules that change no output: proved by comparing the operations of a pass as expressions.

Exchange the parameters of two modules, and two slices of those that have one for each (a router's rows). Every result
of the pass is written as an expression of parameters, inputs and operations, once as it is and once after the exchange;
sums forget the order of their terms, products that of their factors. If the end of the pass is the same expression, the
exchange P gives f(P w) = f(w) on every input. If also P w = w, the gradient is the same for both modules, for ever.

What has no rule, random numbers, and writing to memory that is read elsewhere end the proof without a result.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from symbreak.diagnosis.invariance import Swap
from symbreak.torch.exchanging import passages
from symbreak.torch.expressions import Expressions, NoRule, Reading
from symbreak.torch.needed import needed_records
from symbreak.torch.rules_of_exchange import RULES
from symbreak.torch.trace import Trace, named_tensors

# Siblings beyond this number are compared with the first only in part: a proof costs a look at every operation.
MOST_SIBLINGS = 64
# Entries that are looked at before all are.
FEW = 16


def swaps(model: nn.Module, trace: Trace) -> tuple[Swap, ...]:
    """Return exchanges of sibling modules with equal values that are proved to change no output."""
    found: list[Swap] = []
    values = dict(named_tensors(model))
    needed = needed_records(trace) if trace.ends else None
    plainly = Reading(Expressions(trace), RULES)
    for siblings in _siblings(model, values):
        if needed is None:
            return ()
        if not plainly.forms:
            plainly.run(needed)
        for place in range(1, min(len(siblings), MOST_SIBLINGS)):
            swap = _proved(trace, needed, plainly, values, siblings, place)
            if swap is not None:
                found.append(swap)
    return tuple(found)


def _siblings(model: nn.Module, values: Mapping[str, Tensor]) -> Iterator[list[dict[str, str]]]:
    """Yield groups of modules of one parent with equal values: for each its tensors' names, by their names inside."""
    for path, module in model.named_modules():
        groups: dict[Any, list[dict[str, str]]] = defaultdict(list)
        for place, child in module.named_children():
            prefix = f"{path}.{place}." if path else f"{place}."
            own = {name: prefix + name for name, _ in named_tensors(child) if prefix + name in values}
            if any(_is_drawn(values[full]) for full in own.values()):
                groups[tuple((name, tuple(values[full].shape)) for name, full in own.items())].append(own)
        for group in groups.values():
            equal = [one for one in group if all(_equal(values[group[0][k]], values[n]) for k, n in one.items())]
            if len(equal) > 1:
                yield equal


def _is_drawn(tensor: Tensor) -> bool:
    """Whether the entries differ: gains of 1 and biases of 0 are alike in every model."""
    flat = tensor.reshape(-1)
    few = flat[:FEW]
    return flat.numel() > 1 and bool((few != few[0]).any() or (flat != flat[0]).any())


def _equal(a: Tensor, b: Tensor) -> bool:
    """Compare a few entries before all: drawn tensors differ at once."""
    return torch.equal(a.reshape(-1)[:FEW], b.reshape(-1)[:FEW]) and torch.equal(a, b)


def _proved(
    trace: Trace,
    needed: set[int],
    plainly: Reading,
    values: Mapping[str, Tensor],
    siblings: list[dict[str, str]],
    place: int,
) -> Swap | None:
    """Try the exchange of the first with another one, alone and with slices that could belong to them."""
    pairs = [(siblings[0][key], siblings[place][key]) for key in siblings[0]]
    renamed = {a: b for pair in pairs for a, b in (pair, pair[::-1])}
    inside = {name for one in siblings for name in one.values()}
    for slices in _belonging(values, inside, len(siblings), place):
        reading = Reading(plainly.expressions, RULES, renamed, slices, (0, place), plainly)
        try:
            reading.run(needed)
        except NoRule:
            continue
        if all(reading.of(end) == plainly.of(end) for end in (*trace.ends, *trace.numbers)):
            moved = tuple((name, axis, 0, place) for name, axis in slices.items())
            return Swap(tuple(pairs), moved, tuple(passages(trace, needed, plainly.of, reading.of, reading.touched)))
    return None


def _belonging(values: Mapping[str, Tensor], inside: set[str], count: int, place: int) -> Iterator[dict[str, int]]:
    """Yield sets of axes with a place for each sibling whose two slices are equal: none, each owner's, all."""
    owners: dict[str, dict[str, int]] = defaultdict(dict)
    for name, tensor in values.items():
        for axis, size in enumerate(tensor.shape):
            if name not in inside and size == count and torch.equal(tensor.select(axis, 0), tensor.select(axis, place)):
                owners[name.rpartition(".")[0]].setdefault(name, axis)
                break
    yield {}
    yield from owners.values()
    if len(owners) > 1:
        yield dict(itertools.chain.from_iterable(each.items() for each in owners.values()))
