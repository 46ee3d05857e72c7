"""For each operation: what of its operands may change places, and what of its results then does; see `turning`.

Every rule also says in a word what the operation does to the units; `diagnosis.passages` has the condition that goes
with the word.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from symbreak.torch.operations import ACTIVATIONS, KINDS
from symbreak.torch.trace import Record
from symbreak.torch.turning import (
    ANY,
    Turn,
    Turns,
    Unkept,
    agreed,
    blocks,
    first_given,
    is_turned,
    joined,
    kept_or,
    lined_up,
    places,
    reshaped,
    within,
)  # fmt: skip

UNIFORM = frozenset(
    ("zeros", "ones", "full", "zeros_like", "ones_like", "full_like", "new_zeros", "new_ones", "new_full")
)


@dataclass(frozen=True, eq=False)
class Operands:
    """An operation with the turned axes of its tensors: those with a name of their own, and those in lists."""

    record: Record
    named: Mapping[str, Turns]
    listed: Sequence[Turns]

    def of(self, *keys: str) -> Turns:
        """Return the first of these arguments that is a tensor.

        Raises:
            Unkept: none is.
        """
        return first_given(self.named, keys)

    def sizes(self, *keys: str) -> tuple[int, ...]:
        """Return the shape of that argument."""
        return next(self.record.named_shapes[key] for key in keys if key in self.record.named_shapes)

    def number(self, key: str, default: int = 0) -> int:
        """Return a whole number among the arguments."""
        value = self.record.arguments.get(key)
        return default if value is None else int(value)

    def axis(self, key: str, rank: int) -> int:
        """Return the number of an axis, counted from the front."""
        return self.number(key) % max(1, rank)


Found = tuple[str, list[Turns]]
Rule = Callable[[Operands], Found]


def _elementwise(given: Operands) -> Found:
    pairs = [(turns, given.record.named_shapes[key]) for key, turns in given.named.items()]
    turned = sum(is_turned(turns) for turns, _ in pairs)
    found = lined_up(pairs, given.record.shape)
    word = {"add": "sum", "sub": "sum", "rsub": "sum", "mul": "product", "div": "product", "true_divide": "product"}
    name = given.record.target.rstrip("_")
    return word.get(name, "entry") if turned > 1 or name not in word else "entry", [found]


def _activation(given: Operands) -> Found:
    return "activation", _elementwise(given)[1]


def _glu(given: Operands) -> Found:
    turns, sizes = given.of("self"), given.sizes("self")
    axis = given.axis("dim", len(sizes))
    half = sizes[axis] // 2
    value, gate = within(turns[axis], range(half)), within(turns[axis], range(half, 2 * half))
    return "gate", [(*turns[:axis], agreed((value, gate)), *turns[axis + 1 :])]


def _matrix(given: Operands) -> Found:
    """Rows of the left and columns of the right factor come out; what is summed over must be turned alike in both."""
    left, right, bias = {
        "mm": ("self", "mat2", ""), "bmm": ("self", "mat2", ""), "addmm": ("mat1", "mat2", "self"),
        "baddbmm": ("batch1", "batch2", "self"), "mv": ("self", "vec", ""), "dot": ("self", "tensor", ""),
        "addmv": ("mat", "vec", "self"),
    }[given.record.target.rstrip("_")]  # fmt: skip
    a, b = given.of(left), given.of(right)
    summed = agreed((a[-1], b[max(0, len(b) - 2)]))
    lead = tuple(agreed(pair) for pair in zip(a[:-2], b[:-2], strict=True)) if len(b) > 2 else ()
    out = (*lead, *a[len(lead) : -1], *(b[-1:] if len(b) > 1 else ()))
    if bias:
        out = lined_up([(out, given.record.shape), (given.of(bias), given.sizes(bias))], given.record.shape)
    return _sides("linear", is_turned((b[-1],)) or is_turned(a[len(lead) : -1]), is_turned((summed,)), lead), [out]


def _linear(given: Operands) -> Found:
    x, weight = given.of("input"), given.of("weight")
    summed = agreed((x[-1], weight[1]))
    out: Turns = (*x[:-1], weight[0])
    if "bias" in given.named:
        out = (*x[:-1], agreed((weight[0], given.of("bias")[0])))
    return _sides("linear", is_turned((weight[0],)), is_turned((summed,)), ()), [out]


def _sides(word: str, rows: bool, columns: bool, lead: Turns) -> str:
    if rows or columns:
        return f"{word} {'rows and columns' if rows and columns else 'rows' if rows else 'columns'}"
    return "block by block" if is_turned(lead) else f"{word} rows"


def _convolution(given: Operands) -> Found:
    x, w, size = given.of("input"), given.of("weight"), given.sizes("weight")
    if is_turned((*x[2:], *w[2:])):
        raise Unkept
    groups, transposed = given.number("groups", 1), bool(given.record.arguments.get("transposed"))
    channels = given.sizes("input")[1]
    if transposed:
        whole, _ = blocks(agreed((x[1], w[0])), channels, groups)
        out = kept_or((whole[:, None] * size[1] + places(w[1], size[1])).reshape(-1))
    else:
        whole, _ = blocks(w[0], size[0], groups)
        agreed((x[1], kept_or((whole[:, None] * size[1] + places(w[1], size[1])).reshape(-1))))
        out = w[0]
    if "bias" in given.named:
        out = agreed((out, given.of("bias")[0]))
    return _named_convolution(groups, size, transposed, out, x[1]), [(x[0], out, *(None for _ in size[2:]))]


def _named_convolution(groups: int, size: tuple[int, ...], transposed: bool, out: Turn, read: Turn) -> str:
    if groups > 1:
        return "depthwise conv" if size[1] == 1 and not transposed else "grouped conv"
    return (
        _sides("conv", is_turned((out,)), is_turned((read,)), ())
        .replace("rows", "filters")
        .replace("columns", "channels")
    )


def _norm(given: Operands) -> Found:
    x, name = given.of("input"), given.record.target
    if name in ("native_layer_norm", "_fused_rms_norm", "rms_norm"):
        start = len(x) - len(given.record.arguments["normalized_shape"])
        own = {place: x[place] for place in range(start, len(x))}
    else:
        if is_turned(x[2:]):
            raise Unkept
        start, own = 1, {1: x[1]}
    if name == "native_group_norm":
        blocks(x[1], given.sizes("input")[1], given.number("group", 1))
    for key in ("weight", "bias", "running_mean", "running_var"):
        for place, turn in enumerate(given.named.get(key, ())):
            own[start + place] = agreed((own[start + place], turn))
    words = {"native_layer_norm": "layer norm", "native_group_norm": "group norm"}
    return words.get(name, "rms norm" if "rms" in name else "batch norm"), [
        tuple(own.get(place, turn) for place, turn in enumerate(x))
    ]


def _moved(given: Operands) -> Found:
    turns, name, before, after = given.of("self"), given.record.target, given.sizes("self"), given.record.shape
    rank = len(before)
    if name == "t":
        return "reshape", [turns[::-1]]
    if name == "transpose":
        order = list(range(rank))
        a, b = given.axis("dim0", rank), given.axis("dim1", rank)
        order[a], order[b] = order[b], order[a]
        return "reshape", [tuple(turns[i] for i in order)]
    if name == "permute":
        return "reshape", [tuple(turns[int(i) % rank] for i in given.record.arguments["dims"])]
    if name == "expand":
        grown = (1,) * (len(after) - rank) + before
        wide = ((None,) * (len(after) - rank)) + turns
        found = [ANY if a == 1 != b else turn for turn, a, b in zip(wide, grown, after, strict=True)]
        return "reshape", [tuple(found)]
    return "reshape", [reshaped(turns, before, after)]


def _pieces(given: Operands) -> Found:
    """Split, select, unbind or slice: no exchange may lead out of a piece."""
    turns, sizes, name = given.of("self"), given.sizes("self"), given.record.target
    axis = given.axis("dim", len(sizes))
    if name in ("select", "unbind"):
        picked = range(sizes[axis]) if name == "unbind" else [given.number("index") % sizes[axis]]
        for place in picked:
            within(turns[axis], [place])
        return "piece", [(*turns[:axis], *turns[axis + 1 :])] * len(given.record.shapes)
    lengths = [shape[axis] for shape in given.record.shapes]
    start, step = 0, given.number("step", 1) if name == "slice" else 1
    if name == "slice":
        start = range(sizes[axis])[given.number("start") :].start if lengths[0] else 0
    found: list[Turns] = []
    for length in lengths:
        inside = within(turns[axis], range(start, start + length * step, step))
        found.append((*turns[:axis], inside, *turns[axis + 1 :]))
        start += length
    return "piece", found


def _joined(given: Operands) -> Found:
    """Put tensors one after the other, or side by side."""
    pairs = zip(given.listed, given.record.operand_shapes, strict=True)
    parts = [(turns or (None,) * len(sizes), sizes) for turns, sizes in pairs]  # constants have no name and no turns
    stacked = given.record.target == "stack"
    if not stacked:
        parts = [(turns, sizes) for turns, sizes in parts if math.prod(sizes)]
    axis = given.axis("dim", len(given.record.shape))
    rest = [agreed(turns[place] for turns, _ in parts) for place in range(len(parts[0][1])) if stacked or place != axis]
    own = None if stacked else joined([t[axis] for t, _ in parts], [s[axis] for _, s in parts])
    return "concatenation", [(*rest[:axis], own, *rest[axis:])]


def _reduced(given: Operands) -> Found:
    turns, rank = given.of("self", "input"), len(given.sizes("self", "input"))
    dims = given.record.arguments.get("dim")
    listed = [dims] if isinstance(dims, int) else list(dims or range(rank))
    gone = {int(dim) % max(1, rank) for dim in listed}
    if len(given.record.shapes) > 1 or "other" in given.named:
        raise Unkept
    kept = len(given.record.shape) == rank
    found = [None if place in gone else turn for place, turn in enumerate(turns) if kept or place not in gone]
    return "reduction" if is_turned(turns[place] for place in gone) else "unit by unit", [tuple(found)]


def _along(given: Operands) -> Found:
    """Operations along one axis that see the order of it, and treat all others one by one."""
    turns = given.of("self", "input")
    if is_turned((turns[given.axis("dim", len(turns))],)):
        raise Unkept
    return "unit by unit", [turns]


def _softmax(given: Operands) -> Found:
    turns = given.of("self")
    return "softmax" if is_turned((turns[given.axis("dim", len(turns))],)) else "unit by unit", [turns]


def _embedding(given: Operands) -> Found:
    table, index = given.of("weight"), given.of("indices")
    if is_turned((table[0], *index)):
        raise Unkept
    return "embedding columns", [(*(None for _ in index), table[1])]


def _attention(given: Operands) -> Found:
    q, k, v = (given.of(name) for name in ("query", "key", "value"))
    if float(given.record.arguments.get("dropout_p") or 0) > 0 or is_turned((q[2], k[2], v[2])):
        raise Unkept
    agreed((q[3], k[3]))
    shared = agreed((k[1], v[1]))
    heads, groups = given.sizes("query")[1], given.sizes("key")[1]
    if heads != groups and not isinstance(q[1], str):  # equal shares of the queries go with a key, in order
        agreed((kept_or(blocks(q[1], heads, groups)[0]), shared))
        shared = q[1]
    out = (agreed((q[0], k[0], v[0])), agreed((q[1], shared)), None, v[3])
    if "attn_mask" in given.named:
        mask, sizes = given.of("attn_mask"), given.sizes("attn_mask")
        scores = (*given.sizes("query")[:3], given.sizes("key")[2])
        lined_up([((*out[:2], None, None), scores), (mask, sizes)], scores)
    return "attention heads" if is_turned(out[:2]) else "attention channels", [out]


def _pooled(given: Operands) -> Found:
    x = given.of("self", "input")
    spatial = next(n for n in (1, 2, 3) if f"{n}d" in given.record.target)
    if is_turned(x[-spatial:]):
        raise Unkept
    return "pool", [(*x[:-spatial], *(None for _ in range(spatial)))]


def _padded(given: Operands) -> Found:
    """Entries put around an axis keep their places; those inside move on by as many."""
    turns, sizes = given.of("self"), given.sizes("self")
    pads = [int(n) for n in given.record.arguments["pad"]]
    found = list(turns)
    for back in range(len(pads) // 2):
        low, high = pads[2 * back : 2 * back + 2]
        axis = len(sizes) - 1 - back
        if is_turned((turns[axis],)):
            if low < 0 or high < 0:
                raise Unkept
            found[axis] = joined((None, turns[axis], None), (low, sizes[axis], high))
        elif isinstance(turns[axis], str) and (low or high):
            found[axis] = None
    return "piece", [tuple(found)]


def _repeated(given: Operands) -> Found:
    turns, sizes = given.of("self"), given.sizes("self")
    times = [int(n) for n in given.record.arguments["repeats"]]
    lead = len(times) - len(sizes)
    found: list[Turn] = [ANY] * lead
    for turn, size, count in zip(turns, sizes, times[lead:], strict=True):
        found.append(ANY if size == 1 or isinstance(turn, str) else joined([turn] * count, [size] * count))
    return "concatenation", [tuple(found)]


def _names(text: str) -> list[str]:
    return text.split()


RULES: dict[str, Rule] = {
    **dict.fromkeys(
        _names(
            "neg exp log sqrt rsqrt abs sign reciprocal square clone contiguous _to_copy detach alias log1p expm1 erf "
            "sin cos clamp clamp_min clamp_max nan_to_num lift_fresh logical_not bitwise_not isnan fill add sub rsub "
            "mul div true_divide maximum minimum where masked_fill lerp addcmul addcdiv pow eq ne lt le gt ge fmod "
            "logical_and logical_or"
        ),
        _elementwise,
    ),
    **dict.fromkeys(ACTIVATIONS.keys() - {"rrelu_with_noise"}, _activation),
    "glu": _glu,
    **dict.fromkeys(_names("mm bmm addmm baddbmm mv dot addmv"), _matrix),
    "linear": _linear,
    **dict.fromkeys(_names("convolution _convolution convolution_overrideable"), _convolution),
    **{name: _norm for name, kind in KINDS.items() if kind == "norm"},
    **dict.fromkeys(_names("t transpose permute expand view _unsafe_view reshape unsqueeze squeeze"), _moved),
    **dict.fromkeys(_names("split split_with_sizes unsafe_split chunk select unbind slice"), _pieces),
    **dict.fromkeys(_names("cat stack"), _joined),
    **dict.fromkeys(_names("mean sum amax amin max min var std logsumexp linalg_vector_norm norm any all"), _reduced),
    **dict.fromkeys(_names("cumsum cumprod"), _along),
    **dict.fromkeys(_names("_softmax _log_softmax _safe_softmax"), _softmax),
    "embedding": _embedding,
    "_scaled_dot_product_flash_attention_for_cpu": _attention,
    **{name: _pooled for name, kind in KINDS.items() if kind == "pool"},
    "constant_pad_nd": _padded,
    "repeat": _repeated,
}
