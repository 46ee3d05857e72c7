"""For each operation: which axes of its operands it lines up, and what axes its results have; see `axes`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from symbreak.torch.axes import Axis, Lined, Shape
from symbreak.torch.operations import kind_of, plain
from symbreak.torch.trace import Record


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


UNIFORM = _names("zeros ones full zeros_like ones_like full_like new_zeros new_ones new_full scalar_tensor")
UNARY = _names(
    "neg exp log sqrt rsqrt abs sign reciprocal square clone contiguous _to_copy detach alias log1p expm1 erf sin cos "
    "clamp clamp_min clamp_max nan_to_num lift_fresh logical_not bitwise_not isnan fill"
)
BINARY = _names(
    "add sub rsub mul div true_divide maximum minimum where masked_fill lerp addcmul pow eq ne lt le gt ge fmod"
)
REDUCTIONS = _names("mean sum amax amin max min var std logsumexp linalg_vector_norm norm any all")

Found = list[Shape] | None


def _same(seen: Lined, record: Record) -> Found:
    """One tensor in, one of its shape out."""
    axes = seen.axes(record.arguments.get("self", record.arguments.get("input")))
    return [axes] if axes is not None and len(axes) == len(record.shape) else None


def _gate(seen: Lined, record: Record) -> Found:
    """Two halves of an axis, one times a function of the other."""
    axes, whole = seen.axes(record.arguments.get("self")), record.named_shapes.get("self", ())
    if axes is None:
        return None
    dim = int(record.arguments.get("dim", -1)) % len(whole)
    halves, units = seen.factors.regroup((axes[dim],), (2, record.shape[dim]))
    seen.factors.fix(halves)
    return [(*axes[:dim], units, *axes[dim + 1 :])]


def _elementwise(seen: Lined, record: Record) -> Found:
    """Line up the last axes of all operands; a constant without a name is fixed."""
    found: list[Axis] = [()] * len(record.shape)
    for name, shape in record.named_shapes.items():
        axes = seen.axes(record.arguments.get(name)) or seen.fresh(shape, fixed=True)
        for back in range(1, len(shape) + 1):
            if shape[-back] == 1 or record.shape[-back] != shape[-back]:
                continue
            if found[-back]:
                seen.factors.equate(found[-back], axes[-back])
            found[-back] = axes[-back]
    return [tuple(found)]


def _product(seen: Lined, record: Record) -> Found:
    name = plain(record.target)
    left, right, bias = {
        "mm": ("self", "mat2", ""),
        "bmm": ("self", "mat2", ""),
        "addmm": ("mat1", "mat2", "self"),
        "baddbmm": ("batch1", "batch2", "self"),
    }[name]
    a, b = seen.axes(record.arguments[left]), seen.axes(record.arguments[right])
    if a is None or b is None:
        return None
    seen.factors.equate(a[-1], b[-2])
    for x, y in zip(a[:-2], b[:-2], strict=True):
        seen.factors.equate(x, y)
    added = seen.axes(record.arguments.get(bias)) if bias else None
    out = (*a[:-1], b[-1])
    for back in range(1, len(added or ()) + 1):
        if added and added[-back]:
            seen.factors.equate(out[-back], added[-back])
    return [out]


def _convolution(seen: Lined, record: Record) -> Found:
    """Channels are (groups, inside): groups keep together with the filters that read them."""
    given = record.arguments
    x, w = seen.axes(given["input"]), seen.axes(given["weight"])
    if x is None or w is None:
        return None
    seen.fix((*x[2:], *w[2:]))
    groups, factors = int(given.get("groups") or 1), seen.factors
    channels, rows = record.named_shapes["input"][1], record.named_shapes["weight"][0]
    read, inside = factors.regroup((x[1],), (groups, channels // groups))
    owner, own = factors.regroup((w[0],), (groups, rows // groups))
    factors.equate(read, owner)
    factors.equate(inside, own if given.get("transposed") else w[1])
    out = (*owner, *(w[1] if given.get("transposed") else own))
    bias = seen.axes(given.get("bias"))
    if bias:
        factors.equate(out, bias[0])
    return [(x[0], out, *seen.fresh(record.shape[2:], fixed=True))]


def _norm(seen: Lined, record: Record) -> Found:
    given = record.arguments
    x = seen.axes(given["input"])
    if x is None:
        return None
    name = plain(record.target)
    normal = name in ("native_layer_norm", "_fused_rms_norm", "rms_norm")
    lined = x[-len(given["normalized_shape"]) :] if normal else x[1:2]
    if name == "native_group_norm":
        parts = seen.factors.regroup((x[1],), (int(given["group"]), record.shape[1] // int(given["group"])))
        lined = (tuple(factor for part in parts for factor in part),)
    for key in ("weight", "bias", "running_mean", "running_var"):
        axes = seen.axes(given.get(key))
        for mine, other in zip(lined, axes or (), strict=False):
            seen.factors.equate(mine, other)
    return [x]


def _moved(seen: Lined, record: Record) -> Found:
    axes = seen.axes(record.arguments.get("self"))
    if axes is None:
        return None
    name, given, rank = plain(record.target), record.arguments, len(axes)
    if name == "t":
        return [axes[::-1]]
    if name == "transpose":
        order = list(range(rank))
        a, b = int(given["dim0"]) % rank, int(given["dim1"]) % rank
        order[a], order[b] = order[b], order[a]
        return [tuple(axes[i] for i in order)]
    if name == "permute":
        return [tuple(axes[int(i) % rank] for i in given["dims"])]
    if name == "expand":
        grown = (((),) * (len(record.shape) - rank)) + axes
        return [tuple(a or seen.factors.new(n) for a, n in zip(grown, record.shape, strict=True))]
    return [seen.factors.regroup(axes, record.shape)]


def _chunks(seen: Lined, record: Record) -> Found:
    """Equal pieces: the axis is (pieces, units), and the pieces keep their places."""
    axes = seen.axes(record.arguments.get("self"))
    whole = record.named_shapes.get("self", ())
    if axes is None:
        return None
    dim = int(record.arguments.get("dim", 0)) % len(whole)
    sizes = {shape[dim] for shape in record.shapes}
    if len(sizes) != 1 or sizes.pop() * len(record.shapes) != whole[dim]:
        return None
    pieces, units = seen.factors.regroup((axes[dim],), (len(record.shapes), whole[dim] // len(record.shapes)))
    seen.factors.fix(pieces)
    return [(*axes[:dim], units, *axes[dim + 1 :])] * len(record.shapes)


def _picked(seen: Lined, record: Record) -> Found:
    """One index along an axis: that axis keeps its places, the others are as they were."""
    axes = seen.axes(record.arguments.get("self"))
    if axes is None:
        return None
    dim = int(record.arguments.get("dim", 0)) % len(axes)
    seen.factors.fix(axes[dim])
    rest = (*axes[:dim], *axes[dim + 1 :])
    return [rest] * len(record.shapes)


def _sliced(seen: Lined, record: Record) -> Found:
    axes, whole = seen.axes(record.arguments.get("self")), record.named_shapes.get("self", ())
    if axes is None:
        return None
    dim = int(record.arguments.get("dim", 0)) % len(whole)
    size = record.shape[dim]
    if size == whole[dim]:
        return [axes]
    start = int(record.arguments.get("start") or 0) % whole[dim]
    steady = int(record.arguments.get("step") or 1) == 1
    if size and steady and whole[dim] % size == 0 and start % size == 0:
        pieces, units = seen.factors.regroup((axes[dim],), (whole[dim] // size, size))
        seen.factors.fix(pieces)
        return [(*axes[:dim], units, *axes[dim + 1 :])]
    seen.factors.fix(axes[dim])
    return [(*axes[:dim], seen.factors.new(size, fixed=True) if size else (), *axes[dim + 1 :])]


def _reduced(seen: Lined, record: Record) -> Found:
    """A reduction does not care for the order of what it reduces."""
    axes, whole = seen.axes(record.arguments.get("self")), record.named_shapes.get("self", ())
    if axes is None or len(record.shapes) > 1:
        return None
    dims = record.arguments.get("dim")
    listed = [dims] if isinstance(dims, int) else list(dims or range(len(whole)))
    gone = {int(dim) % max(1, len(whole)) for dim in listed}
    kept = [() if place in gone else axis for place, axis in enumerate(axes)]
    if len(record.shape) < len(kept):
        kept = [axis for place, axis in enumerate(axes) if place not in gone]
    return [tuple(kept)] if len(kept) == len(record.shape) else None


def _joined(seen: Lined, record: Record) -> Found:
    """Tensors one after the other along an axis, which keeps its places; the other axes line up."""
    items = zip(record.arguments["tensors"], record.operand_shapes, strict=True)
    parts = [seen.axes(item) for item, shape in items if math.prod(shape)]
    if any(part is None or len(part) != len(record.shape) for part in parts):
        return None
    dim = int(record.arguments.get("dim", 0)) % len(record.shape)
    whole = [part for part in parts if part is not None]
    for part in whole:
        seen.factors.fix(part[dim])
        for place, axis in enumerate(part):
            if place != dim:
                seen.factors.equate(axis, whole[0][place])
    joined = seen.factors.new(record.shape[dim], fixed=True)
    return [(*whole[0][:dim], joined, *whole[0][dim + 1 :])]


def _stacked(seen: Lined, record: Record) -> Found:
    """Tensors side by side along a new axis, which keeps its places."""
    parts = [seen.axes(item) for item in record.arguments["tensors"]]
    whole = [part for part in parts if part is not None]
    if len(whole) < len(parts):
        return None
    for part in whole[1:]:
        for one, other in zip(whole[0], part, strict=True):
            seen.factors.equate(one, other)
    dim = int(record.arguments.get("dim", 0)) % len(record.shape)
    return [(*whole[0][:dim], seen.factors.new(len(parts), fixed=True), *whole[0][dim:])]


def _repeated(seen: Lined, record: Record) -> Found:
    """Copies one after the other along an axis, which is then (copies, units)."""
    axes, whole = seen.axes(record.arguments.get("self")), record.named_shapes.get("self", ())
    if axes is None:
        return None
    grown = (*((),) * (len(record.shape) - len(axes)), *axes)
    sizes = (*(1,) * (len(record.shape) - len(axes)), *whole)
    counts = [length // size if size else 1 for length, size in zip(record.shape, sizes, strict=True)]
    return [tuple((*seen.factors.new(n), *axis) for n, axis in zip(counts, grown, strict=True))]


def _embedding(seen: Lined, record: Record) -> Found:
    table, index = seen.axes(record.arguments["weight"]), seen.axes(record.arguments["indices"])
    if table is None:
        return None
    seen.factors.fix(table[0])
    seen.fix(index or ())
    return [(*(index or seen.fresh(record.shape[:-1], fixed=True)), table[1])]


def _attention(seen: Lined, record: Record) -> Found:
    q, k, v = (seen.axes(record.arguments[name]) for name in ("query", "key", "value"))
    if q is None or k is None or v is None or float(record.arguments.get("dropout_p") or 0) > 0:
        return None
    for place in (0, 1):
        seen.factors.equate(q[place], k[place])
        seen.factors.equate(k[place], v[place])
    mask = seen.axes(record.arguments.get("attn_mask"))
    if mask is None:
        mask = seen.fresh(record.named_shapes.get("attn_mask", ()), fixed=True)
    for place, axis in enumerate(mask, 4 - len(mask)):
        if axis:  # addends to the scores: of each head its own, or alike for all
            seen.factors.equate(axis, (q[0], q[1], q[2], k[2])[place])
    seen.factors.equate(q[3], k[3])
    seen.factors.equate(k[2], v[2])
    seen.fix((q[2], k[2]))
    return [(q[0], q[1], q[2], v[3])]


def _pooled(seen: Lined, record: Record) -> Found:
    x = seen.axes(record.arguments.get("self", record.arguments.get("input")))
    if x is None or len(x) < 3:
        return None
    seen.fix(x[2:])
    return [(*x[:2], *seen.fresh(record.shape[2:], fixed=True))]


RULES: Mapping[str, Callable[[Lined, Record], Found]] = {
    **dict.fromkeys(UNARY | BINARY, _elementwise),
    **dict.fromkeys(("_softmax", "_log_softmax", "_safe_softmax"), _same),
    "cat": _joined,
    "stack": _stacked,
    **dict.fromkeys(REDUCTIONS, _reduced),
    **dict.fromkeys(("mm", "addmm", "bmm", "baddbmm"), _product),
    "convolution": _convolution,
    **dict.fromkeys(("t", "transpose", "permute", "expand"), _moved),
    **dict.fromkeys(("view", "_unsafe_view", "reshape", "unsqueeze", "squeeze"), _moved),
    **dict.fromkeys(("split", "split_with_sizes", "unsafe_split", "chunk"), _chunks),
    **dict.fromkeys(("select", "unbind"), _picked),
    "slice": _sliced,
    "repeat": _repeated,
    "embedding": _embedding,
    "glu": _gate,
    "_scaled_dot_product_flash_attention_for_cpu": _attention,
}
_BY_KIND: Mapping[str, Callable[[Lined, Record], Found]] = {
    "activation": _elementwise,
    "norm": _norm,
    "pool": _pooled,
}


def rule_of(name: str) -> Callable[[Lined, Record], Found] | None:
    """Return the rule of an operation, by its name or by its kind."""
    return RULES.get(name) or _BY_KIND.get(kind_of(name))
