"""For each operation: what it makes of operands in which two places are exchanged along an axis; see `expressions`."""

from __future__ import annotations

import math
from collections.abc import Mapping

from torch.utils._pytree import tree_flatten

from symbreak.torch.expressions import Form, NoRule, Reading, Rule
from symbreak.torch.operations import plain
from symbreak.torch.rules_of_axes import BINARY, REDUCTIONS, UNARY
from symbreak.torch.trace import Record


def _only(reading: Reading, record: Record) -> tuple[Form, int]:
    """Return the one tensor argument and its axis."""
    forms = [f for item in tree_flatten(list(record.arguments.values()))[0] if (f := reading.of(item)) is not None]
    if len(forms) != 1 or forms[0].axis is None:
        raise NoRule
    return forms[0], forms[0].axis


def _same(reading: Reading, record: Record, output: int) -> Form:
    _, axis = _only(reading, record)
    if len(record.shape) != len(record.operand_shapes[0]):
        raise NoRule
    return Form(reading.write(record, output), axis)


def _elementwise(reading: Reading, record: Record, output: int) -> Form:
    """Every operand is exchanged along the same axis, counted from the back, or has but one place there."""
    back = set()
    for name, shape in record.named_shapes.items():
        form = reading.of(record.arguments.get(name))
        if form is not None and form.axis is not None:
            back.add(len(shape) - form.axis)
    if len(back) != 1:
        raise NoRule
    axis = back.pop()
    for name, shape in record.named_shapes.items():
        form = reading.of(record.arguments.get(name))
        if form is None or (form.axis is None and len(shape) >= axis and shape[-axis] != 1):
            raise NoRule
    return Form(reading.write(record, output), len(record.shape) - axis)


def _moved(reading: Reading, record: Record, output: int) -> Form:
    _, axis = _only(reading, record)
    name, given, before = plain(record.target), record.arguments, record.operand_shapes[0]
    rank = len(before)
    if name == "t":
        axis = rank - 1 - axis
    elif name == "transpose":
        a, b = int(given["dim0"]) % rank, int(given["dim1"]) % rank
        axis = {a: b, b: a}.get(axis, axis)
    elif name == "permute":
        axis = [int(i) % rank for i in given["dims"]].index(axis)
    elif name == "unsqueeze":
        axis += int(given["dim"]) % (rank + 1) <= axis
    else:
        axis = _kept(axis, before, record.shape)
    return Form(reading.write(record, output), axis)


def _kept(axis: int, before: tuple[int, ...], after: tuple[int, ...]) -> int:
    """Return the axis of another shape that has the same places, and as many entries in front of it."""
    for place, size in enumerate(after):
        if size == before[axis] and math.prod(after[:place]) == math.prod(before[:axis]):
            return place
    raise NoRule


_FACTORS = {"mm": ("self", "mat2", None), "addmm": ("mat1", "mat2", "self"), "bmm": ("self", "mat2", None)}


def _product(reading: Reading, record: Record, output: int) -> Form:
    """Rows of the left and columns of the right factor stay what they are; so does a bias beside columns."""
    left, right, bias = _FACTORS[plain(record.target)]
    a, b = reading.of(record.arguments[left]), reading.of(record.arguments[right])
    added = reading.of(record.arguments[bias]) if bias else None
    rank = len(record.shape)
    if a is not None and b is not None and (a.axis, b.axis) == (rank - 1, rank - 2) and (added is None) == (not bias):
        if added is not None and added.axis is not None:
            raise NoRule
        return Form(reading.write(record, output))  # the sum over what is exchanged forgets its order
    if rank > 2:
        raise NoRule
    if a is None or b is None or a.axis is not None or b.axis != 1:
        raise NoRule
    if bias and (added is None or added.axis is None or added.axis != len(record.named_shapes["self"]) - 1):
        raise NoRule
    return Form(reading.write(record, output), len(record.shape) - 1)


def _picked(reading: Reading, record: Record, output: int) -> Form:
    """One place along an axis: the other one, if it is exchanged."""
    _, axis = _only(reading, record)
    rank = len(record.operand_shapes[0])
    dim = int(record.arguments.get("dim", 0)) % rank
    i, j = reading.places
    other = {i: j, j: i}
    if dim != axis:
        return Form(reading.write(record, output), axis - (dim < axis))
    if plain(record.target) == "unbind":
        return Form(reading.write(record, other.get(output, output)))
    index = int(record.arguments["index"]) % record.operand_shapes[0][dim]
    return Form(reading.write(record, index=other.get(index, index)))


def _piece(reading: Reading, record: Record, output: int) -> Form:
    """A slice of one place is, after the exchange, that of the other; one from the start on may hold both."""
    _, axis = _only(reading, record)
    given, size = record.arguments, record.operand_shapes[0]
    dim = int(given.get("dim", 0)) % len(size)
    if dim != axis:
        return Form(reading.write(record), axis)
    first = slice(given.get("start"), given.get("end"), given.get("step", 1)).indices(size[dim])
    i, j = reading.places
    held = set(range(*first)) & {i, j}
    if not held or (first[0] == 0 and first[2] == 1 and len(held) == 2):
        return Form(reading.write(record), axis if held else None)
    if (given.get("start"), given.get("end")) != (first[0], first[0] + 1):
        raise NoRule  # of several places, or written in another way than the other one would be
    other = {i: j, j: i}[first[0]]
    return Form(reading.write(record, start=other, end=other + 1))


def _parts(reading: Reading, record: Record, output: int) -> Form:
    """Pieces of one place each change places; along another axis each piece is exchanged in itself."""
    _, axis = _only(reading, record)
    dim = int(record.arguments.get("dim", 0)) % len(record.operand_shapes[0])
    if dim != axis:
        return Form(reading.write(record, output), axis)
    if len(record.shapes) != record.operand_shapes[0][dim]:
        raise NoRule
    i, j = reading.places
    return Form(reading.write(record, {i: j, j: i}.get(output, output)))


def _reduced(reading: Reading, record: Record, output: int) -> Form:
    """A reduction over the axis does not see the exchange."""
    _, axis = _only(reading, record)
    rank = len(record.operand_shapes[0])
    dims = record.arguments.get("dim")
    listed = [dims] if isinstance(dims, int) else list(dims or range(rank))
    gone = {int(dim) % rank for dim in listed}
    if len(record.shapes) > 1:
        raise NoRule
    if axis in gone:
        return Form(reading.write(record, output))
    kept = len(record.shape) == rank
    return Form(reading.write(record, output), axis if kept else axis - sum(dim < axis for dim in gone))


RULES: Mapping[str, Rule] = {
    **dict.fromkeys((*UNARY, "relu", "sigmoid", "tanh", "gelu", "silu", "softplus"), _same),
    **dict.fromkeys(("_softmax", "_log_softmax", "_safe_softmax"), _same),
    **dict.fromkeys(BINARY - {"addcmul", "lerp"}, _elementwise),
    **dict.fromkeys(("t", "transpose", "permute", "unsqueeze", "view", "_unsafe_view", "reshape"), _moved),
    **dict.fromkeys(_FACTORS, _product),
    **dict.fromkeys(("select", "unbind"), _picked),
    "slice": _piece,
    **dict.fromkeys(("split", "split_with_sizes"), _parts),
    **dict.fromkeys(REDUCTIONS - {"any", "all", "min", "max"}, _reduced),
}
