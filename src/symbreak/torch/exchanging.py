"""What an exchange of modules moves in a pass, and what puts it together again: the operators of its certificate."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from typing import Any

from torch.utils._pytree import tree_flatten

from symbreak.diagnosis.invariance import Passage
from symbreak.torch.operations import ACTIVATIONS, activation_name, plain
from symbreak.torch.rules_of_axes import REDUCTIONS
from symbreak.torch.trace import Leaf, Record, Ref, Trace

TAKEN = dict.fromkeys(("select", "unbind", "slice", "split", "split_with_sizes"), "picked")
# Operations that only move entries are followed and not listed.
MOVING = frozenset(
    ("view", "_unsafe_view", "reshape", "t", "transpose", "permute", "unsqueeze", "squeeze", "expand", "clone",
     "detach", "alias", "_to_copy")
)  # fmt: skip
Form = Callable[[Leaf | Ref], Any]


def passages(trace: Trace, needed: Set[int], before: Form, after: Form, touched: Set[str]) -> Iterator[Passage]:
    """Yield every operation of which an operand is another one after the exchange, equal steps of a module once.

    Args:
        trace: the pass.
        needed: the operations that its end depends on.
        before, after: give the expression that a result is, as it is and with the modules exchanged.
        touched: parameters that the exchange touches.
    """
    steps: dict[tuple[str, str, str, tuple[str, ...]], int] = {}
    for record in trace.records:
        operands = _operands(record)
        if record.index not in needed or plain(record.target) in MOVING:
            continue
        if any(before(item) != after(item) for item in operands):
            results = [Ref(record.index, output) for output in range(len(record.shapes))]
            closing = all(before(ref) == after(ref) for ref in results)
            turned = any(after(item).axis is not None for item in operands)
            read = dict.fromkeys(name for item in operands for name in _weights(trace, item) if name in touched)
            names = tuple(sorted(read, key=lambda name: name.endswith("bias")))
            key = (record.module, _word(record, closing=closing, turned=turned), _named(record), names)
            steps[key] = steps.get(key, 0) + 1
    yield from (Passage(*key, times=times) for key, times in steps.items())


def _operands(record: Record) -> list[Leaf | Ref]:
    return [item for item in tree_flatten(list(record.arguments.values()))[0] if isinstance(item, (Leaf, Ref))]


def _weights(trace: Trace, item: Leaf | Ref) -> Iterator[str]:
    """Yield the parameters that an operand is made of, if nothing else is in it."""
    if isinstance(item, Leaf):
        yield item.name
    elif not trace.records[item.record].data:
        for operand in _operands(trace.records[item.record]):
            yield from _weights(trace, operand)


def _word(record: Record, *, closing: bool, turned: bool) -> str:
    """Say what an operation does to modules that change places, in the words of `diagnosis.passages`."""
    name = plain(record.target)
    if name == "stack":
        return "stack"
    if name in ("add", "mul") and not turned:
        return {"add": "sum of modules", "mul": "product of modules"}[name] if closing or name == "add" else "exchanged"
    if not turned:
        return "exchanged"
    if name in REDUCTIONS:
        return "reduction"
    if name in ("mm", "addmm", "bmm"):
        return "sum of modules" if closing else "linear rows"
    return {"_softmax": "softmax"}.get(name, TAKEN.get(name, "entry"))


def _named(record: Record) -> str:
    known = plain(record.target) in ACTIVATIONS
    return activation_name(record.target, record.arguments) if known else plain(record.target)
