"""A vector of sixteen numbers as a type of the compiled language, so that kernels say themselves what runs abreast.

A compiler may not reorder a sum, so it cannot find these vectors in plain loops. Here the order is written out: lane l
of a vector holds the numbers l, l + 16, ... Each operation is the IEEE one on every lane, whatever registers the
processor has, so the bits are those of `unitwise.py`. This module loads Numba.
"""

# Numba's decorators have no types.
# mypy: disallow-untyped-decorators=False, disallow-subclassing-any=False, disallow-untyped-calls=False

from __future__ import annotations

import operator
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import extending, types
from numba.extending import lower_builtin, models, register_model, type_callable

from symbreak.network.unitwise import LANES

intrinsic: Any = extending.intrinsic


class Vector(types.Type):
    """The type of `LANES` numbers of one dtype."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        super().__init__(name=f"Vector({dtype})")


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Vector) -> None:
        super().__init__(manager, kind, _llvm(kind))


def _llvm(kind: Vector) -> Any:
    number = ir.FloatType() if kind.dtype == types.float32 else ir.DoubleType()
    return ir.VectorType(number, LANES)


@type_callable(operator.add)
@type_callable(operator.mul)
def _of_two(context: Any) -> Any:
    def typer(one: Any, other: Any) -> Any:
        return one if isinstance(one, Vector) and one == other else None

    return typer


@lower_builtin(operator.add, Vector, Vector)
def _add(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    return builder.fadd(*arguments)


@lower_builtin(operator.mul, Vector, Vector)
def _multiply(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    return builder.fmul(*arguments)


@intrinsic
def load(typing: Any, array: Any, start: Any) -> Any:
    """Return array[start : start + LANES] of a flat array as a vector."""
    kind = Vector(array.dtype)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _place(context, builder, signature.args[0], arguments)
        return builder.load(place, align=kind.dtype.bitwidth // 8)

    return kind(array, types.intp), generate


@intrinsic
def store(typing: Any, array: Any, start: Any, vector: Any) -> Any:
    """Set array[start : start + LANES] of a flat array."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _place(context, builder, signature.args[0], arguments)
        builder.store(arguments[2], place, align=vector.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.none(array, types.intp, vector), generate


@intrinsic
def splat(typing: Any, number: Any) -> Any:
    """Return a vector with this number in every lane."""
    kind = Vector(number)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        one = builder.insert_element(ir.Constant(_llvm(kind), ir.Undefined), arguments[0], _index(0))
        return builder.shuffle_vector(one, one, _mask([0] * LANES))

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


def _place(context: Any, builder: Any, kind: Any, arguments: Any) -> Any:
    data = context.make_array(kind)(context, builder, arguments[0]).data
    pointer = builder.gep(data, [arguments[1]])
    return builder.bitcast(pointer, _llvm(Vector(kind.dtype)).as_pointer())


def _index(value: int) -> Any:
    return ir.Constant(ir.IntType(32), value)


def _mask(lanes: Any) -> Any:
    lanes = list(lanes)
    return ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), [_index(lane) for lane in lanes])
