"""For each operation: how its results move if something is added to its operands; see `marks`.

Marks are 0, or negative: entries with the same mark move by the same number, whatever that is. A rule gives the marks
of the results if, whatever is added to the operands like that, something is added to the results like this, and they
stay as they were beside it; else it raises `Unkept`. Where what is added vanishes, the results have no marks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from symbreak.torch.marks import MOST_MARKS, Marked, Rule, in_full, is_marked, lifted, once
from symbreak.torch.operations import KINDS, plain
from symbreak.torch.turning import Unkept

Found = tuple[str, list[Tensor]]
# Marks of one operation; those of the next begin behind them.
EACH = 2**32


def combined(given: Marked, marks: Sequence[Tensor], beside: Sequence[Tensor] = ()) -> Tensor:
    """Return fresh marks for what moves by some function of several moves, and of numbers that stand beside them.

    Raises:
        Unkept: there would be too many.
    """
    rank = len(given.record.shape)
    every = [lifted(each, rank) for each in (*marks, *beside)]
    sizes = [max(each.shape[axis] for each in every) for axis in range(rank)]
    if math.prod(sizes) > MOST_MARKS:
        raise Unkept
    wide = [each.expand(sizes).reshape(-1).long() for each in every]
    moving = torch.stack([each < 0 for each in wide[: len(marks)]]).any(0)
    number = wide[0]
    for each in wide[1:]:
        pairs = torch.stack([number, each])
        number = torch.unique(pairs, dim=1, return_inverse=True)[1]
    number = torch.unique(number, return_inverse=True)[1]
    fresh = -1 - number - (given.record.index + 1) * EACH
    return torch.where(moving, fresh, 0).reshape(sizes)


def _places(shape: Sequence[int]) -> Tensor:
    """Number the entries of a tensor whose numbers are not known."""
    if math.prod(shape) > MOST_MARKS:
        raise Unkept
    return torch.arange(math.prod(shape)).reshape(list(shape))


def _classes(marks: Tensor, axis: int) -> Tensor:
    """Return one mark for each line along an axis: equal for lines with equal marks, 0 for those that do not move."""
    lines = marks.movedim(axis, -1)
    number = torch.unique(lines.reshape(-1, lines.shape[-1]), dim=0, return_inverse=True)[1].reshape(lines.shape[:-1])
    return torch.where((lines < 0).any(-1), -1 - number, 0).unsqueeze(axis)


def _sum(given: Marked) -> Found:
    return "shift of a sum", [combined(given, list(given.named.values()))]


def _scaled(given: Marked) -> Found:
    """A product of which one factor moves: by a multiple that may differ wherever the other one does."""
    if given.record.arguments.get("rounding_mode") is not None or len(given.named) > 2:
        raise Unkept
    moving = [key for key, marks in given.named.items() if is_marked(marks)]
    if len(moving) > 1 or (moving == ["other"] and plain(given.record.target) != "mul"):
        raise Unkept
    still = [_places(given.record.named_shapes[key]) for key in given.named if key not in moving]
    return "shift of a product", [combined(given, [given.named[key] for key in moving], still)]


def _matrix(given: Marked) -> Found:
    left, right, bias = {
        "mm": ("self", "mat2", ""), "bmm": ("self", "mat2", ""), "addmm": ("mat1", "mat2", "self"),
        "baddbmm": ("batch1", "batch2", "self"),
    }[plain(given.record.target)]  # fmt: skip
    shapes = given.record.named_shapes
    a, b = given.of(left), given.of(right)
    added = [given.of(bias)] if bias and is_marked(given.of(bias)) else []
    if is_marked(a) and is_marked(b):
        raise Unkept
    if not is_marked(a) and not is_marked(b):
        return "shift of a sum", [combined(given, added)]
    if is_marked(b):
        # Column j moves by a's rows times what is added to b's column j.
        rows = _places((*shapes[left][:-1], 1))
        return "shift of a product", [combined(given, [_classes(b, b.dim() - 2), *added], [rows])]
    columns = _places((*shapes[right][:-2], 1, shapes[right][-1]))
    return "shift of a product", [combined(given, [_classes(a, a.dim() - 1), *added], [columns])]


def _biased(given: Marked) -> Found:
    """A convolution whose bias moves."""
    given.bare("input", "weight")
    bias = given.of("bias")
    lined = bias.reshape(1, -1, *(1,) * (len(given.record.shape) - 2))
    return "shift of a sum", [combined(given, [lined])]


def _softmax(given: Marked) -> Found:
    marks = given.of("self")
    once(marks, int(given.record.arguments["dim"]) % marks.dim())
    return "shift before softmax", [given.none()]


def _normalized(given: Marked, x: Tensor, axes: Sequence[int], start: int) -> Found:
    """A norm takes the mean away: what is the same for all that it goes over vanishes. Its own shift comes out."""
    given.bare("weight", "running_mean", "running_var")
    once(x, *axes)
    bias = given.named.get("bias")
    if bias is not None and is_marked(bias):
        return "shift of a sum", [combined(given, [bias.reshape(*bias.shape, *(1,) * (x.dim() - start - bias.dim()))])]
    return "shift before a norm", [given.none()]


def _layer_norm(given: Marked) -> Found:
    x = given.of("input")
    start = x.dim() - len(given.record.arguments["normalized_shape"])
    return _normalized(given, x, range(start, x.dim()), start)


def _batch_norm(given: Marked) -> Found:
    """In training: with the statistics of the batch."""
    x = given.of("input")
    if is_marked(x) and not given.record.arguments.get("training"):
        raise Unkept
    return _normalized(given, x, [0, *range(2, x.dim())], 1)


def _group_norm(given: Marked) -> Found:
    x = given.of("input")
    channels, groups = given.record.shape[1], int(given.record.arguments["group"])
    wide = x.expand(-1, channels, *(-1 for _ in x.shape[2:]))
    parts = wide.reshape(x.shape[0], groups, channels // groups, *x.shape[2:])
    if bool((parts != parts[:, :, :1]).any()):
        raise Unkept
    return _normalized(given, x, range(2, x.dim()), 1)


def _reduced(given: Marked) -> Found:
    marks = given.of("self", "input")
    dims = given.record.arguments.get("dim")
    listed = [dims] if isinstance(dims, int) else list(dims or range(marks.dim()))
    gone = sorted({int(dim) % max(1, marks.dim()) for dim in listed}, reverse=True)
    if len(given.record.shapes) > 1 or "other" in given.named:
        raise Unkept
    for axis in gone:
        marks = _classes(marks, axis)
    if len(given.record.shape) < marks.dim():
        marks = marks.reshape([size for axis, size in enumerate(marks.shape) if axis not in gone])
    return "shift of a sum", [combined(given, [marks])]


def _masked(given: Marked) -> Found:
    """Minus infinity stays what it is, whatever is added."""
    given.bare("mask")
    if given.record.arguments.get("value") != -math.inf:
        raise Unkept
    return "shift of a sum", [combined(given, [given.of("self")])]


def _padded(given: Marked) -> Found:
    wide = in_full(given.of("self"), given.record.operand_shapes[0])
    return "shift moved", [torch.ops.aten.constant_pad_nd(wide, given.record.arguments["pad"], 0)]


def _attention(given: Marked) -> Found:
    """What is added to all keys of a head adds the same to all scores of a query."""
    given.bare("query", "value", "attn_mask")
    once(given.of("key"), 2)
    return "shift before softmax", [given.none()]


RULES: dict[str, Rule] = {
    **dict.fromkeys(("add", "sub", "rsub", "neg"), _sum),
    **dict.fromkeys(("mul", "div", "true_divide"), _scaled),
    **dict.fromkeys(("mm", "addmm", "bmm", "baddbmm"), _matrix),
    **dict.fromkeys(("convolution", "_convolution", "convolution_overrideable"), _biased),
    **dict.fromkeys(("_softmax", "_log_softmax", "_safe_softmax"), _softmax),
    "native_layer_norm": _layer_norm,
    "native_group_norm": _group_norm,
    **{name: _batch_norm for name, kind in KINDS.items() if kind == "norm" and "batch_norm" in name},
    **dict.fromkeys(("sum", "mean"), _reduced),
    "masked_fill": _masked,
    "constant_pad_nd": _padded,
    "_scaled_dot_product_flash_attention_for_cpu": _attention,
}
