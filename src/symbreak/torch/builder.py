"""Watching construction: which line of whose code wrote which parameter, in which order."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from symbreak.diagnosis.observation import Event
from symbreak.errors import InvalidInput
from symbreak.torch.trace import named_tensors

RESERVING = frozenset(("empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided"))
TORCH = str(Path(torch.__file__).parent)
HERE = str(Path(__file__).parent)


@dataclass(frozen=True)
class _Write:
    """A write to memory: the storage, the bytes it spans, and who asked for it."""

    storage: int
    operation: str
    where: str
    own: bool


class _Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes what reserves memory and what writes in place, while a model is built."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.writes: list[_Write] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        written = args[0] if name.endswith("_") and not name.startswith("_") and args else None
        if isinstance(result, Tensor) and name in RESERVING:
            self._note(result, "empty")
        elif isinstance(written, Tensor) and name not in ("requires_grad_", "detach_", "resize_"):
            self._note(written, name)
        elif isinstance(result, Tensor) and written is None and not _is_view(result):
            self._note(result, name)
        return result

    def _note(self, tensor: Tensor, operation: str) -> None:
        if tensor.device.type == "meta":
            return
        where, own = _asked_by()
        self.writes.append(_Write(tensor.untyped_storage().data_ptr(), operation, where, own))


def built(build: Callable[[], Any]) -> tuple[nn.Module, tuple[Event, ...]]:
    """Build a model and return it with what was written to its parameters on the way.

    Raises:
        InvalidInput: the builder returns something else than a module.
    """
    watch = _Watch()
    with watch:
        model = build()
    if not isinstance(model, nn.Module):
        raise InvalidInput(
            "a builder returns a model",
            got=type(model).__name__,
            allowed="a function without arguments that returns a torch.nn.Module",
            hint="def build_model(): return torch.nn.Linear(2, 1)",
        )
    return model, tuple(_events(model, watch.writes))


def _events(model: nn.Module, writes: list[_Write]) -> list[Event]:
    names: dict[int, list[str]] = {}
    for name, tensor in named_tensors(model):
        if isinstance(tensor, nn.Parameter) and tensor.device.type != "meta":
            names.setdefault(tensor.untyped_storage().data_ptr(), []).append(name)
    latest: dict[int, int] = {}
    for order, write in enumerate(writes):
        if write.operation == "empty":
            latest[write.storage] = order  # memory that was used before and is reserved anew starts again
    return [
        Event(name, order, write.operation, write.where, write.own)
        for order, write in enumerate(writes)
        if order >= latest.get(write.storage, 0)
        for name in names.get(write.storage, ())
    ]


def _is_view(tensor: Tensor) -> bool:
    return tensor._base is not None


def _asked_by() -> tuple[str, bool]:
    """Return the user's line nearest to the write, and whether a layer of PyTorch did it while it was constructed."""
    frame = sys._getframe(2)
    own = False
    for each, line in traceback.walk_stack(frame):
        path, function = each.f_code.co_filename, each.f_code.co_name
        if path.startswith(TORCH):
            own |= function in ("__init__", "reset_parameters", "_reset_parameters") and "/nn/modules/" in path
        elif not path.startswith(HERE):
            return f"{path}:{line}", own
    return "", own
