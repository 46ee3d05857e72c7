"""The batches of a comparison: taken once, and the same for every start and seed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from torch import Tensor
from torch.utils._pytree import tree_map

from symbreak.errors import InvalidInput
from symbreak.torch.nested import is_mapping, quoted, tensors
from symbreak.torch.states import seeded

# Costs and scores are means over so many batches: each look at them is as many passes forward.
MEASURED = 4


@dataclass(frozen=True)
class Batch:
    """What one update is made from."""

    x: Any
    y: Any

    def copied(self) -> Batch:
        """Return the batch with tensors of its own: a model may write to what it is given."""
        return Batch(*(tree_map(_copied, dict(v.items()) if is_mapping(v) else v) for v in (self.x, self.y)))

    @property
    def samples(self) -> int:
        """Length of the first axis of the first tensor."""
        first = next(tensors(self.x), None)
        return first.shape[0] if first is not None and first.dim() else 1


@dataclass(frozen=True)
class Batches:
    """Batches in their order; where there are fewer than steps, they come again from the first."""

    items: tuple[Batch, ...]

    def at(self, step: int) -> Batch:
        """Return the batch of a step."""
        return self.items[step % len(self.items)]

    @property
    def measured(self) -> tuple[Batch, ...]:
        """The batches that costs are measured on."""
        return self.items[:MEASURED]


def taken(source: Any, steps: int) -> Batches:
    """Take as many batches as there are steps; what can be gone through again may have fewer.

    Args:
        source: an iterable of (x, y), such as a list or a `DataLoader`, or a function that returns one.
        steps: of each run.

    Raises:
        InvalidInput: no such iterable, an error in it, or an iterator that ends before the last step.
    """
    with seeded(0):  # a loader that shuffles does so alike in every run
        found = _reading(source) if callable(source) and not isinstance(source, Iterable) else source
        if not isinstance(found, Iterable) or isinstance(found, (str, bytes, Tensor)) or is_mapping(found):
            raise _unusable(type(found).__name__)
        once = _guarded(lambda: iter(found)) is found
        items = tuple(_batch(item, place) for place, item in enumerate(_guarded(lambda: list(islice(found, steps)))))
    if not items:
        raise _unusable("no batch")
    if once and len(items) < steps:
        raise InvalidInput(
            "an iterator of batches must last for all steps",
            got=f"{len(items)} batches; {steps} were asked for",
            allowed=f"at least {steps} batches, or a list, which is gone through again",
            hint=f"steps={len(items)}",
        )
    return Batches(items)


def _reading(source: Callable[[], Any]) -> Any:
    return _guarded(source)


def _guarded(read: Callable[[], Any]) -> Any:
    """Run the user's code; its error is told, not traced.

    Raises:
        InvalidInput: whatever it raised.
    """
    try:
        return read()
    except Exception as error:  # it may raise anything
        raise _unusable(quoted(error)) from error


def _batch(item: Any, place: int) -> Batch:
    if isinstance(item, (tuple, list)) and len(item) == 2:
        return Batch(*item)
    if is_mapping(item):  # keyword arguments of a model that computes its loss itself
        return Batch(item, None)
    length = f" of length {len(item)}" if isinstance(item, (tuple, list)) else ""
    raise _unusable(f"{type(item).__name__}{length} as number {place}")


def _unusable(got: str) -> InvalidInput:
    return InvalidInput(
        "a model is trained on batches",
        got=got,
        allowed="an iterable of (x, y), or of dicts for a model with a loss of its own, or a function that returns one",
        hint="batches=[(x, y)], or a DataLoader",
    )


def _copied(value: Any) -> Any:
    return value.detach().clone() if isinstance(value, Tensor) else value


def shapes(batch: Batch) -> Iterator[str]:
    """Yield what the tensors of a batch look like: "32 x 784 float32"."""
    for tensor in tensors((batch.x, batch.y)):
        yield f"{' x '.join(map(str, tensor.shape)) or 'one'} {str(tensor.dtype).removeprefix('torch.')}"
