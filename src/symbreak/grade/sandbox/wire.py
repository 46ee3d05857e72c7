"""Values as bytes between grader and child, both ways. No pickle: what arrives can be a wrong value, never a program.

A frame is two lengths, a JSON header and the arrays' bytes one after another:

    <u4 header length> <u8 bytes of arrays> {"fields": {...}, "trees": {...}} bytes...

Fields are plain JSON. A tree is None, True, 12, "text", or a list that begins with its kind:
["i", hex], ["f", hex], ["c", hex, hex], ["l" or "t", items], ["d", [[key, value], ...]], ["a" or "n", dtype, shape]
for an array or a NumPy scalar, ["x", name of a foreign type].
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from typing import Any, Never

import numpy as np

from symbreak.grade.subject import Foreign

HEAD = struct.Struct("<IQ")
# A header is parsed by the grader before anything is known of it; Python objects take some 30 times its bytes.
HEADER_BYTES = 1 << 20
DEPTH = 32
NODES = 50_000
# Whoever chooses the keys can make all of them collide; a dict's cost is then quadratic in this.
ENTRIES = 4096
DIGITS = 1000
_SIZES = {"b": (1,), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (2, 4, 8), "c": (8, 16)}
DTYPES = {f"{kind}{size}": np.dtype(f"<{kind}{size}") for kind, sizes in _SIZES.items() for size in sizes}
MOST_DIMENSIONS = 32
LARGEST_DIMENSION = 1 << 40

_view = np.ndarray.view
_tobytes = np.ndarray.tobytes
_dumps = json.JSONEncoder(allow_nan=False, separators=(",", ":"), check_circular=False).encode


class WireError(ValueError):
    """Bytes that are no frame."""


class TooLarge(WireError):
    """A value that is larger, deeper or longer than a frame may be."""


def pack(fields: Mapping[str, Any], trees: Mapping[str, Any], *, room: int) -> bytes:
    """Return a frame.

    Args:
        fields: plain JSON.
        trees: values by name.
        room: how many bytes all arrays together may take.

    Raises:
        TooLarge: if a value does not fit.
    """
    writer = _Writer(room)
    header = _dumps({"fields": dict(fields), "trees": {name: writer.tree(tree) for name, tree in trees.items()}})
    if len(header) > HEADER_BYTES:
        raise TooLarge(f"more than {HEADER_BYTES} bytes besides its arrays")
    arrays = b"".join(writer.parts)
    return HEAD.pack(len(header), len(arrays)) + header.encode("ascii") + arrays


def lengths(head: bytes, *, room: int) -> tuple[int, int]:
    """Return the lengths of header and arrays.

    Raises:
        WireError: if they are more than a frame may have.
    """
    header, arrays = HEAD.unpack(head)
    if header > HEADER_BYTES or arrays > room:
        raise WireError("a frame that is too long")
    return header, arrays


def unpack(header: bytes, arrays: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the fields and the values by name of a frame that anybody may have written.

    Raises:
        WireError: if it is malformed in any way.
    """
    try:
        content = json.loads(header, parse_constant=_refuse)
        fields, trees = content["fields"], content["trees"]
        reader = _Reader(arrays)
        values = {name: reader.tree(tree) for name, tree in trees.items()}
    except WireError:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise WireError("a malformed frame") from error
    if type(fields) is not dict or reader.left:
        raise WireError("a frame with bytes that belong to nothing")
    return fields, values


def _refuse(_: str) -> Never:
    raise WireError("a number that the format does not have")


class _Writer:
    def __init__(self, room: int) -> None:
        self.parts: list[bytes] = []
        self.room = room
        self.nodes = NODES

    def tree(self, value: Any, depth: int = 0) -> Any:
        """Return the JSON form of a value; its arrays' bytes are put aside.

        Types are asked with `type`, for an object can say any `__class__` of itself.
        """
        self.nodes -= 1
        if depth > DEPTH:
            raise TooLarge(f"a value inside more than {DEPTH} others")
        if self.nodes < 0:
            raise TooLarge(f"more than {NODES} values in one")
        kind = type(value)
        if value is None or kind is bool or kind is str:
            return value
        if issubclass(kind, np.ndarray | np.generic):
            return self._array(value, kind)
        if issubclass(kind, dict | list | tuple):
            return self._container(value, kind, depth)
        return _scalar(value, kind)

    def _container(self, value: Any, kind: type, depth: int) -> Any:
        if issubclass(kind, dict):
            if dict.__len__(value) > ENTRIES:
                raise TooLarge(f"a dict of more than {ENTRIES} entries")
            items = list(dict.items(value))
            return ["d", [[self.tree(key, depth + 1), self.tree(each, depth + 1)] for key, each in items]]
        base: type[Any] = list if issubclass(kind, list) else tuple
        if base.__len__(value) > NODES:
            raise TooLarge(f"more than {NODES} values in one")
        return ["l" if base is list else "t", [self.tree(each, depth + 1) for each in base.__iter__(value)]]

    def _array(self, value: Any, kind: type) -> Any:
        scalar = issubclass(kind, np.generic)
        array = np.asarray(value) if scalar else _view(value, np.ndarray)
        name = array.dtype.str[1:]
        if name not in DTYPES or array.ndim > MOST_DIMENSIONS:
            return ["x", f"{kind.__name__} of {array.dtype.name}"[:DIGITS]]
        shape = list(array.shape)
        self.room -= math.prod(shape) * array.dtype.itemsize
        if self.room < 0:
            raise TooLarge(f"an array of shape {array.shape}, with which the value is too large")
        self.parts.append(_tobytes(array if array.dtype == DTYPES[name] else array.astype(DTYPES[name])))
        return ["n" if scalar else "a", name, shape]


def _scalar(value: Any, kind: type) -> Any:
    """The JSON form of a number or text, of a subclass too."""
    if issubclass(kind, int):
        plain = int.__add__(value, 0)
        if abs(plain) < 1 << 53:
            return plain
        return ["i", hex(plain)] if plain.bit_length() < DIGITS else ["x", "int of many digits"]
    if issubclass(kind, float):
        return ["f", float.hex(value)]
    if issubclass(kind, complex):
        plain_complex = complex.__add__(value, 0)
        return ["c", plain_complex.real.hex(), plain_complex.imag.hex()]
    if issubclass(kind, str):
        return str.__str__(value)
    return ["x", (value.type if kind is Foreign else kind.__name__)[:DIGITS]]


class _Reader:
    def __init__(self, arrays: bytes) -> None:
        self.arrays = arrays
        self.at = 0
        self.nodes = NODES

    @property
    def left(self) -> int:
        return len(self.arrays) - self.at

    def tree(self, node: Any, depth: int = 0) -> Any:
        self.nodes -= 1
        if depth > DEPTH or self.nodes < 0:
            raise WireError("a value that is too deep or too long")
        if type(node) is not list:
            if type(node) in (dict, float):
                raise WireError("a value of no kind")
            return node
        kind, *rest = node
        match kind, rest:
            case "l" | "t", [list(items)]:
                values = [self.tree(item, depth + 1) for item in items]
                return values if kind == "l" else tuple(values)
            case "d", [list(pairs)] if len(pairs) <= ENTRIES:
                return {self.tree(key, depth + 1): self.tree(value, depth + 1) for key, value in pairs}
            case "a" | "n", [str(name), list(shape)]:
                array = self._array(name, shape)
                return array if kind == "a" else array[()]
        return _leaf(kind, rest)

    def _array(self, name: str, shape: list[Any]) -> np.ndarray[Any, Any]:
        dtype = DTYPES[name]
        if len(shape) > MOST_DIMENSIONS or not all(type(n) is int and 0 <= n < LARGEST_DIMENSION for n in shape):
            raise WireError("an array of an impossible shape")
        size = math.prod(shape) * dtype.itemsize
        if size > self.left:
            raise WireError("an array without its bytes")
        taken = self.arrays[self.at : self.at + size]
        self.at += size
        array = np.frombuffer(taken, dtype).reshape(shape)
        # A forged bool may be a byte that is neither 0 nor 1, which NumPy takes for granted that it is.
        return array.view(np.uint8) != 0 if name == "b1" else array.copy()


def _leaf(kind: Any, rest: list[Any]) -> Any:
    if not all(type(text) is str and len(text) <= DIGITS for text in rest):
        raise WireError("a value of no kind")
    match kind, rest:
        case "i", [text]:
            return int(text, 16)
        case "f", [text]:
            return float.fromhex(text)
        case "c", [real, imaginary]:
            return complex(float.fromhex(real), float.fromhex(imaginary))
        case "x", [name]:
            return Foreign(name)
    raise WireError("a value of no kind")
