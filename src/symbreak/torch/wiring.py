"""From a trace to the operations that rules read: which weight is used how, with its true fans."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from symbreak.diagnosis.observation import Kind, Operation, Signal, Weight
from symbreak.torch.operations import NORMS, activation_name, kind_of, plain
from symbreak.torch.trace import Leaf, Record, Ref, Trace
from symbreak.torch.views import COPIES, VIEWS, moved

MATRIX_OPERANDS = {
    "mm": ("self", "mat2", None),
    "bmm": ("self", "mat2", None),
    "addmm": ("mat1", "mat2", "self"),
    "baddbmm": ("batch1", "batch2", "self"),
    "linear": ("input", "weight", "bias"),
    "mv": ("self", "vec", None),
    "addmv": ("mat", "vec", "self"),
}
LOOKUPS = frozenset(("index", "index_select"))
SIZES = frozenset(("sqrt", "norm", "linalg_vector_norm", "std"))
FACTS = ("eps", "num_groups", "group", "normalized_shape", "training", "padding_idx", "scale")
RECURRENT_GATES = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1, "mkldnn_rnn_layer": 4}


class Wiring:
    """Reads a trace; parameters that were reshaped, sliced or transposed on the way are followed to their names."""

    def __init__(self, trace: Trace) -> None:
        self._records = trace.records

    def operations(self, signals: Mapping[int, Signal], axes: Mapping[int, int]) -> tuple[Operation, ...]:
        """Return the operations that depend on the data, renumbered in order."""
        kept = [r for r in self._records if r.data or kind_of(r.target) == "embedding"]
        numbers = {record.index: place for place, record in enumerate(kept)}
        return tuple(self._operation(r, numbers, signals, axes) for r in kept)

    def numbers(self) -> dict[int, int]:
        """Map indices of records to those of operations."""
        kept = [r for r in self._records if r.data or kind_of(r.target) == "embedding"]
        return {record.index: place for place, record in enumerate(kept)}

    def _operation(
        self,
        record: Record,
        numbers: Mapping[int, int],
        signals: Mapping[int, Signal],
        axes: Mapping[int, int],
    ) -> Operation:
        weight, bias = self._use(record)
        kind = self._kind(record, weight)
        return Operation(
            index=numbers[record.index],
            kind=kind,
            name=self._name(record, kind),
            module=record.module,
            inputs=tuple(numbers[ref.record] for ref in record.refs if ref.record in numbers),
            parameters=self._parameters(record),
            shape=record.shape,
            weight=weight,
            bias=bias,
            unit_axis=axes.get(record.index),
            attributes=self._attributes(record, kind),
            signal=signals.get(record.index),
        )

    def _kind(self, record: Record, weight: Weight | None) -> Kind:
        kind = kind_of(record.target)
        if kind in ("linear", "matmul"):
            return "linear" if weight is not None else "matmul"
        if kind == "multiply" and self._is_division_by_norm(record):
            return "norm"
        if plain(record.target) in LOOKUPS and self._looked_up(record) is not None:
            return "embedding"
        if kind == "multiply" and any(self._is_noise(ref) for ref in record.refs):
            return "noise"
        return kind

    def _is_noise(self, ref: Ref) -> bool:
        """Whether an operand is a dropout mask, perhaps rescaled."""
        record = self._records[ref.record]
        while not record.data and record.refs and kind_of(record.target) != "noise":
            record = self._records[record.refs[0].record]
        return not record.data and kind_of(record.target) == "noise"

    def _is_division_by_norm(self, record: Record) -> bool:
        """Whether something is divided by the size of data: by its root mean square, norm or standard deviation."""
        if plain(record.target) == "div":
            return len(record.refs) > 1 and self._is_size(record.refs[1])
        return any(self._is_inverse_size(ref) for ref in record.refs)

    def _is_inverse_size(self, ref: Ref) -> bool:
        record = self._records[self._through(ref).record]
        name = plain(record.target)
        if name == "mul" and len(record.refs) == 1:  # a number over the size
            return self._is_inverse_size(record.refs[0])
        if name == "reciprocal":
            return self._is_size(record.refs[0])
        return record.data and (name == "rsqrt" or (name == "pow" and record.arguments.get("exponent") == -0.5))

    def _is_size(self, ref: Ref) -> bool:
        record = self._records[self._through(ref).record]
        name = plain(record.target)
        while record.refs and name in ("add", "clamp_min", "clamp", "maximum"):  # the eps that keeps it from zero
            record = self._records[self._through(record.refs[0]).record]
            name = plain(record.target)
        return record.data and (name in SIZES or (name == "pow" and record.arguments.get("exponent") == 0.5))

    def _looked_up(self, record: Record) -> str | None:
        """Return the parameter whose rows an operation looks up by data."""
        names = self.sources(record.arguments.get("self"))
        return names[0] if names and len(record.named_shapes.get("self", ())) == 2 else None

    def _name(self, record: Record, kind: Kind) -> str:
        if kind == "activation":
            return activation_name(record.target, record.arguments)
        if kind == "norm":
            return NORMS.get(plain(record.target), "rms" if kind_of(record.target) == "multiply" else "batch")
        return plain(record.target)

    def _attributes(self, record: Record, kind: Kind) -> dict[str, Any]:
        facts: dict[str, Any] = {"operands": record.operand_shapes}
        if kind in ("add", "multiply", "norm", "other", "activation") and len(record.operand_shapes) < 2:
            facts["scalar"] = True
        if kind == "linear" and not self._is_plain_product(record):
            facts["computed"] = True
        if not record.floating:
            facts["integer"] = True
        if len(record.shapes) > 1:
            facts["outputs"] = len(record.shapes)
        for key in FACTS if kind != "matmul" else ("alpha",):
            value = record.arguments.get(key)
            if isinstance(value, (bool, int, float)):
                facts[key] = value
        return facts

    def _is_plain_product(self, record: Record) -> bool:
        """Whether weight and bias are parameters, or views or copies of them, and the product is not rescaled."""
        scales = (record.arguments.get("alpha"), record.arguments.get("beta"))
        fixed = [item for item in record.arguments.values() if isinstance(item, (Leaf, Ref)) and self.sources(item)]
        return all(scale in (None, 1) for scale in scales) and all(self._is_view_of_one(item) for item in fixed)

    def _is_view_of_one(self, item: Any) -> bool:
        while isinstance(item, Ref):
            record = self._records[item.record]
            if plain(record.target) not in VIEWS | COPIES:
                return False
            item = record.arguments.get("self")
        return isinstance(item, Leaf)

    def _parameters(self, record: Record) -> tuple[str, ...]:
        names = list(record.leaves)
        for ref in record.refs:
            if not self._records[ref.record].data:
                names += self.sources(ref)
        return tuple(dict.fromkeys(names))

    def sources(self, item: Ref | Leaf | None) -> tuple[str, ...]:
        """Return the parameters that an operand which does not depend on the data is made of."""
        if isinstance(item, Leaf):
            return (item.name,)
        if item is None or self._records[item.record].data:
            return ()
        record = self._records[item.record]
        found = list(record.leaves)
        for ref in record.refs:
            found += self.sources(ref)
        return tuple(dict.fromkeys(found))

    def view(self, item: Any) -> tuple[str, tuple[int | None, ...]] | None:
        """Return the parameter that an operand is a view of, and which of its axes each axis of the operand is.

        An axis that a reshape made or split is None.
        """
        if isinstance(item, Leaf):
            return item.name, ()
        if not isinstance(item, Ref):
            return None
        record = self._records[item.record]
        if record.data or not self.sources(item):
            return None
        operand = next((v for v in record.arguments.values() if isinstance(v, (Leaf, Ref)) and self.sources(v)), None)
        before = self.view(operand)
        if before is None:
            return None
        axes = before[1] or tuple(range(len(record.operand_shapes[0])))
        return before[0], moved(record, axes)

    def _use(self, record: Record) -> tuple[Weight | None, str | None]:
        kind = kind_of(record.target)
        if kind in ("linear", "matmul"):
            return self._matrix_use(record) if plain(record.target) in MATRIX_OPERANDS else (None, None)
        if plain(record.target) in LOOKUPS:
            table = self._looked_up(record)
            return (Weight(table, 1, record.shape[-1], 1, None), None) if table else (None, None)
        if kind == "conv":
            return self._convolution_use(record)
        if kind == "embedding":
            names = self.sources(record.arguments.get("weight"))
            return (Weight(names[0], 1, record.shape[-1], 1, None), None) if names else (None, None)
        if kind == "recurrent":
            return self._recurrent_use(record)
        if kind == "add" and len(record.refs) >= 1:
            names = self._parameters(record)
            return None, names[0] if len(names) == 1 else None
        return None, None

    def _matrix_use(self, record: Record) -> tuple[Weight | None, str | None]:
        left, right, bias = MATRIX_OPERANDS[plain(record.target)]
        for name, is_right in ((right, True), (left, False)):
            item = record.arguments.get(name)
            names = self.sources(item)
            if not names:
                continue
            shape = record.named_shapes[name]
            out, inner = (-1, -2) if is_right and plain(record.target) != "linear" else (-2, -1)
            seen = self.view(item)
            axes = seen[1] or tuple(range(len(shape))) if seen else (None,) * len(shape)
            weight = Weight(
                seen[0] if seen else _largest(names),
                fan_in=shape[inner] if len(shape) > 1 else shape[0],
                fan_out=shape[out] if len(shape) > 1 else 1,
                out_axis=axes[out] if len(shape) > 1 else None,
                in_axis=axes[inner] if len(shape) > 1 else axes[0],
            )
            added = self.sources(record.arguments.get(bias)) if bias else ()
            return weight, added[0] if added else None
        return None, None

    def _convolution_use(self, record: Record) -> tuple[Weight | None, str | None]:
        names = self.sources(record.arguments.get("weight"))
        if not names:
            return None, None
        shape = record.named_shapes["weight"]
        groups = int(record.arguments.get("groups") or 1)
        transposed = bool(record.arguments.get("transposed"))
        taps = math.prod(shape[2:])
        stride = tuple(record.arguments.get("stride") or ()) or (1,) * len(shape[2:])
        inputs, outputs = (shape[0] // groups, shape[1]) if transposed else (shape[1], shape[0] // groups)
        # A strided convolution reads each input, and a transposed one makes each output, by 1 / stride of the taps on
        # average; along an axis where the stride is longer than the kernel some are left out, and the others have one.
        reached = math.prod(max(1.0, tap / step) for tap, step in zip(shape[2:], stride, strict=True))
        fan_in = round(inputs * (reached if transposed else taps))
        fan_out = round(outputs * (taps if transposed else reached))
        out_axis, in_axis = (1, 0) if transposed else (0, 1)
        ungrouped = groups == 1
        weight = Weight(
            _largest(names),
            fan_in,
            fan_out,
            out_axis if ungrouped or not transposed else None,
            in_axis if ungrouped or transposed else None,
            groups,
            transposed,
        )
        bias = self.sources(record.arguments.get("bias"))
        return weight, bias[0] if bias else None

    def _recurrent_use(self, record: Record) -> tuple[Weight | None, str | None]:
        names = self._parameters(record)
        if not names:
            return None, None
        shape = record.operand_shapes[1]
        return Weight(names[0], shape[-1], shape[0] // RECURRENT_GATES.get(plain(record.target), 1), 0, 1), None

    def _through(self, ref: Ref) -> Ref:
        """Follow an operand back through operations that only move or convert it."""
        record = self._records[ref.record]
        while kind_of(record.target) == "shape" and len(record.refs) == 1:
            ref = record.refs[0]
            record = self._records[ref.record]
        return ref


def _largest(names: tuple[str, ...]) -> str:
    """Of the parameters that a computed weight is made of, the one that is called the weight, or the first."""
    return next((name for name in names if name.endswith("weight")), names[0])
