"""What can be added to a parameter without changing any output: followed to where it vanishes.

If f(w + s) = f(w) for all w and all s of some linear space, the gradient of any loss is orthogonal to that space: the
sum of its entries over what moves by the same number is zero. A bias before a norm or attention's key bias moves alone,
so its gradient is zero; the rows of a router that softmax reads move together.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from symbreak.diagnosis.invariance import Passage, Shift
from symbreak.torch.marks import Marking
from symbreak.torch.operations import kind_of, plain
from symbreak.torch.rules_of_shifts import RULES
from symbreak.torch.trace import Leaf, Trace
from symbreak.torch.turning import Unkept


def vanishing(trace: Trace, shapes: Mapping[str, tuple[int, ...]], shift: Shift) -> tuple[Passage, ...] | None:
    """Return the operations that a shift passes until nothing of it is left; None if some output may move."""
    if not trace.ends or not shapes[shift.parameter]:
        return None
    marking = Marking(
        trace.records, {shift.parameter: _marks(shapes[shift.parameter], shift)}, RULES, 0, 0, "shift moved"
    )
    steps: dict[tuple[str, str, str, tuple[str, ...]], int] = {}
    try:
        for record in trace.records:
            word = marking.step(record)
            if word and kind_of(record.target) != "shape":
                read = (shift.parameter,) if Leaf(shift.parameter) in record.tensors else ()
                key = (record.module, word, plain(record.target), read)
                steps[key] = steps.get(key, 0) + 1
        moved = any(marking.is_marked(end) for end in (*trace.ends, *trace.numbers))
    except Unkept:
        return None
    return None if moved or not steps else tuple(Passage(*key, times=times) for key, times in steps.items())


def _marks(shape: tuple[int, ...], shift: Shift) -> Tensor:
    """Number the entries that move: each by itself, or all along an axis together.

    >>> _marks((3, 2), Shift("w", along=0)).tolist()
    [[-1, -2]]
    >>> _marks((4,), Shift("b", places=(1, 2))).tolist()
    [0, -2, -3, 0]
    """
    sizes = [1 if axis == shift.along else size for axis, size in enumerate(shape)]
    marks = -1 - torch.arange(torch.Size(sizes).numel()).reshape(sizes)
    if shift.places:
        still = torch.ones(sizes[0], dtype=torch.bool)
        still[list(shift.places)] = False
        marks[still] = 0
    return marks
