"""Parameters that lie in the same memory without being one parameter."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from torch import Tensor

from symbreak.errors import InvalidInput


def require_apart(tensors: Iterable[tuple[str, Tensor]]) -> None:
    """Refuse tensors that share memory: what is written to the later would overwrite the earlier.

    Raises:
        InvalidInput: it names both.
    """
    spans = sorted((*span, name) for name, tensor in tensors if (span := _span(tensor)) is not None)
    for (_, end, first), (begin, _, second) in itertools.pairwise(spans):
        if begin < end:
            raise InvalidInput(
                "parameters that share memory cannot each have a start",
                got=f"{first} and {second}",
                allowed="parameters with memory of their own, or one parameter under several names",
                hint=f"{second} = torch.nn.Parameter({second}.clone())",
            )


def _span(tensor: Tensor) -> tuple[int, int] | None:
    """Return the first byte of a tensor's memory and the one after its last; None for shards, which own theirs."""
    if type(tensor.data) is not Tensor or not tensor.numel():
        return None
    reach = 1 + sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True))
    return tensor.data_ptr(), tensor.data_ptr() + reach * tensor.element_size()
