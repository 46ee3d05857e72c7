"""Buffers of a model that was built without memory: computed anew by each module's own code, and by nothing else."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from symbreak.errors import InvalidInput
from symbreak.torch.shards import held_tensor

Code = Callable[[], object]
Values = dict[str, Tensor]

OWN_METHODS = ("reset_buffers", "reset_running_stats", "reset_parameters", "_reset_parameters")
"""Methods by which modules start afresh; PyTorch's contract for models built on the meta device is that
`reset_parameters` writes the module's parameters and buffers."""

FIRST, SECOND = 0x00, 0x7F
"""Bytes with which a buffer is filled, and seeds of the random state, before the code runs. Code that writes all of a
buffer, and not at random, gives the same values after both."""


def reset_buffers_(model: nn.Module) -> nn.Module:
    """Compute every buffer of a model anew, in place: what `to_empty` leaves in them is whatever the memory held.

    Each module's own code computes its buffers: its method `reset_buffers`, `reset_running_stats` or
    `reset_parameters`, or the method `_init_weights(module)` of a module around it (as models of transformers have
    it). Parameters are out of its reach meanwhile, and random states stay as they are. It is run twice, on buffers of
    different content, so that a value that the code did not write is noticed.

    Raises:
        InvalidInput: no such code computes a buffer; the message names it. Nothing was changed then.

    >>> norm = nn.BatchNorm1d(3, device="meta").to_empty(device="cpu")
    >>> reset_buffers_(norm).running_var
    tensor([1., 1., 1.])
    """
    write(recomputed(model, lambda buffer: True))
    return model


def write(computed: list[tuple[Tensor, Tensor]]) -> None:
    """Write values into their buffers."""
    with torch.no_grad():
        for buffer, values in computed:
            held_tensor(buffer).copy_(values)


def recomputed(model: nn.Module, wanted: Callable[[Tensor], bool]) -> list[tuple[Tensor, Tensor]]:
    """Return (buffer, its values) for each wanted buffer, computed on the processor.

    Raises:
        InvalidInput: as `reset_buffers_`.
    """
    found = []
    for path, module in model.named_modules():
        names = [name for name, buffer in module._buffers.items() if buffer is not None and wanted(buffer)]
        missing = {name for name in names if module.get_buffer(name).numel()}
        for code in _codes(model, path, module) if missing else ():
            for name, values in _written(module, code, missing).items():
                found.append((module.get_buffer(name), values))
                missing.discard(name)
            if not missing:
                break
        if missing:
            raise _unknown(path, module, sorted(missing))
    return found


def _codes(model: nn.Module, path: str, module: nn.Module) -> Iterator[Code]:
    for method in OWN_METHODS:
        if callable(code := getattr(module, method, None)):
            yield code
    parts = path.split(".") if path else []
    for depth in range(len(parts), -1, -1):
        around = model.get_submodule(".".join(parts[:depth]))
        if callable(start := getattr(around, "_init_weights", None)):
            yield functools.partial(start, module)


def _written(module: nn.Module, code: Code, names: set[str]) -> Values:
    """Return those of the buffers that the code writes whole; none if it fails without its parameters."""
    runs = []
    for byte in (FIRST, SECOND):
        with _stand_ins(module, byte), torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.default_generator.manual_seed(byte)
            try:
                code()
            except Exception:  # code for other circumstances than these: it computes nothing here
                return {}
            runs.append({name: _detached(module._buffers.get(name)) for name in names})
    first, second = runs
    return {name: first[name] for name in names if _same(first[name], second[name])}


def _detached(buffer: Tensor | None) -> Any:
    return None if buffer is None else buffer.detach().clone()


def _same(first: Any, second: Any) -> bool:
    if first is None or second is None or first.is_meta or first.shape != second.shape or first.dtype != second.dtype:
        return False
    return torch.equal(first.reshape(-1).view(torch.uint8), second.reshape(-1).view(torch.uint8))


@contextlib.contextmanager
def _stand_ins(module: nn.Module, byte: int) -> Iterator[None]:
    """Put parameters on the meta device and poisoned buffers on the processor in place of a module's own."""
    saved = [(part, dict(part._parameters), dict(part._buffers)) for part in module.modules()]
    try:
        for part, parameters, buffers in saved:
            part._parameters.update({name: _on_meta(own) for name, own in parameters.items()})
            part._buffers.update({name: _poisoned(own, byte) for name, own in buffers.items()})
        yield
    finally:
        for part, parameters, buffers in saved:
            part._parameters.clear()
            part._parameters.update(parameters)
            part._buffers.clear()
            part._buffers.update(buffers)


def _on_meta(own: Tensor | None) -> nn.Parameter | None:
    if own is None:
        return None
    return nn.Parameter(torch.empty(own.shape, dtype=own.dtype, device="meta"), requires_grad=False)


def _poisoned(own: Tensor | None, byte: int) -> Tensor | None:
    if own is None:
        return None
    raw = torch.full((max(1, own.numel() * own.element_size()),), byte, dtype=torch.uint8)
    return raw[: own.numel() * own.element_size()].view(own.dtype).reshape(own.shape)


def _unknown(path: str, module: nn.Module, names: list[str]) -> InvalidInput:
    full = ", ".join(f"{path}.{name}".lstrip(".") for name in names)
    return InvalidInput(
        "a buffer that lost its values must be computed by its module's own code",
        got=f"{full} of {type(module).__name__}: no method writes all of it",
        allowed=f"buffers that {', '.join(OWN_METHODS)} or an _init_weights writes, not at random or from parameters",
        hint=f"def reset_buffers(self): self.{names[0]}.copy_(...) in {type(module).__name__}",
    )
