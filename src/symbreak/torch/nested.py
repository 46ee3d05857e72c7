"""Tensors inside whatever a model is given or gives, and the errors that it raises."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor, nn


def tensors(value: Any) -> Iterator[Tensor]:
    """Yield the tensors in a value: in mappings, sequences, and the attributes of plain objects, in their order.

    >>> import torch
    >>> [int(each) for each in tensors({"a": torch.tensor(1), "b": (torch.tensor(2), [torch.tensor(3)], None)})]
    [1, 2, 3]
    """
    yield from _tensors(value, set())


def _tensors(value: Any, seen: set[int]) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif id(value) not in seen:
        seen.add(id(value))
        for item in _items(value):
            yield from _tensors(item, seen)


def _items(value: Any) -> Iterator[Any]:
    if is_mapping(value):
        yield from (value[key] for key in value.keys())  # noqa: SIM118 - a batch of a tokenizer has no own `in`
    elif isinstance(value, (tuple, list, set, frozenset)):
        yield from value
    elif hasattr(value, "__dict__") and not isinstance(value, (type, nn.Module)) and not callable(value):
        yield from vars(value).values()


def is_mapping(value: Any) -> bool:
    """Tell whether a value goes by keys: a dict, a batch of a tokenizer, a model's output."""
    return isinstance(value, Mapping) or (hasattr(value, "keys") and hasattr(value, "__getitem__"))


def quoted(error: BaseException | None) -> str:
    """Return the kind of an error and what it says, on one line and without control characters."""
    said = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in " ".join(str(error).split()))
    return f"{type(error).__name__}: {said[:200]}" if said else type(error).__name__
