"""Leaving a model as it was: values, gradients, attributes, modes, random states, also when something raises."""

from __future__ import annotations

import random
import sys
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from symbreak.torch.nested import tensors
from symbreak.torch.states import seeded
from symbreak.torch.trace import written

CONTAINERS = (dict, OrderedDict, defaultdict, list, set)
OWN = (torch.Generator, random.Random, np.random.Generator)


@contextmanager
def untouched(model: nn.Module, *, seed: int, given: Any = ()) -> Iterator[None]:
    """Seed every random state and hide gradients and their hooks; afterwards all is as before.

    What is small is copied beforehand. Parameters and the tensors in `given` are copied only when something is about
    to write to them, as weights that are clamped in every forward pass, or a batch that an activation overwrites.

    Args:
        model: whose values, gradients, attributes, hooks and modes are kept.
        seed: for Python's, NumPy's and PyTorch's random state.
        given: tensors, nested as they may be, and modules: the batch, the targets, the loss.
    """
    modules = [*model.modules(), *(item for item in given if isinstance(item, nn.Module))]
    held = [_Attributes(module) for module in modules]
    parameters = {id(p): p for module in modules for p in module.parameters()}
    loose = {id(t): t for each in held for t in each.tensors() if id(t) not in parameters}
    large = [*parameters.values(), *(t for t in tensors(given) if id(t) not in parameters | loose)]
    kept = [_Kept(tensor) for tensor in (*large, *loose.values())]
    small = [(tensor.detach(), tensor.detach().clone()) for tensor in loose.values()]
    written = _Written(large)
    with ExitStack() as after:
        after.callback(_put_back, kept, held, small, written)
        after.enter_context(_default_dtype())
        after.enter_context(_random_states(seed, held))
        after.enter_context(_uncompiled())
        after.enter_context(_unfused(modules))
        after.enter_context(written)
        for each in kept:
            each.hide()
        yield


class _Attributes:
    """What a module's attributes are, and what is in the containers among them: buffers, hooks, caches."""

    def __init__(self, module: nn.Module) -> None:
        self._own = vars(module)
        self.values = dict(self._own)
        self._inside = [(value, value.copy()) for value in _containers(self.values)]

    def tensors(self) -> Iterator[Tensor]:
        """Yield the tensors in attributes and their containers."""
        yield from (item for item in self.values.values() if isinstance(item, Tensor))
        for _, content in self._inside:
            items = content.values() if isinstance(content, dict) else content
            yield from (item for item in items if isinstance(item, Tensor))

    def put_back(self) -> None:
        self._own.clear()
        self._own.update(self.values)
        for container, content in self._inside:
            container.clear()
            container.extend(content) if isinstance(container, list) else container.update(content)


def _containers(values: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the containers among values, and those inside of them, each once."""
    pending, seen = list(values.values()), set()
    while pending:
        value = pending.pop()
        if type(value) in CONTAINERS and id(value) not in seen:
            seen.add(id(value))
            pending += value.values() if isinstance(value, dict) else value
            yield value


class _Kept:
    """A tensor's memory, gradient, hooks and whether it is trained."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor: Any = tensor
        self.memory = tensor.detach()
        self._leaf = tensor.is_leaf
        self._trained = tensor.requires_grad
        self._gradient = tensor.grad if self._leaf else None
        self._steps = tensor._post_accumulate_grad_hooks if self._leaf else None
        self._hooks: Any = tensor._backward_hooks if self._leaf else None
        self._hooked = None if self._hooks is None else self._hooks.copy()

    def hide(self) -> None:
        """Take the gradient away, and hooks that run after it: some take the optimizer's step."""
        if self._leaf:
            self.tensor.grad = None
            self.tensor._post_accumulate_grad_hooks = None

    def put_back(self) -> None:
        if self.tensor.layout == torch.strided and _place(self.tensor) != _place(self.memory):
            self.tensor.data = self.memory
        if self._leaf:
            self.tensor.requires_grad_(self._trained)
            self.tensor.grad = self._gradient
            self.tensor._post_accumulate_grad_hooks = self._steps
            self._put_hooks_back()

    def _put_hooks_back(self) -> None:
        if self._hooks is not None and self._hooks != self._hooked:
            self._hooks.clear()
            self._hooks.update(self._hooked)
        if self.tensor._backward_hooks is not self._hooks:
            self.tensor._backward_hooks = self._hooks


def _place(tensor: Tensor) -> tuple[Any, ...]:
    return tensor.dtype, tensor.data_ptr(), tensor.shape, tensor.stride()


class _Written(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Copies a tensor just before an operation writes to its memory."""

    def __init__(self, kept: list[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._memory: dict[int, list[Tensor]] = {}
        self.copies: list[tuple[Tensor, Tensor]] = []
        for tensor in kept:
            if tensor.layout == torch.strided and tensor.numel():
                self._memory.setdefault(tensor.untyped_storage().data_ptr(), []).append(tensor.detach())

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        for target in written(func, args, kwargs or {}):
            self._about_to_write(target)
        return func(*args, **(kwargs or {}))

    def _about_to_write(self, target: Tensor) -> None:
        if target.layout == torch.strided:
            for tensor in self._memory.pop(target.untyped_storage().data_ptr(), ()):
                self.copies.append((tensor, tensor.clone()))


def _put_back(
    kept: list[_Kept], held: list[_Attributes], small: list[tuple[Tensor, Tensor]], written: _Written
) -> None:
    with torch.no_grad():
        for each in held:
            each.put_back()
        for one in kept:
            one.put_back()
        for memory, copy in (*small, *written.copies):
            if not _same_bits(memory, copy):
                memory.copy_(copy)


def _same_bits(a: Tensor, b: Tensor) -> bool:
    if a.layout != torch.strided or a.is_quantized:
        return False
    return torch.equal(*(t.resolve_conj().resolve_neg().reshape(-1).view(torch.uint8) for t in (a, b)))


@contextmanager
def _default_dtype() -> Iterator[None]:
    dtype = torch.get_default_dtype()
    try:
        yield
    finally:
        torch.set_default_dtype(dtype)


@contextmanager
def _uncompiled() -> Iterator[None]:
    """Run compiled modules as they are written: there is one pass only, and its operations are to be seen."""
    if "torch._dynamo" not in sys.modules:
        yield
    else:
        with torch.compiler.set_stance("force_eager"), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Using `torch.compile")  # the recorder's hooks are global ones
            yield


@contextmanager
def _unfused(modules: list[nn.Module]) -> Iterator[None]:
    """Run LSTMs step by step, as other recurrent layers are: one kernel for all steps hides what each weight does."""
    kernels: Any = torch.backends.mkldnn
    fused = kernels.enabled
    try:
        if any(isinstance(module, nn.LSTM) for module in modules):
            kernels.enabled = False
        yield
    finally:
        kernels.enabled = fused


def _state(generator: Any) -> Any:
    if isinstance(generator, torch.Generator):
        return generator.get_state()
    return generator.getstate() if isinstance(generator, random.Random) else generator.bit_generator.state


@dataclass(frozen=True, eq=False)
class _Generators:
    """Random generators that modules own, with their states."""

    states: tuple[tuple[Any, Any], ...]

    @classmethod
    def of(cls, held: list[_Attributes]) -> _Generators:
        found = {id(value): value for each in held for value in each.values.values()}
        return cls(tuple((value, _state(value)) for value in found.values() if isinstance(value, OWN)))

    def put_back(self) -> None:
        for generator, state in self.states:
            if isinstance(generator, torch.Generator):
                generator.set_state(state)
            elif isinstance(generator, random.Random):
                generator.setstate(state)
            else:
                generator.bit_generator.state = state


@contextmanager
def _random_states(seed: int, held: list[_Attributes]) -> Iterator[None]:
    own = _Generators.of(held)
    try:
        with seeded(seed):
            yield
    finally:
        own.put_back()
