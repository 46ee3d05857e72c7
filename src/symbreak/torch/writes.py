"""Every write to memory while something runs: by which line of whose code, to which entries, of which values."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook
from torch.nn.parameter import is_lazy
from torch.utils._python_dispatch import TorchDispatchMode

from symbreak.torch.askers import Asker, asked_by
from symbreak.torch.nested import tensors
from symbreak.torch.operations import FRESH
from symbreak.torch.trace import written

RESERVING = frozenset(("empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided", "empty_permuted"))
# In-place operations that write no values.
SETTING = frozenset(("requires_grad_", "detach_", "resize_", "set_"))
# In-place operations whose result depends on what was there: garbage stays garbage, and a start is only changed.
_CHANGES = """
    mul_ add_ sub_ div_ neg_ abs_ clamp_ clamp_min_ clamp_max_ pow_ sqrt_ exp_ erfinv_ tanh_ sigmoid_ sign_ lerp_
    addcmul_ addcdiv_ _foreach_mul_ _foreach_add_ _foreach_div_
"""
UPDATING = frozenset(_CHANGES.split())
# Copies that keep every entry in its place: what was written to the original was written to them.
COPYING = frozenset(("clone", "_to_copy"))
_DRAWS = """
    rand rand_like randn randn_like randint randint_like randperm normal normal_ uniform uniform_ bernoulli bernoulli_
    random_ exponential_ cauchy_ geometric_ log_normal_ multinomial
"""
RANDOM = frozenset(_DRAWS.split())
# Words of eight bytes of a memory that are remembered, to see later whether it was changed.
REMEMBERED, WORD = 64, 8
# So often memory that is gone and belonged to no module is forgotten.
SWEPT_EVERY = 4096


@dataclass(frozen=True)
class Write:
    """A write to memory.

    Attributes:
        order: number of the write, over all memory.
        operation: "normal_", "zero_", ...; "empty" where nothing but garbage was put there.
        asker: whose code asked for it.
        born: the memory is new.
        span: first entry that it may have touched, and the one after the last.
        entries: how many it wrote.
        value: the one value that all of them have afterwards; None for several.
        random: they were drawn.
        update: what was there is only changed.
        after: some of the memory's bytes afterwards.
    """

    order: int
    operation: str
    asker: Asker
    born: bool
    span: tuple[int, int]
    entries: int
    value: float | None
    random: bool
    update: bool
    after: bytes


@dataclass(eq=False)
class History:
    """What was written to one memory since it was reserved; `holder` keeps its address from being given out again."""

    holder: Any
    writes: list[Write] = field(default_factory=list)
    registered: bool = False

    @property
    def garbage(self) -> bool:
        """Whether nothing wrote to it."""
        return all(write.operation == "empty" for write in self.writes)


class Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes what reserves memory and what writes to it, and which memory a module's parameter had, in turn."""

    def __init__(self, stop: str) -> None:
        """`stop` is the name of the function in which the watch was begun."""
        super().__init__()  # type: ignore[no-untyped-call]
        self._stop = stop
        self._histories: dict[int, History] = {}
        self._order = 0
        self._places: weakref.WeakKeyDictionary[nn.Module, dict[str, list[History]]] = weakref.WeakKeyDictionary()
        self._hook: Any = None

    def __enter__(self) -> Watch:
        self._hook = register_module_parameter_registration_hook(self._register)
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *error: Any) -> None:
        self._hook.remove()
        super().__exit__(*error)  # type: ignore[no-untyped-call]

    def history(self, tensor: Tensor) -> History | None:
        """Return what is known of a tensor's memory."""
        return self._histories.get(place(tensor))

    def former(self, module: nn.Module, name: str) -> Iterator[History]:
        """Yield the histories of the memories that a module's parameter had in turn."""
        yield from self._places.get(module, {}).get(name, ())

    def _register(self, module: nn.Module, name: str, parameter: Any) -> None:
        if not isinstance(parameter, Tensor) or not place(parameter):
            return
        if self.history(parameter) is None:  # made past PyTorch's operations: of a list, or by NumPy
            self._note(parameter, "tensor", born=True, random=False)
        history = self.history(parameter)
        if history is not None:
            history.registered = True
            self._places.setdefault(module, {}).setdefault(name, []).append(history)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        name = func.overloadpacket.__name__
        targets = list(written(func, args, kwargs))
        given = list(tensors((args, dict(kwargs))))
        read = [t for t in given if name in UPDATING or all(t is not target for target in targets)]
        garbage = name not in FRESH | RESERVING and any(self._is_garbage(tensor) for tensor in read)
        drawn = name in RANDOM or any(self._is_drawn(tensor) for tensor in read)
        inputs = {place(tensor) for tensor in given}
        result = func(*args, **kwargs)
        if targets and name not in SETTING:
            for target in targets:
                self._note(target, "empty" if garbage else name, born=garbage, random=drawn)
        elif not targets and not func.is_view:
            for tensor in tensors(result):
                if place(tensor) not in inputs and not (name in COPYING and self._follow(given[0], tensor)):
                    self._note(tensor, "empty" if garbage or name in RESERVING else name, born=True, random=drawn)
        return result

    def _is_garbage(self, tensor: Tensor) -> bool:
        history = self.history(tensor)
        return history is not None and bool(history.writes) and history.garbage

    def _is_drawn(self, tensor: Tensor) -> bool:
        history = self.history(tensor)
        return history is not None and bool(history.writes) and history.writes[-1].random

    def _follow(self, source: Tensor, copy: Tensor) -> bool:
        """Let a copy have the history of what it was copied from, if both fill their memory."""
        known = self.history(source)
        if known is None or not place(copy) or not (_fills(source) and _fills(copy)):
            return False
        state = sample(copy)
        writes = [*known.writes[:-1], replace(known.writes[-1], after=state)] if known.writes else []
        self._begin(copy).writes = writes
        return True

    def _begin(self, tensor: Tensor) -> History:
        if len(self._histories) % SWEPT_EVERY == SWEPT_EVERY - 1:
            gone = [key for key, h in self._histories.items() if h.holder.expired() and not h.registered]
            for key in gone:
                del self._histories[key]
        found = History(torch.multiprocessing.reductions.StorageWeakRef(tensor.untyped_storage()))  # type: ignore[no-untyped-call]
        self._histories[place(tensor)] = found
        return found

    def _note(self, tensor: Tensor, operation: str, *, born: bool, random: bool) -> None:
        if not place(tensor):
            return
        history = self.history(tensor)
        if history is None or born:
            history = self._begin(tensor)
        asker = asked_by(self._stop, __file__)
        low = int(tensor.storage_offset())
        high = low + 1 + sum((size - 1) * int(step) for size, step in zip(tensor.shape, tensor.stride(), strict=True))
        value = constant(tensor) if operation != "empty" else None
        state = sample(tensor)
        self._order += 1
        update = operation in UPDATING
        write = Write(self._order, operation, asker, born, (low, high), tensor.numel(), value, random, update, state)
        history.writes.append(write)


def place(tensor: Tensor) -> int:
    """Return what tells a tensor's memory from all others, or 0 if it has none."""
    if is_lazy(tensor) or tensor.layout != torch.strided or tensor.device.type == "meta" or not tensor.numel():
        return 0
    storage = tensor.untyped_storage()
    return storage._cdata if storage.data_ptr() else 0


def sample(tensor: Tensor) -> bytes:
    """Return some words of a tensor's memory, evenly spread; all of it where it is small."""
    storage = tensor.untyped_storage()
    flat = torch.empty(0, dtype=torch.uint8, device=tensor.device).set_(storage)
    words = len(flat) // WORD
    if words <= REMEMBERED:
        return bytes(flat.tolist())
    return bytes(flat[: words * WORD].view(words, WORD)[:: words // REMEMBERED].flatten().tolist())


def constant(tensor: Tensor) -> float | None:
    """Return the one value that all entries have; None for several, or for what is no real number."""
    if not tensor.is_floating_point() or tensor.element_size() < 2:
        return None
    some = tensor[tuple(slice(0, 4) for _ in tensor.shape)]
    if not bool((some == some.flatten()[0]).all()):
        return None
    low, high = tensor.detach().aminmax()
    if not bool(low == high):
        return None
    return float(low) if tensor.dtype is torch.float64 else float(str(low.float().cpu().numpy()))


def _fills(tensor: Tensor) -> bool:
    storage = tensor.untyped_storage()
    return tensor.is_contiguous() and tensor.numel() * tensor.element_size() == storage.nbytes()
