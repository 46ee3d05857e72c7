"""A watch over the first steps of a training, whoever runs it: hooks for a few steps, small samples, then nothing.

watch = Watch(model, steps=100)
for step, batch in enumerate(loader):
    watch.begin(step)
    train_on(batch)
    watch.end()
print(watch.watched.to_json())
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.hooks import RemovableHandle

from symbreak.diagnosis.observation import Slices
from symbreak.integrations.record import Layer, Seen, Watched, finite
from symbreak.torch.gradients import gradient_of
from symbreak.torch.snapshot import distinct

# So many rows of a batch tell units apart, and so many entries give a size to a few percent: what a watch costs does
# not grow with the batch or the model's width.
ROWS = 32
ENTRIES = 1024
# An entry is saturated if its slope is below this share of the activation's steepest, as in the columns of `compare`.
FLAT = 0.01
# Where an activation's steepest slope is looked for: all that are in use have it near zero.
GRID = torch.linspace(-6.0, 6.0, 241)
WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
NO_ACTIVATIONS = ("MultiheadAttention", "Softmax", "Softmax2d", "Softmin", "LogSoftmax", "GLU")
ACTIVATIONS = ("torch.nn.modules.activation", "transformers.activations")


@dataclass(eq=False)
class Watch:
    """Looks at a model during a few of its first steps, 0, 1, 4, 16, 64, ...: most happens at first.

    Attributes:
        model: what is trained; its hooks are there during a watched step only.
        steps: those before this number are watched.
    """

    model: nn.Module
    steps: int
    _seen: list[Seen] = field(default_factory=list)
    _open: _Look | None = None

    @property
    def watched(self) -> Watched:
        """What was seen so far."""
        return Watched(tuple(self._seen))

    def begin(self, step: int) -> None:
        """Say that a step is about to run; calling it again before `end` changes nothing."""
        if self._open is None and step < self.steps and _is_watched(step):
            self._open = _Look(step, self.model)

    def end(self) -> None:
        """Say that the optimizer has taken the step."""
        if self._open is not None:
            self._seen.append(self._open.closed())
            self._open = None

    def stop(self) -> None:
        """Take the hooks away, whether the step has ended or not."""
        if self._open is not None:
            self._open.remove()
            self._open = None


def _is_watched(step: int) -> bool:
    """Tell whether a step is 0 or a power of 4."""
    return step == 0 or (step & (step - 1) == 0 and step.bit_length() % 2 == 1)


@dataclass(eq=False)
class _Unit:
    """What a weighted module gave, and what came back to it."""

    epsilon: float
    given: Slices
    returned: Slices | None = None


class _Look:
    """Hooks on one step."""

    def __init__(self, step: int, model: nn.Module) -> None:
        self._step = step
        self._trained = {name: p for name, p in model.named_parameters() if p.requires_grad and p.numel()}
        self._before = _samples(self._trained)
        self._found: dict[str, _Unit | float] = {}
        self._units: dict[str, int] = {}
        self._handles = [handle for name, module in model.named_modules() for handle in self._hooked(name, module)]

    def _hooked(self, name: str, module: nn.Module) -> list[RemovableHandle]:
        if isinstance(module, WEIGHTED):
            axis = -1 if isinstance(module, nn.Linear) else 1
            return [module.register_forward_hook(lambda _, __, output: self._weigh(name, output, axis))]
        if _is_activation(module):
            return [module.register_forward_hook(lambda own, args, _: self._slope(name, own, args))]
        return []

    def _weigh(self, name: str, output: Any, axis: int) -> None:
        """Note a weighted module's first result with a gradient, and hook that gradient."""
        if name in self._found or not isinstance(output, Tensor) or not output.requires_grad or not output.numel():
            return
        unit = _Unit(torch.finfo(output.dtype).eps, _rows(output, axis))
        self._found[name], self._units[name] = unit, output.shape[axis]

        def returned(gradient: Tensor) -> None:
            unit.returned = _rows(gradient, axis)

        output.register_hook(returned)  # type: ignore[no-untyped-call]

    def _slope(self, name: str, module: nn.Module, args: tuple[Any, ...]) -> None:
        """Note the share of an activation's entries in its flat parts; called again here, it is not watched."""
        if name not in self._found and args and isinstance(args[0], Tensor) and args[0].requires_grad:
            self._found[name] = 0.0
            self._found[name] = _saturated(module, args[0].detach())

    def closed(self) -> Seen:
        """Return what was seen, and take the hooks away."""
        self.remove()
        updates = _relative(self._trained, self._before, _samples(self._trained))
        return Seen(self._step, updates, tuple(self._layer(name, found) for name, found in self._found.items()))

    def _layer(self, name: str, found: _Unit | float) -> Layer:
        if isinstance(found, float):
            return Layer(name, saturated=found)
        pair = (found.given, found.returned)
        return Layer(name, self._units[name], distinct([pair], signed=False, epsilon=found.epsilon))

    def remove(self) -> None:
        """Take the hooks away."""
        for handle in self._handles:
            handle.remove()


def _is_activation(module: nn.Module) -> bool:
    kind = type(module)
    plain = next(module.parameters(), None) is None and next(module.children(), None) is None
    return kind.__module__ in ACTIVATIONS and kind.__name__ not in NO_ACTIVATIONS and plain


def _rows(tensor: Tensor, axis: int) -> Slices:
    """Return slices along the units, of some rows of a result or of its gradient: the same rows for both."""
    table = tensor.detach().movedim(axis, -1)
    table = table.reshape(-1, table.shape[-1])
    return gradient_of(table[:: max(1, len(table) // ROWS)][:ROWS], (1,)).slices[1]


def _saturated(module: nn.Module, z: Tensor) -> float:
    some = _some(z).float()
    points = torch.cat([some, GRID.to(some.device)]).requires_grad_()
    with torch.enable_grad(), torch.autocast(some.device.type, enabled=False):
        slopes = torch.autograd.grad(module(points.clone()).sum(), points)[0].abs()
    own, grid = slopes[: len(some)], slopes[len(some) :]
    flat = own < FLAT * grid.max()
    # Where the slope is exactly 0 near the middle, as for ReLU, a unit is not saturated but inactive.
    return float((flat & (own > 0) if bool((grid == 0).any()) else flat).float().mean())


def _some(tensor: Tensor) -> Tensor:
    flat = tensor.detach().reshape(-1)
    return flat[:: max(1, -(-len(flat) // ENTRIES))].clone()


def _samples(parameters: Mapping[str, Tensor]) -> Tensor:
    """Return a row of entries for each parameter, filled up with zeros."""
    if not parameters:
        return torch.zeros(0, 1)
    device = next(iter(parameters.values())).device
    rows = [_some(_own(parameter)).to(device, torch.float32) for parameter in parameters.values()]
    return pad_sequence(rows, batch_first=True)


def _own(parameter: Any) -> Tensor:
    """Return what of a parameter lies in this process."""
    part: Tensor = parameter.to_local() if hasattr(parameter, "to_local") else parameter
    return part.detach()


def _relative(names: Iterable[str], before: Tensor, after: Tensor) -> dict[str, float | None]:
    """Return |w' - w| / |w| of each; None where w = 0."""
    sizes, changes = (torch.linalg.vector_norm(each, dim=1).tolist() for each in (before, after - before))
    pairs = zip(names, changes, sizes, strict=True)
    return {name: finite(change / size) if size else None for name, change, size in pairs}
