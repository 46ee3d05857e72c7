"""Parameters that zeros hold still: proved by following zeros forward and gradients backward through a recorded pass.

Let S be parameters that are zero. With S zero, and all other parameters and the inputs free, each result of the pass is
known to be zero or not known to be. Going back from the end, a gradient does not pass a factor of a product whose other
factor is zero, nor an activation that is flat there. If no gradient reaches S, a step leaves S zero, so it is zero at
the next step too: for ever, and with it all else that no gradient reaches. What a gradient reaches is taken out of S,
until nothing has to be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn
from torch.utils._pytree import tree_flatten

from symbreak.diagnosis.invariance import Passage, Still
from symbreak.torch.needed import needed_records
from symbreak.torch.operations import plain
from symbreak.torch.trace import Leaf, Record, Ref, Trace, named_tensors
from symbreak.torch.zero_rules import MOVING, Given, cut, is_zero

Item = Leaf | Ref
# Entries that are looked at before all are.
FEW = 16


def still(model: nn.Module, trace: Trace) -> Still | None:
    """Return what stays where it is; None if that is nothing, or if the pass goes by numbers that training changes."""
    tensors = dict(named_tensors(model))
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    zero = {name for name, p in model.named_parameters() if p.numel() and _is_zero(p)}
    needed = needed_records(trace) if trace.ends and zero else None
    if needed is None:
        return None
    flow = _Flow(trace, needed)
    while True:
        flow.follow({Leaf(name) for name in zero})
        reached = {item.name for item in flow.reached if isinstance(item, Leaf)}
        if not zero & trained & reached:
            break
        zero -= trained & reached
    used = {item.name for index in needed for item in trace.records[index].tensors if isinstance(item, Leaf)}
    stuck = (used & trained) - reached
    if not stuck or flow.is_steered(trained - stuck):
        return None
    passages = tuple(flow.passages())
    named = {name for passage in passages for name in passage.reads} | (zero & stuck)
    return Still(tuple(n for n in tensors if n in named), tuple(n for n in tensors if n in stuck), passages)


def _is_zero(tensor: Tensor) -> bool:
    """Look at a few entries before all: drawn tensors differ from zero at once."""
    flat = tensor.detach().reshape(-1)
    return not bool(flat[:FEW].any()) and not bool(flat.any())


@dataclass(eq=False)
class _Flow:
    """Zeros going forward, gradients coming back.

    Attributes:
        zeros: what is zero, with the parameters that make it so.
        reached: what a gradient comes to.
        stops: the operations at which one was stopped: with the arguments that it did not pass.
    """

    trace: Trace
    needed: set[int]
    zeros: dict[Item, frozenset[str]] = field(default_factory=dict)
    reached: set[Item] = field(default_factory=set)
    stops: list[tuple[Record, tuple[str, ...]]] = field(default_factory=list)

    def follow(self, leaves: set[Leaf]) -> None:
        """Start with parameters that are zero."""
        self.zeros = {leaf: frozenset((leaf.name,)) for leaf in leaves}
        self.reached = {*self.trace.ends}
        self.stops = []
        records = [record for record in self.trace.records if record.index in self.needed]
        for record in records:
            if is_zero(Given(record, self.zeros)):
                outputs = len(record.shapes) if plain(record.target) in MOVING else 1
                sources = frozenset(name for item in record.tensors for name in self.zeros.get(item, ()))
                self.zeros.update({Ref(record.index, output): sources for output in range(outputs)})
        for record in reversed(records):
            if any(Ref(record.index, output) in self.reached for output in range(len(record.shapes))):
                self._back(record)

    def _back(self, record: Record) -> None:
        stopped = tuple(cut(Given(record, self.zeros)))
        for key, argument in record.arguments.items():
            if key not in stopped:
                self.reached.update(item for item in tree_flatten(argument)[0] if isinstance(item, (Leaf, Ref)))
        if stopped:
            self.stops.append((record, stopped))

    def is_steered(self, moving: set[str]) -> bool:
        """Whether a number that was read out, by which the model's code may go, depends on parameters that move."""
        waiting: list[Any] = [item for item in self.trace.numbers if item not in self.zeros]
        seen: set[Any] = set()
        while waiting:
            item = waiting.pop()
            if isinstance(item, Leaf) and item.name in moving:
                return True
            if isinstance(item, Ref) and item not in seen:
                seen.add(item)
                waiting += [each for each in self.trace.records[item.record].tensors if each not in self.zeros]
        return False

    def passages(self) -> Iterator[Passage]:
        """Yield the operations that stop gradients, with the zero parameters that make them do so, equal ones once."""
        steps: dict[tuple[str, str, str, tuple[str, ...]], int] = {}
        for record, stopped in reversed(self.stops):
            if plain(record.target) not in MOVING:
                key = (record.module, _kind(record), plain(record.target), tuple(self._sources(record, stopped)))
                steps[key] = steps.get(key, 0) + 1
        yield from (Passage(*key, times=times) for key, times in steps.items())

    def _sources(self, record: Record, stopped: tuple[str, ...]) -> Mapping[str, None]:
        """Return the parameters that make the zero factors zero."""
        flat = _kind(record) == "flat at zero"
        found = [item for key, item in record.arguments.items() if flat or (key,) != stopped]
        tensors = [each for item in found for each in tree_flatten(item)[0] if isinstance(each, (Leaf, Ref))]
        return dict.fromkeys(name for each in tensors for name in sorted(self.zeros.get(each, ())))


def _kind(record: Record) -> str:
    return "flat at zero" if plain(record.target) in ("relu", "threshold", "hardtanh") else "zero factor"
