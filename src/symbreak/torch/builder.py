"""Watching construction: which line of whose code wrote which parameter, in which order."""

from __future__ import annotations

import site
import sys
import sysconfig
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
from symbreak.torch.nested import quoted, tensors
from symbreak.torch.operations import FRESH
from symbreak.torch.states import kept
from symbreak.torch.trace import named_tensors, written

RESERVING = frozenset(("empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided", "empty_permuted"))
# In-place operations that write no values.
SETTING = frozenset(("requires_grad_", "detach_", "resize_", "set_"))
# In-place operations whose result depends on what was there: garbage stays garbage.
_CHANGES = """
    mul_ add_ sub_ div_ neg_ abs_ clamp_ clamp_min_ clamp_max_ pow_ sqrt_ exp_ erfinv_ tanh_ sigmoid_ sign_ lerp_
    addcmul_ addcdiv_ _foreach_mul_ _foreach_add_ _foreach_div_
"""
UPDATING = frozenset(_CHANGES.split())
TORCH = str(Path(torch.__file__).parent)
HERE = __file__
STANDARD = sysconfig.get_paths()["stdlib"]
LIBRARIES = tuple({sysconfig.get_paths()["purelib"], sysconfig.get_paths()["platlib"], *site.getsitepackages()})
# Bytes of reserved memory that are remembered, to see later whether something wrote past PyTorch.
REMEMBERED = 64


@dataclass(frozen=True)
class _Write:
    """A write to memory: the storage, who asked for it, and whether what was there before is gone."""

    storage: int
    operation: str
    where: str
    own: bool
    fresh: bool


class _Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes what reserves memory and what writes to it, while a model is built."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.writes: list[_Write] = []
        self.reserved: dict[int, bytes] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        name = func.overloadpacket.__name__
        targets = list(written(func, args, kwargs))
        over = [] if name in UPDATING else targets
        garbage = name not in FRESH | RESERVING and self._reads_garbage(args, kwargs, over)
        inputs = {_place(tensor) for tensor in tensors((args, dict(kwargs)))}
        result = func(*args, **kwargs)
        if targets and name not in SETTING:
            for target in targets:
                self._note(target, "empty" if garbage else name, fresh=garbage)
        elif not targets and not func.is_view:
            for tensor in tensors(result):
                if _place(tensor) not in inputs:
                    self._note(tensor, "empty" if garbage or name in RESERVING else name, fresh=True)
        return result

    def _reads_garbage(self, args: tuple[Any, ...], kwargs: Mapping[str, Any], over: list[Tensor]) -> bool:
        """Whether an argument whose values count is memory that nothing wrote to yet."""
        read = [t for t in tensors((args, dict(kwargs))) if all(t is not target for target in over)]
        return any(_place(tensor) in self.reserved for tensor in read)

    def _note(self, tensor: Tensor, operation: str, *, fresh: bool) -> None:
        place = _place(tensor)
        if not place:
            return
        if operation == "empty":
            self.reserved[place] = _sample(tensor)
        else:
            self.reserved.pop(place, None)
        self.writes.append(_Write(place, operation, *_asked_by(), fresh))


def built(build: Callable[[], Any]) -> tuple[nn.Module, tuple[Event, ...]]:
    """Build a model and return it with what was written to its parameters on the way.

    Random states are put back, so that the next call builds the same model.

    Raises:
        InvalidInput: the builder raises, or returns something else than a module.
    """
    watch = _Watch()
    try:
        with kept(), watch:
            model = build()
    except Exception as error:  # a builder may raise anything
        raise _unbuilt(quoted(error)) from error
    if not isinstance(model, nn.Module):
        raise _unbuilt(type(model).__name__)
    return model, tuple(_events(model, watch))


def _unbuilt(got: str) -> InvalidInput:
    return InvalidInput(
        "a builder returns a model",
        got=got,
        allowed="a function without arguments that returns a torch.nn.Module",
        hint="def build_model(): return torch.nn.Linear(2, 1)",
    )


def _events(model: nn.Module, watch: _Watch) -> list[Event]:
    names: dict[int, list[str]] = {}
    unseen: set[int] = set()
    for name, tensor in named_tensors(model):
        place = _place(tensor)
        if place and isinstance(tensor, nn.Parameter):
            names.setdefault(place, []).append(name)
            if watch.reserved.get(place, b"") not in (b"", _sample(tensor)):
                unseen.add(place)
    begins = {write.storage: order for order, write in enumerate(watch.writes) if write.fresh}
    events = [
        Event(name, order, write.operation, write.where, write.own)
        for order, write in enumerate(watch.writes)
        if order >= begins.get(write.storage, 0)  # an address that was used before and is new memory now
        for name in names.get(write.storage, ())
    ]
    late = len(watch.writes)
    return events + [Event(name, late, "written past PyTorch", "", False) for p in unseen for name in names[p]]


def _place(tensor: Tensor) -> int:
    """Return the address of a tensor's memory, or 0 if it has none."""
    if tensor.layout != torch.strided or tensor.device.type == "meta" or not tensor.numel():
        return 0
    return tensor.untyped_storage().data_ptr()


def _sample(tensor: Tensor) -> bytes:
    storage = tensor.untyped_storage()
    step = max(1, storage.nbytes() // REMEMBERED)
    flat = torch.empty(0, dtype=torch.uint8, device=tensor.device).set_(storage)
    return bytes(flat[::step].tolist())


def _asked_by() -> tuple[str, bool]:
    """Return the line nearest to the write that is not PyTorch's or Python's, and whether it is a layer's own start.

    It is while PyTorch constructs one of its layers, and in any other installed library.
    """
    own = False
    for each, line in traceback.walk_stack(sys._getframe(2)):
        path, function = each.f_code.co_filename, each.f_code.co_name
        if path == HERE:  # in an installed library too, but not what asked
            if function == built.__name__:
                break
            continue
        if path.startswith(TORCH):
            own |= function in ("__init__", "reset_parameters", "_reset_parameters") and "/nn/modules/" in path
        elif path.startswith(LIBRARIES):
            return f"{path}:{line}", True
        elif not path.startswith(STANDARD):
            return f"{path}:{line}", own
    return "", own
