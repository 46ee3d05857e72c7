"""What learners return, as plain values: tensors become arrays, objects with W1, b1, ... become dicts."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from symbreak.grade.subject import Foreign

PARAMETERS = ("W1", "b1", "W2", "b2")
DEEPEST = 8
"""Levels of containers that are looked into; results of the course have two."""


def plain(value: Any, *, levels: int = DEEPEST) -> Any:
    """Return a value as NumPy arrays, numbers, strings, None, and dicts, lists, tuples of them; else a `Foreign`.

    Arrays are copied. Torch tensors and all that has `__array__` become arrays; a `np.matrix` does not, for `*` means
    another thing there. Mappings, dataclasses, named tuples and objects that hold W1 become dicts.

    >>> from types import SimpleNamespace
    >>> plain(SimpleNamespace(W1=np.zeros((2, 3)), name="net"))["W1"].shape
    (2, 3)
    >>> plain(object())
    Foreign(type='object')
    """
    if value is None or isinstance(value, (bool, int, float, complex, str)):
        return _scalar(value)
    if isinstance(value, (np.ndarray, np.generic)):
        return _array(value)
    if levels == 0:
        return Foreign(type(value).__name__)
    fields = _fields(value)
    if fields is not None:
        return {str(key): plain(item, levels=levels - 1) for key, item in fields.items()}
    if isinstance(value, (list, tuple)):
        items = [plain(item, levels=levels - 1) for item in value]
        return tuple(items) if isinstance(value, tuple) else items
    return _converted(value)


def _scalar(value: Any) -> Any:
    """Return a number or a text as its own plain type: a subclass could answer comparisons as it likes."""
    kinds: tuple[Callable[[Any], Any], ...] = (bool, int, float, complex, str)
    return next((kind(value) for kind in kinds if isinstance(value, kind)), None)  # type: ignore[arg-type]


def _array(value: Any) -> Any:
    if isinstance(value, np.matrix):
        return Foreign("matrix")
    if isinstance(value, np.ma.MaskedArray):
        return Foreign("MaskedArray")
    if value.dtype.kind not in "biufcUS":
        return Foreign(f"array of {value.dtype}")
    return np.array(value) if isinstance(value, np.ndarray) else value


def _fields(value: Any) -> Mapping[Any, Any] | None:
    if isinstance(value, Mapping):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return {name: getattr(value, name) for name in value._fields}
    return None if isinstance(value, type) else _attributes(value)


def _attributes(value: Any) -> Mapping[Any, Any] | None:
    """Return what an object holds if W1 is among it; of objects without a dict of their own, such as modules of torch
    with their parameters, the four names of the lesson."""
    held = getattr(value, "__dict__", {})
    if isinstance(held, dict) and "W1" in held:
        return held
    kinds = inspect.getattr_static(value, "W1", None), getattr(value, "_parameters", None)
    if kinds[0] is not None or (isinstance(kinds[1], dict) and "W1" in kinds[1]):
        return {name: getattr(value, name) for name in PARAMETERS if hasattr(value, name)}
    return None


def _converted(value: Any) -> Any:
    """Return the array that an object says it is: tensors of other libraries."""
    try:
        if hasattr(value, "detach"):
            value = value.detach().cpu()
        if hasattr(value, "__array__"):
            return _array(np.asarray(value))
    except Exception:  # whatever a foreign object does, it is not an array then
        return Foreign(type(value).__name__)
    return Foreign(type(value).__name__)
