"""For each operation: when its result is zero because an operand is, and past which operands no gradient comes then.

A rule is told which arguments are zero, whatever the inputs and the other parameters are, and looks at no number that
was computed. An operation without a rule gives something that may not be zero, and lets every gradient pass.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from symbreak.errors import SymbreakError
from symbreak.numerics import activations
from symbreak.torch.operations import ACTIVATIONS, KINDS, activation_name, plain
from symbreak.torch.trace import Leaf, Record, Ref


@dataclass(frozen=True, eq=False)
class Given:
    """An operation, and which of its arguments are zero."""

    record: Record
    zeros: Collection[Leaf | Ref]

    def is_zero(self, *keys: str) -> bool:
        """Whether one of these arguments is zero: a tensor, or the number 0."""
        return any(self._is(self.record.arguments.get(key)) for key in keys)

    def are_zero(self, *keys: str) -> bool:
        """Whether all of these arguments are zero or left out."""
        given = [self.record.arguments.get(key) for key in keys]
        return all(
            self._is(item)
            for key, item in zip(keys, given, strict=True)
            if item is not None or key in self.record.named_shapes
        )

    def listed(self, key: str) -> bool:
        """Whether all tensors of a list are zero."""
        return all(self._is(item) for item in self.record.arguments[key])

    def _is(self, item: Any) -> bool:
        if isinstance(item, (Leaf, Ref)):
            return item in self.zeros
        return isinstance(item, (int, float)) and not isinstance(item, bool) and item == 0


Zero = Callable[[Given], bool]
Cut = Callable[[Given], Sequence[str]]


def is_zero(given: Given) -> bool:
    """Whether the first result is zero; of operations that only move entries, whether all are."""
    if not math.prod(given.record.shape):
        return True  # no entry is not zero
    rule = _ZERO.get(plain(given.record.target))
    return rule is not None and rule(given)


def cut(given: Given) -> Sequence[str]:
    """Return the arguments past which no gradient comes: the derivative by them is zero."""
    rule = _CUT.get(plain(given.record.target))
    return rule(given) if rule is not None else ()


def _first(given: Given) -> bool:
    return given.is_zero("self", "input")


def _table(given: Given) -> bool:
    return given.is_zero("weight")


def _both(given: Given) -> bool:
    return given.is_zero("self") and given.is_zero("other")


def _activation(given: Given) -> bool:
    return given.is_zero("self", "input") and _is_zero_at_zero(given.record)


def _is_zero_at_zero(record: Record) -> bool:
    if plain(record.target) == "hardtanh":
        least, most = _ends(record)
        return least <= 0 <= most
    name = activation_name(record.target, record.arguments)
    if name in _ZERO_AT_ZERO:
        return True
    try:
        return activations.get(name).value_at_zero == 0
    except SymbreakError:
        return False


def _ends(record: Record) -> tuple[float, float]:
    """Return where a hardtanh is clipped."""
    return float(record.arguments["min_val"]), float(record.arguments["max_val"])


def _flat(given: Given) -> Sequence[str]:
    """As PyTorch computes them: threshold and hardtanh hand on nothing at their ends."""
    record = given.record
    if plain(record.target) == "hardtanh":
        least, most = _ends(record)
        flat = not least < 0 < most
    else:
        flat = activation_name(record.target, record.arguments) == "relu"
    return [key for key in ("self", "input") if flat and given.is_zero(key)]


_ZERO_AT_ZERO = frozenset(("hardswish", "prelu", "sin", "erf", "glu"))
_FACTORS: Mapping[str, tuple[str, str, str]] = {
    "mm": ("self", "mat2", ""),
    "bmm": ("self", "mat2", ""),
    "addmm": ("mat1", "mat2", "self"),
    "baddbmm": ("batch1", "batch2", "self"),
    "mv": ("self", "vec", ""),
    "dot": ("self", "tensor", ""),
    "addmv": ("mat", "vec", "self"),
    "linear": ("input", "weight", "bias"),
    "convolution": ("input", "weight", "bias"),
    "mul": ("self", "other", ""),
}


def _bilinear(given: Given) -> bool:
    left, right, added = _FACTORS[plain(given.record.target)]
    return given.is_zero(left, right) and (not added or given.are_zero(added))


def _other_factor(given: Given) -> Sequence[str]:
    left, right, _ = _FACTORS[plain(given.record.target)]
    return [one for one, other in ((left, right), (right, left)) if given.is_zero(other)]


def _norm(given: Given) -> bool:
    """Zero in, zero out but for the shift, as the mean of zeros is zero; or all is scaled by zero."""
    return (_is_normalized_zero(given) or given.is_zero("weight")) and given.are_zero("bias")


def _is_normalized_zero(given: Given) -> bool:
    """Whether what is normalized is zero; a batch norm with kept statistics takes another mean away."""
    batched = "running_mean" in given.record.named_shapes
    return given.is_zero("input") and (not batched or bool(given.record.arguments.get("training")))


def _scale_or_scaled(given: Given) -> Sequence[str]:
    scaled = ["input"] if given.is_zero("weight") else []
    return [*scaled, "weight"] if _is_normalized_zero(given) else scaled


def _attention(given: Given) -> bool:
    return given.is_zero("value")


def _queries_and_keys(given: Given) -> Sequence[str]:
    if given.is_zero("value"):
        return ["query", "key"]
    return [one for one, other in (("query", "key"), ("key", "query")) if given.is_zero(other)]


def _divisor(given: Given) -> Sequence[str]:
    return ["other"] if given.is_zero("self") else []


_MOVED = (
    "view _unsafe_view reshape t transpose permute unsqueeze squeeze expand select slice split split_with_sizes unbind "
    "unsafe_split chunk clone detach alias _to_copy contiguous flip index index_select gather narrow roll unfold "
    "im2col _reshape_alias lift_fresh repeat tril triu"
)
MOVING = frozenset(_MOVED.split())
"""Operations that only move entries: all of their results are zero with their argument."""

_ZERO: Mapping[str, Zero] = {
    **dict.fromkeys(MOVING, _first),
    **dict.fromkeys(("neg", "abs", "square", "sum", "mean", "amax", "amin"), _first),
    "embedding": _table,
    **{name: _first for name, kind in KINDS.items() if kind == "pool"},
    **dict.fromkeys(("zeros", "zeros_like", "new_zeros"), lambda given: True),
    **dict.fromkeys(("add", "sub", "rsub", "where"), _both),
    **dict.fromkeys(("div", "true_divide"), _first),
    **dict.fromkeys(("cat", "stack"), lambda given: given.listed("tensors")),
    **dict.fromkeys(ACTIVATIONS, _activation),
    **dict.fromkeys(_FACTORS, _bilinear),
    **{name: _norm for name, kind in KINDS.items() if kind == "norm"},
    "_scaled_dot_product_flash_attention_for_cpu": _attention,
}
_CUT: Mapping[str, Cut] = {
    **dict.fromkeys(_FACTORS, _other_factor),
    **dict.fromkeys(("div", "true_divide"), _divisor),
    **dict.fromkeys(("relu", "threshold", "hardtanh"), _flat),
    **{name: _scale_or_scaled for name, kind in KINDS.items() if kind == "norm"},
    "_scaled_dot_product_flash_attention_for_cpu": _queries_and_keys,
}
