"""A vector of numbers as a type of the compiled language, so that kernels say themselves what runs abreast.

A compiler may not reorder a sum, so it cannot find these vectors in plain loops. Here the order is written out: lane l
of a vector holds the numbers l, l + 16, ... Each operation is the IEEE one on every lane, whatever registers the
processor has, so the bits are those of `unitwise.py`. A wide vector is several such vectors side by side: elementwise
work on it keeps the processor busy while each of its steps waits for the step before. This module loads Numba.
"""

# Numba's decorators have no types.
# mypy: disallow-untyped-decorators=False, disallow-subclassing-any=False, disallow-untyped-calls=False

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import extending, types
from numba.core import cgutils
from numba.extending import lower_builtin, models, overload, register_model, type_callable

from symbreak.network.unitwise import LANES
from symbreak.numerics import kernels_choice as choice
from symbreak.numerics import reference, single

intrinsic: Any = extending.intrinsic

# Bytes of a wide vector: four of the widest registers there are.
WIDE_BYTES = 256


class Vector(types.Type):
    """The type of `count` numbers of one dtype; of truth values, if the dtype is boolean."""

    def __init__(self, dtype: Any, count: int = LANES) -> None:
        self.dtype, self.count = dtype, count
        super().__init__(name=f"Vector({dtype}, {count})")


def _wide(dtype: Any) -> Vector:
    return Vector(dtype, WIDE_BYTES * 8 // dtype.bitwidth)


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Vector) -> None:
        super().__init__(manager, kind, _llvm(kind))


def _llvm(kind: Vector) -> Any:
    numbers = {types.float32: ir.FloatType(), types.float64: ir.DoubleType(), types.boolean: ir.IntType(1)}
    return ir.VectorType(numbers[kind.dtype], kind.count)


def _joined(one: Any, other: Any) -> Any:
    """Return the vector type of two operands, one of them perhaps a number of its dtype; None if they do not fit."""
    vectors = [kind for kind in (one, other) if isinstance(kind, Vector)]
    if not vectors or any(kind not in (vectors[0], vectors[0].dtype) for kind in (one, other)):
        return None
    return vectors[0]


def _spread(builder: Any, kind: Vector, given: Any, value: Any) -> Any:
    """Return the operand as a vector: a number is put into every lane."""
    if isinstance(given, Vector):
        return value
    one = builder.insert_element(ir.Constant(_llvm(kind), ir.Undefined), value, _index(0))
    return builder.shuffle_vector(one, one, _mask([0] * kind.count))


def _register(operation: Any, emit: Callable[[Any, Any, Any], Any], *, truth: bool = False) -> None:
    """Make a Python operator known for vectors; `truth` if it compares."""

    @type_callable(operation)
    def _typed(context: Any) -> Any:
        def typer(one: Any, other: Any) -> Any:
            kind = _joined(one, other)
            return Vector(types.boolean, kind.count) if kind and truth else kind

        return typer

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = _joined(*signature.args)
        pair = zip(signature.args, arguments, strict=True)
        return emit(builder, *(_spread(builder, kind, given, value) for given, value in pair))

    for pair in ((Vector, Vector), (Vector, types.Float), (types.Float, Vector)):
        lower_builtin(operation, *pair)(generate)


def _compared(how: str) -> Callable[[Any, Any, Any], Any]:
    return lambda builder, one, other: builder.fcmp_ordered(how, one, other)


_register(operator.add, lambda builder, one, other: builder.fadd(one, other))
_register(operator.sub, lambda builder, one, other: builder.fsub(one, other))
_register(operator.mul, lambda builder, one, other: builder.fmul(one, other))
_register(operator.truediv, lambda builder, one, other: builder.fdiv(one, other))
COMPARISONS = {operator.gt: ">", operator.ge: ">=", operator.lt: "<", operator.le: "<=", operator.eq: "=="}
for _operation, _how in COMPARISONS.items():
    _register(_operation, _compared(_how), truth=True)


@intrinsic
def load(typing: Any, array: Any, start: Any) -> Any:
    """Return array[start : start + LANES] of a flat array as a vector."""
    return Vector(array.dtype)(array, types.intp), _load


@intrinsic
def load_wide(typing: Any, array: Any, start: Any) -> Any:
    """Return array[start : start + w] of a flat array as a wide vector of w numbers."""
    return _wide(array.dtype)(array, types.intp), _load


def wide_lanes(array: Any) -> Any:
    """Return how many numbers of the array a wide vector has."""


@overload(wide_lanes, strict=False)
def _wide_lanes(array: Any) -> Any:
    count = _wide(array.dtype).count
    return lambda array: count


def _load(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    kind = signature.return_type
    place = _place(context, builder, signature.args[0], arguments, kind)
    return builder.load(place, align=kind.dtype.bitwidth // 8)


@intrinsic
def store(typing: Any, array: Any, start: Any, vector: Any) -> Any:
    """Set as many numbers of a flat array, from `start` on, as the vector has."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _place(context, builder, signature.args[0], arguments, vector)
        builder.store(arguments[2], place, align=vector.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.none(array, types.intp, vector), generate


@intrinsic
def splat(typing: Any, number: Any) -> Any:
    """Return a vector with this number in every lane."""
    kind = Vector(number)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _spread(builder, kind, number, arguments[0])

    return kind(number), generate


@intrinsic
def total(typing: Any, vector: Any) -> Any:
    """Return the sum of a vector's lanes: lanes 8 apart are added, then 4, 2 and 1 apart."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        value, half = arguments[0], LANES // 2
        while half:
            low = builder.shuffle_vector(value, value, _mask(range(half)))
            high = builder.shuffle_vector(value, value, _mask(range(half, 2 * half)))
            value, half = builder.fadd(low, high), half // 2
        return builder.extract_element(value, _index(0))

    return vector.dtype(vector), generate


@intrinsic
def in_widest_vectors(typing: Any) -> Any:
    """Ask for the widest registers in the loops of the function that says so: compilers take half of AVX-512's."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        # llvmlite's own `add` knows only attributes without values.
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return types.none(), generate


@intrinsic
def _pick(typing: Any, condition: Any, one: Any, other: Any) -> Any:
    kind = Vector(next(getattr(given, "dtype", given) for given in (one, other)), condition.count)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pair = zip((one, other), arguments[1:], strict=True)
        return builder.select(arguments[0], *(_spread(builder, kind, given, value) for given, value in pair))

    return kind(condition, one, other), generate


@intrinsic
def _size(typing: Any, x: Any) -> Any:
    return x(x), lambda context, builder, signature, arguments: _call(builder, "llvm.fabs", x, *arguments)


@intrinsic
def _nearest(typing: Any, x: Any) -> Any:
    return x(x), lambda context, builder, signature, arguments: _call(builder, "llvm.rint", x, *arguments)


@intrinsic
def _signed(typing: Any, value: Any, sign: Any) -> Any:
    return value(value, sign), lambda context, builder, signature, arguments: _call(
        builder, "llvm.copysign", value, *arguments
    )


def _call(builder: Any, name: str, kind: Vector, *values: Any) -> Any:
    """Call an operation of LLVM that works lane by lane."""
    whole = f"{name}.v{kind.count}f{kind.dtype.bitwidth}"
    of = ir.FunctionType(_llvm(kind), [_llvm(kind)] * len(values))
    return builder.call(cgutils.get_or_insert_function(builder.module, of, whole), values)


@intrinsic
def _scaled(typing: Any, value: Any, k: Any) -> Any:
    bits = k.dtype.bitwidth
    family, mantissa, bias = (single, 23, 127) if bits == 32 else (reference, 52, 1023)
    words = ir.VectorType(ir.IntType(bits), k.count)

    def word(number: int) -> Any:
        return ir.Constant(words, [ir.Constant(ir.IntType(bits), number)] * k.count)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        result, large = (_spread(builder, k, given, one) for given, one in zip(signature.args, arguments, strict=True))
        to_integer = ir.Constant(_llvm(k), [ir.Constant(_llvm(k).element, float(family.TO_INTEGER))] * k.count)
        whole = builder.sub(builder.bitcast(builder.fadd(large, to_integer), words), word(int(family.TO_INTEGER_BITS)))
        half = builder.ashr(whole, word(1))
        for part in (half, builder.sub(whole, half)):
            power = builder.shl(builder.add(part, word(bias)), word(mantissa))
            result = builder.fmul(result, builder.bitcast(power, _llvm(k)))
        return result

    return k(value, k), generate


@overload(choice.pick, strict=False)
def _pick_of(condition: Any, one: Any, other: Any) -> Any:
    return (lambda condition, one, other: _pick(condition, one, other)) if isinstance(condition, Vector) else None


@overload(choice.size, strict=False)
def _size_of(x: Any) -> Any:
    return (lambda x: _size(x)) if isinstance(x, Vector) else None


@overload(choice.nearest, strict=False)
def _nearest_of(x: Any) -> Any:
    return (lambda x: _nearest(x)) if isinstance(x, Vector) else None


@overload(choice.signed, strict=False)
def _signed_of(value: Any, sign: Any) -> Any:
    return (lambda value, sign: _signed(value, sign)) if isinstance(value, Vector) else None


@overload(choice.scaled, strict=False)
def _scaled_of(value: Any, k: Any) -> Any:
    return (lambda value, k: _scaled(value, k)) if isinstance(k, Vector) else None


def _place(context: Any, builder: Any, array: Any, arguments: Any, kind: Vector) -> Any:
    data = context.make_array(array)(context, builder, arguments[0]).data
    return builder.bitcast(builder.gep(data, [arguments[1]]), _llvm(kind).as_pointer())


def _index(value: int) -> Any:
    return ir.Constant(ir.IntType(32), value)


def _mask(lanes: Any) -> Any:
    lanes = list(lanes)
    return ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), [_index(lane) for lane in lanes])
