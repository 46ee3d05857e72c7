"""A model at any moment of its training, seen on one batch: its cost, its gradient, the units of its hidden layers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from symbreak.diagnosis.colours import parted, signs
from symbreak.diagnosis.observation import Loss, Observation, Operation, Slices
from symbreak.diagnosis.wires import WEIGHTED, Wires
from symbreak.torch import calls
from symbreak.torch.gradients import gradient_of, real
from symbreak.torch.guard import untouched
from symbreak.torch.losses import LossWatch
from symbreak.torch.operations import flat_regions, kind_of
from symbreak.torch.signals import Signals
from symbreak.torch.trace import Noiseless, Record, Recorder, record_pass
from symbreak.torch.wiring import Wiring

Array = NDArray[np.floating[Any]]

# A histogram of forty bins is settled by so many numbers.
SAMPLED = 4096
# Under these a unit and its mirror image answer alike, up to the sign.
ODD = frozenset(("tanh", "erf", "sin", "hardtanh", "identity"))
# What may stand between a layer and the activation that its units go through.
BETWEEN = frozenset(("norm", "add", "pool"))


@dataclass(frozen=True, eq=False)
class Layer:
    """A hidden layer: an operation that uses a weight, and the activation that its units go through.

    Attributes:
        weight: name of the parameter.
        activation: name of the activation; "" if there is none.
        units: how many there are.
        effective: how many of them are different: in what they give on the batch, or in the gradient that comes back.
        saturated: share of entries in a part of the activation that is flat but not exactly so.
        dead: share of units whose slope is exactly 0 on the whole batch.
        values: some of the numbers that it gives, after the activation.
        gradient: some entries of the gradient of its weight.
    """

    weight: str
    activation: str
    units: int
    effective: int
    saturated: float
    dead: float
    values: Array
    gradient: Array


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What one forward and one backward pass show.

    Attributes:
        loss: the loss as it was computed; `loss.total` is what training makes small.
        gradient_norm: Euclidean norm over all parameters.
        layers: the hidden ones, in the order in which they run.
        output: some entries of the gradient of the last layer's weight, as `Layer.gradient`.
        prediction: what the model gave.
    """

    loss: Loss
    gradient_norm: float
    layers: tuple[Layer, ...]
    output: Array
    prediction: Tensor | None


@dataclass(eq=False)
class _Watch:
    """What is noted of each operation while its numbers are in memory."""

    signals: Signals = field(default_factory=Signals)
    losses: LossWatch = field(default_factory=LossWatch)
    given: dict[int, Slices] = field(default_factory=dict)
    returned: dict[int, Slices] = field(default_factory=dict)
    values: dict[int, Array] = field(default_factory=dict)
    flat: dict[int, bool] = field(default_factory=dict)

    def __call__(self, record: Record, args: tuple[Any, ...], kwargs: Mapping[str, Any], output: Tensor) -> Any:
        self.losses.watch(record, args, kwargs)
        measure = self.signals.watch(record, args, kwargs, output)
        kind = kind_of(record.target)
        if measure is None or kind not in WEIGHTED | {"matmul", "activation"}:
            return measure
        self.values[record.index] = _some(output)
        if kind == "activation":
            regions = flat_regions(record.target, record.arguments) or ()
            self.flat[record.index] = any(not region.exact for region in regions)
            return measure
        axis = self.signals.axes[record.index]
        self.given[record.index] = _slices(output, axis)

        def note(gradient: Tensor) -> None:
            measure(gradient)
            self.returned[record.index] = _slices(gradient, axis)

        return note


@dataclass(eq=False)
class _Pass:
    """One pass, and what is kept of it: some entries of each gradient, the squares of all, the prediction."""

    model: nn.Module
    x: Any
    y: Any
    loss_fn: calls.LossFunction | None
    watch: _Watch = field(default_factory=_Watch)
    gradients: dict[str, Array] = field(default_factory=dict)
    squares: float = 0.0
    prediction: Tensor | None = None

    def run(self, recorder: Recorder) -> Tensor:
        """Go forward and backward, and return the loss."""
        self.watch.losses.written.records = recorder.trace.records
        recorder.add_input("input", self.x)
        recorder.add_input("target", self.y)
        with recorder:
            output = calls.forward(self.model, self.x)
            loss = calls.needed_loss(output, self.y, self.loss_fn)
        recorder.attach()
        recorder.add_end(loss)
        with Noiseless():  # type: ignore[no-untyped-call]
            loss.mean().backward()  # type: ignore[no-untyped-call]
        for name, parameter in self.model.named_parameters():
            if parameter.grad is not None:
                self.squares += gradient_of(parameter.grad).rms ** 2 * parameter.numel()
                self.gradients[name] = _some(parameter.grad)
        prediction = calls.main_output(output)
        self.prediction = None if prediction is None else prediction.detach()
        return loss.detach()


def snapshot(
    model: nn.Module, x: Any, y: Any = None, loss_fn: calls.LossFunction | None = None, *, seed: int = 0
) -> Snapshot:
    """Run a model once, forward and backward, as `observe` does: in training mode, with the mean instead of noise.

    Everything is as before afterwards.

    Raises:
        InvalidInput: the model or the loss cannot run on this, or there is no loss.
    """
    seen = _Pass(model, x, y, loss_fn)
    with untouched(model, seed=seed, given=(x, y, loss_fn)):
        calls.in_training(model)
        trace = record_pass(model, seen.run, seen.watch)
    wiring, watch = Wiring(trace), seen.watch
    operations = wiring.operations(watch.signals.forward, watch.signals.axes)
    wires = Wires(Observation(parameters=(), operations=operations))
    records = {place: record for record, place in wiring.numbers().items()}
    return Snapshot(
        loss=watch.losses.loss(trace, float(trace.result.double().mean()), wiring.numbers()),
        gradient_norm=math.sqrt(seen.squares),
        layers=tuple(_layers(wires, watch, records, seen.gradients, _epsilon(model))),
        output=_last_gradient(wires, seen.gradients),
        prediction=seen.prediction,
    )


def _layers(
    wires: Wires, watch: _Watch, records: Mapping[int, int], gradients: Mapping[str, Array], epsilon: float
) -> list[Layer]:
    """Return the hidden layers; a weight that is used several times, as in a recurrent layer, is one."""
    uses: dict[str, list[Operation]] = {}
    for operation in wires.weighted:
        if operation.index not in wires.outputs and operation.weight and records[operation.index] in watch.given:
            uses.setdefault(operation.weight.parameter, []).append(operation)
    return [_layer(name, each, wires, watch, records, gradients, epsilon) for name, each in uses.items()]


def _layer(
    name: str,
    uses: list[Operation],
    wires: Wires,
    watch: _Watch,
    records: Mapping[int, int],
    gradients: Mapping[str, Array],
    epsilon: float,
) -> Layer:
    after = next(filter(None, (_activation(wires, use) for use in uses)), None)
    signal = after.signal if after is not None else None
    indices = [records[use.index] for use in uses]
    shown = records[after.index] if after is not None else indices[0]
    pairs = [(watch.given[index], watch.returned.get(index)) for index in indices]
    units = len(pairs[0][0].norms)
    odd = (after.name if after is not None else "identity") in ODD
    return Layer(
        weight=name,
        activation=after.name if after is not None else "",
        units=units,
        effective=distinct(pairs, signed=odd, epsilon=epsilon),
        saturated=float(signal.flat or 0.0) if signal is not None and watch.flat.get(shown) else 0.0,
        dead=len(signal.off) / max(1, signal.units) if signal is not None else 0.0,
        values=watch.values.get(shown, np.zeros(0)),
        gradient=gradients.get(name, np.zeros(0)),
    )


def _activation(wires: Wires, operation: Operation) -> Operation | None:
    """Return the first activation that reads a layer's units, past norms, sums and pools."""
    pending, seen = list(wires.readers(operation)), set[int]()
    while pending:
        reader = pending.pop(0)
        if reader.kind == "activation":
            return reader
        if reader.kind in BETWEEN and reader.index not in seen:
            seen.add(reader.index)
            pending += wires.readers(reader)
    return None


def distinct(pairs: Sequence[tuple[Slices, Slices | None]], *, signed: bool, epsilon: float) -> int:
    """Count units that differ by more than rounding in what they give or in what comes back, in any use.

    Args:
        pairs: for each use of a layer, slices along its units of what it gives and of the gradient of that.
        signed: units that are mirrored count as one.
        epsilon: relative rounding of the numbers; equal is what differs by less than its square root.
    """
    label = np.zeros(len(pairs[0][0].norms), np.int64)
    for given, returned in pairs:
        sign = signs(given.projections) if signed else np.ones(len(label))
        for slices in (given, returned):
            if slices is not None and len(slices.norms) == len(label):
                known = slices.norms[np.isfinite(slices.norms)]
                level = float(known.mean()) if len(known) else 0.0
                label = parted(label, slices.projections * sign[:, None], slices.norms.copy(), epsilon, level)
    return len(np.unique(label))


def _last_gradient(wires: Wires, gradients: Mapping[str, Array]) -> Array:
    last = next((op for op in reversed(wires.weighted) if op.index in wires.outputs), None)
    name = last.weight.parameter if last is not None and last.weight is not None else ""
    return gradients.get(name, np.zeros(0))


def _slices(tensor: Tensor, axis: int) -> Slices:
    return gradient_of(tensor, (axis,)).slices[axis]


def _some(tensor: Tensor) -> Array:
    """Return at most `SAMPLED` entries, evenly spread."""
    flat = real(tensor.detach()).reshape(-1)
    found: Array = flat[:: max(1, -(-len(flat) // SAMPLED))].cpu().numpy().copy()
    return found


def _epsilon(model: nn.Module) -> float:
    dtypes = {p.dtype for p in model.parameters() if p.is_floating_point()}
    return max((torch.finfo(dtype).eps for dtype in dtypes), default=torch.finfo(torch.float32).eps)


def cost(model: nn.Module, x: Any, y: Any, loss_fn: calls.LossFunction | None, *, seed: int = 0) -> float:
    """Return the loss on a batch in training mode, with the mean instead of noise; everything is as before after."""
    with untouched(model, seed=seed, given=(x, y, loss_fn)), torch.enable_grad(), Noiseless():  # type: ignore[no-untyped-call]
        calls.in_training(model)
        return float(calls.needed_loss(calls.forward(model, x), y, loss_fn).detach().double().mean())
