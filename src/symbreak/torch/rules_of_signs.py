"""For each operation: which of its results change sign where some of its operands do; see `marks`.

Marks are 1 and -1, and 0 for entries that are zero whatever the parameters are: their sign is any. A rule gives those
of the results if the operation, with its operands multiplied by their marks, gives its former results multiplied by
theirs, whatever the numbers are; else it raises `Unkept`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from symbreak.torch.marks import MOST_MARKS, Marked, Rule, is_marked, lifted, once, tight
from symbreak.torch.operations import KINDS, plain
from symbreak.torch.turning import Unkept

Found = tuple[str, list[Tensor]]


def agreed(*all_marks: Tensor) -> Tensor:
    """Return the signs that tensors have in common which an operation lines up.

    Raises:
        Unkept: they differ somewhere.
    """
    rank = max(marks.dim() for marks in all_marks)
    found, *others = (lifted(marks, rank) for marks in all_marks)
    for other in others:
        if bool((found * other < 0).any()):
            raise Unkept
        found = torch.where(found == 0, other, found)
    return tight(found)


def _nonzero(marks: Tensor) -> Tensor:
    """Ask for the signs of something to divide by."""
    if bool((marks == 0).any()):
        raise Unkept
    return marks


def _odd(given: Marked) -> Found:
    return "odd function", [given.of("self", "input")]


def _even(given: Marked) -> Found:
    return "even function", [given.none()]


def _clipped(given: Marked) -> Found:
    """Clipped at c and -c, no further tensor."""
    low, high = ("min_val", "max_val") if "min_val" in given.record.arguments else ("min", "max")
    ends = given.record.arguments
    if not given.is_number(low) or not given.is_number(high) or ends[low] != -ends[high]:
        raise Unkept
    return _odd(given)


def _inverse(given: Marked) -> Found:
    return "odd function", [_nonzero(given.of("self"))]


def _power(given: Marked) -> Found:
    exponent = given.record.arguments.get("exponent")
    if not isinstance(exponent, (int, float)) or exponent != int(exponent) or exponent < 0:
        raise Unkept
    return _odd(given) if int(exponent) % 2 else _even(given)


def _sum(given: Marked) -> Found:
    numbers = [given.none()] if given.is_number("other") and given.record.arguments["other"] != 0 else []
    return "signs in a sum", [agreed(*given.named.values(), *numbers)]


def _product(given: Marked) -> Found:
    if given.record.arguments.get("rounding_mode") is not None:
        raise Unkept
    if plain(given.record.target) != "mul" and "other" in given.named:
        _nonzero(given.of("other"))
    rank = len(given.record.shape)
    first, *others = (lifted(marks, rank) for marks in given.named.values())
    for other in others:
        first = first * other
    return "signs in a product", [first]


def _chosen(given: Marked) -> Found:
    """Entries of one tensor or of another; which ones, no sign decides."""
    given.bare("condition", "mask")
    keys = ("self", "other", "value")
    either = [given.named[key] for key in keys if key in given.named]
    either += [given.none() for key in keys if given.is_number(key) and given.record.arguments[key] != 0]
    return "signs in a sum", [lifted(agreed(*either), len(given.record.shape))]


def _contracted(a: Tensor, b: Tensor) -> Tensor:
    """Return the signs of a product of matrices: all terms of a sum keep or change theirs together."""
    if a.numel() * b.numel() > MOST_MARKS:
        raise Unkept
    found = a.unsqueeze(-1) * b.unsqueeze(-3)
    least, most = found.amin(-2), found.amax(-2)
    if bool((least * most < 0).any()):
        raise Unkept
    return tight(least + most).sign()


def _matrix(given: Marked) -> Found:
    left, right, bias = {
        "mm": ("self", "mat2", ""), "bmm": ("self", "mat2", ""), "addmm": ("mat1", "mat2", "self"),
        "baddbmm": ("batch1", "batch2", "self"),
    }[plain(given.record.target)]  # fmt: skip
    found = _contracted(given.of(left), given.of(right))
    return "signs in sums over units", [agreed(found, given.of(bias)) if bias else found]


def _linear(given: Marked) -> Found:
    x, weight = given.of("input"), given.of("weight")
    rows = _contracted(x.reshape(-1, x.shape[-1]), weight.T)
    found = rows.reshape(*x.shape[:-1], rows.shape[-1])
    return "signs in sums over units", [agreed(found, given.of("bias")) if "bias" in given.named else found]


def _convolution(given: Marked) -> Found:
    """Tap by tap, and in each group over its own channels."""
    x, weight = given.of("input"), given.of("weight")
    once(x, *range(2, x.dim()))
    once(weight, *range(2, weight.dim()))
    groups = int(given.record.arguments.get("groups") or 1)
    channels, rows = given.record.named_shapes["input"][1], given.record.named_shapes["weight"][0]
    inside = given.record.named_shapes["weight"][1]
    read = x.reshape(x.shape[0], x.shape[1]).expand(-1, channels).reshape(-1, groups, channels // groups)
    table = weight.reshape(weight.shape[0], weight.shape[1]).expand(rows, inside).reshape(groups, -1, inside)
    if given.record.arguments.get("transposed"):
        table = table.transpose(1, 2)  # (groups, filters, channels)
    found = _contracted(tight(table), tight(read).unsqueeze(-1)).squeeze(-1)  # (samples, groups, filters)
    found = found.expand(-1, groups, table.shape[1]).reshape(found.shape[0], -1)
    if "bias" in given.named:
        found = agreed(found, given.of("bias"))
    return "signs in a convolution", [found.reshape(*found.shape, *(1,) * (x.dim() - 2))]


def _batch_norm(given: Marked) -> Found:
    x = given.of("input")
    once(x, 0, *range(2, x.dim()))
    given.bare("running_var")
    if "running_mean" in given.named:
        x = agreed(x.reshape(-1), given.of("running_mean")).reshape(1, -1, *(1,) * (x.dim() - 2))
    return "signs in batch norm", [_scaled(given, x, 1)]


def _layer_norm(given: Marked) -> Found:
    x = given.of("input")
    start = x.dim() - len(given.record.arguments["normalized_shape"])
    once(x, *range(start, x.dim()))
    return "signs in layer norm", [_scaled(given, x, start)]


def _rms_norm(given: Marked) -> Found:
    x = given.of("input")
    return "signs in rms norm", [_scaled(given, x, x.dim() - len(given.record.arguments["normalized_shape"]))]


def _group_norm(given: Marked) -> Found:
    x, channels, groups = given.of("input"), given.record.shape[1], int(given.record.arguments["group"])
    once(x, *range(2, x.dim()))
    once(tight(x.reshape(x.shape[0], -1).expand(-1, channels).reshape(-1, groups, channels // groups)), 2)
    return "signs in layer norm", [_scaled(given, x, 1)]


def _scaled(given: Marked, x: Tensor, start: int) -> Tensor:
    """Return the signs after scale and shift, whose axes are those from `start` on."""

    def lined(key: str) -> Tensor:
        own = given.named[key]
        return own.reshape(*own.shape, *(1,) * (x.dim() - start - own.dim()))

    found = x * lined("weight") if "weight" in given.named else x
    return agreed(found, lined("bias")) if "bias" in given.named else found


def _gone(given: Marked) -> Sequence[int]:
    rank = len(given.of("self", "input").shape)
    dims = given.record.arguments.get("dim")
    listed = [dims] if isinstance(dims, int) else list(dims or range(rank))
    return [int(dim) % max(1, rank) for dim in listed]


def _reduced(given: Marked, *, even: bool = False, together: bool = True) -> Found:
    """A sum or mean of what changes sign together; a variance of it, or any norm, does not see signs."""
    marks, gone = given.of("self", "input"), _gone(given)
    if len(given.record.shapes) > 1 or "other" in given.named:
        raise Unkept
    if together:
        once(marks, *gone)
    if even:
        return "even function", [given.none()]
    kept = len(given.record.shape) == marks.dim()
    shape = [size for axis, size in enumerate(marks.shape) if kept or axis not in gone]
    return "signs in a sum", [marks.reshape(shape)]


def _along(given: Marked) -> Found:
    marks = given.of("self")
    return "signs in a sum", [once(marks, int(given.record.arguments["dim"]) % max(1, marks.dim()))]


def _gate(given: Marked) -> Found:
    """Half of an axis times a sigmoid of the other half."""
    shape = given.record.named_shapes["self"]
    axis = int(given.record.arguments.get("dim", -1)) % len(shape)
    marks = given.of("self")
    wide = marks.expand(*marks.shape[:axis], shape[axis], *marks.shape[axis + 1 :])
    value, gate = wide.chunk(2, axis)
    if is_marked(gate):
        raise Unkept
    return "signs in a product", [value]


def _embedding(given: Marked) -> Found:
    given.bare("indices")
    table = once(given.of("weight"), 0)
    return "signs in an embedding", [lifted(table.reshape(-1), len(given.record.shape))]


def _attention(given: Marked) -> Found:
    """The weights stay as they are; each channel of the values is averaged over the keys."""
    given.bare("attn_mask")
    q, k, v = (given.of(name) for name in ("query", "key", "value"))
    share = given.record.named_shapes["query"][1] // given.record.named_shapes["key"][1]
    if share > 1:  # equal shares of the queries go with a key, in order
        k, v = (each.repeat_interleave(share, 1) if each.shape[1] > 1 else each for each in (k, v))
    if is_marked(_contracted(q, k.transpose(-1, -2))):
        raise Unkept
    return "signs in attention", [lifted(once(v, 2), 4)]


def _pooled(given: Marked) -> Found:
    marks = given.of("self", "input")
    spatial = next(n for n in (1, 2, 3) if f"{n}d" in given.record.target)
    return "signs in a pool", [once(marks, *range(marks.dim() - spatial, marks.dim()))]


def _padded(given: Marked) -> Found:
    """Zeros around an axis along which signs do not change."""
    marks = given.of("self")
    if given.record.arguments.get("value") != 0:
        raise Unkept
    return "signs moved", [once(marks, *range(marks.dim() - len(given.record.arguments["pad"]) // 2, marks.dim()))]


def _but(rule: Callable[..., Found], **how: bool) -> Rule:
    return lambda given: rule(given, **how)


AVERAGES = {name for name, kind in KINDS.items() if kind == "pool" and "max" not in name}
ODD = frozenset(("neg", "tanh", "sin", "erf", "tan", "atan", "sinh", "asinh", "sign")) | {
    "softshrink",
    "hardshrink",
}
RULES: dict[str, Rule] = {
    **dict.fromkeys(ODD, _odd),
    **dict.fromkeys(("abs", "square", "cos", "cosh"), _even),
    **dict.fromkeys(("hardtanh", "clamp"), _clipped),
    "reciprocal": _inverse,
    "pow": _power,
    **dict.fromkeys(("add", "sub", "rsub"), _sum),
    **dict.fromkeys(("mul", "div", "true_divide"), _product),
    **dict.fromkeys(("where", "masked_fill"), _chosen),
    **dict.fromkeys(("mm", "addmm", "bmm", "baddbmm"), _matrix),
    "linear": _linear,
    **dict.fromkeys(["convolution", "_convolution", "convolution_overrideable"], _convolution),
    **{name: _batch_norm for name, kind in KINDS.items() if kind == "norm" and "batch_norm" in name},
    "native_layer_norm": _layer_norm,
    **dict.fromkeys(("_fused_rms_norm", "rms_norm"), _rms_norm),
    "native_group_norm": _group_norm,
    **dict.fromkeys(("sum", "mean"), _reduced),
    **dict.fromkeys(("var", "std"), _but(_reduced, even=True)),
    **dict.fromkeys(("linalg_vector_norm", "norm"), _but(_reduced, even=True, together=False)),
    "cumsum": _along,
    "glu": _gate,
    "embedding": _embedding,
    "_scaled_dot_product_flash_attention_for_cpu": _attention,
    **dict.fromkeys(AVERAGES, _pooled),
    "constant_pad_nd": _padded,
}
