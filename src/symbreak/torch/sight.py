"""Looking at a model at other points: in float64 where it can run there, on fresh inputs, for any loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules import module as module_hooks
from torch.utils._pytree import tree_map

from symbreak.diagnosis.observation import Array, Gradient, Observation, Sight, Slices
from symbreak.errors import InvalidInput
from symbreak.torch import calls
from symbreak.torch.gradients import backward, gradient_of, real
from symbreak.torch.guard import untouched
from symbreak.torch.nested import is_mapping
from symbreak.torch.trace import Noiseless, has_units, units_in

RATE = 0.01  # of the steps of the walk: AdamW's, in proportion to nothing


@dataclass(eq=False)
class Explorer:
    """A model and its batch, to be looked at.

    Attributes:
        wide: whether it is run in float64; tried first, given up where the model cannot.
    """

    model: nn.Module
    x: Any
    y: Any = None
    loss_fn: calls.LossFunction | None = None
    wide: bool = True
    passes: int = 0
    _paths: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._paths = {id(module): name for name, module in self.model.named_modules() if has_units(module)}

    def look(self, point: Callable[[str], Array | None], seed: int | None) -> Sight:
        """Run forward and backward at a point; see `Look`."""
        if self.wide:
            try:
                return self._look(point, seed)
            except InvalidInput:
                self.wide = False
                point = _unmoved  # the values were handed out once
        return self._look(point, seed)

    def _look(self, point: Callable[[str], Array | None], seed: int | None) -> Sight:
        with self._ready(seed or 0):
            values = self._values(point)
            x = self._cast(self.x if seed is None else fresh(self.x, torch.Generator().manual_seed(seed)))
            with self._watched() as units, Noiseless():  # type: ignore[no-untyped-call]
                output = calls.forward(lambda *args, **kwargs: functional_call(self.model, values, args, kwargs), x)
            total = directed(output, seed or 0)
            trained = {name: values[name] for name, p in self.model.named_parameters() if p.requires_grad}
            self.passes += 1
            axes = {name: tuple(range(p.dim())) for name, p in trained.items()}
            return Sight(backward(total, trained, axes), units, self._epsilon)

    def walk(self, steps: int) -> Iterator[Sight]:
        """Take steps of AdamW on copies, with the loss that training has, on the given batch.

        Gradients that are nothing but rounding count as zero: AdamW would make steps of their signs.
        """
        with self._ready(0):
            values = self._values(_unmoved)
            trained = {name: values[name] for name, p in self.model.named_parameters() if p.requires_grad}
            descent = torch.optim.AdamW(trained.values(), lr=RATE, foreach=False)
            x, y = self._cast(self.x), self._cast(self.y)
            found: list[Sight] = []
            for _ in range(steps + 1):
                with self._watched() as units, Noiseless():  # type: ignore[no-untyped-call]
                    output = calls.forward(lambda *a, **k: functional_call(self.model, values, a, k), x)
                    loss = calls.loss_of(output, y, self.loss_fn)
                total = loss if loss is not None else directed(output, 0)
                descent.zero_grad(set_to_none=True)
                (total if total.dim() == 0 else total.mean()).backward()  # type: ignore[no-untyped-call]
                self.passes += 1
                found.append(Sight(_gradients(trained), units, self._epsilon))
                _drop_rounding(trained, self._epsilon)
                descent.step()
        yield from found

    @property
    def _epsilon(self) -> float:
        dtypes = {p.dtype for p in self.model.parameters() if p.is_floating_point()}
        own = max((torch.finfo(dtype).eps for dtype in dtypes), default=torch.finfo(torch.float32).eps)
        return torch.finfo(torch.float64).eps if self.wide else own

    @contextmanager
    def _ready(self, seed: int) -> Iterator[None]:
        with untouched(self.model, seed=seed, given=(self.x, self.y, self.loss_fn)), torch.enable_grad():
            calls.in_training(self.model)
            if self.wide:
                torch.set_default_dtype(torch.float64)
            yield

    def _cast(self, value: Any) -> Any:
        def one(item: Any) -> Any:
            if not isinstance(item, Tensor):
                return item
            return item.double() if self.wide and item.is_floating_point() else item.detach().clone()

        value = dict(value.items()) if is_mapping(value) else value
        return tree_map(one, value)

    def _values(self, point: Callable[[str], Array | None]) -> dict[str, Tensor]:
        """Return every parameter and buffer: at the point, in the type of the pass, none of it the model's memory."""
        values: dict[str, Tensor] = {}
        for name, parameter in self.model.named_parameters():
            moved = point(name)
            here = parameter.detach() if moved is None else torch.as_tensor(np.asarray(moved), device=parameter.device)
            kept = here.to(torch.float64 if self.wide and parameter.is_floating_point() else parameter.dtype)
            values[name] = (kept.clone() if moved is None and kept is here else kept).requires_grad_(
                parameter.requires_grad
            )
        for name, buffer in self.model.named_buffers():
            values[name] = self._cast(buffer.detach()).clone()
        return values

    @contextmanager
    def _watched(self) -> Iterator[dict[str, Slices]]:
        """Collect what modules give, along their units."""
        units: dict[str, Slices] = {}

        def seen(module: nn.Module, _: Any, output: Any) -> None:
            path, found = self._paths.get(id(module)), units_in(module, output)
            if path is None or found is None:
                return
            tensor, axis = found
            run = sum(key.partition("#")[0] == path for key in units)
            with torch.no_grad():
                units[f"{path}#{run}" if run else path] = gradient_of(tensor, (axis,)).slices[axis]

        handle = module_hooks.register_module_forward_hook(seen)
        try:
            yield units
        finally:
            handle.remove()


def _unmoved(name: str) -> None:
    return None


def _gradients(trained: Mapping[str, Tensor]) -> dict[str, Gradient]:
    return {name: gradient_of(p.grad, range(p.dim())) for name, p in trained.items() if p.grad is not None}


def _drop_rounding(trained: Mapping[str, Tensor], epsilon: float) -> None:
    """Set gradients to zero that are nothing beside the largest."""
    grads = [p.grad for p in trained.values() if p.grad is not None]
    largest = max((float(g.abs().max()) for g in grads if g.numel()), default=0.0)
    for grad in grads:
        grad[grad.abs() <= largest * epsilon**0.75] = 0.0


def directed(output: Any, seed: int) -> Tensor:
    """Return the model's own loss, or its prediction times a random direction: the gradient of some loss at random."""
    own = calls.own_loss(output)
    if own is not None:
        return own
    main = calls.main_output(output)
    if main is None or not main.requires_grad:
        return calls.stand_in(output, seed=seed)
    flat = real(main)
    generator = torch.Generator().manual_seed(seed + 1)
    return (flat * torch.randn(flat.shape, generator=generator, dtype=flat.dtype, device="cpu").to(flat.device)).sum()


def fresh(x: Any, generator: torch.Generator) -> Any:
    """Return inputs of the same kind: floats drawn anew with the same mean and spread, and none below 0 if none was.

    What holds whole numbers, or nothing but 0 and 1, are tokens, classes or masks: they stay.
    """

    def one(item: Any) -> Any:
        if not isinstance(item, Tensor) or not item.is_floating_point() or not item.numel():
            return item
        if bool(((item == 0) | (item == 1)).all()):
            return item
        drawn = torch.randn(item.shape, generator=generator, dtype=torch.float64, device="cpu").to(item.device)
        mean, std = float(item.double().mean()), float(item.double().std(correction=0)) or 1.0
        drawn = mean + std * drawn
        return (drawn.abs() if bool((item >= 0).all()) else drawn).to(item.dtype)

    x = dict(x.items()) if is_mapping(x) else x
    return tree_map(one, x)


def deepened(observation: Observation, model: nn.Module, x: Any, y: Any, loss_fn: Any) -> Observation:
    """Let an observation look at other points and take steps on a copy."""
    explorer = Explorer(model, x, y, loss_fn)
    return replace(observation, look=explorer.look, walk=explorer.walk)
