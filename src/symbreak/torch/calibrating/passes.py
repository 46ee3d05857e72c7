"""Forward passes of a model as if its weights had other sizes; the model itself is not written to."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from symbreak.torch import calls
from symbreak.torch.calibrating.uses import Use
from symbreak.torch.guard import untouched
from symbreak.torch.signals import Signals
from symbreak.torch.trace import Record, Recorder, Trace, Watch, record_pass

# Spread below this share of the size is what rounding of float32 sums leaves of a constant.
CONSTANT = 1e-6


@dataclass(frozen=True)
class Spread:
    """What was measured of one result: means of squares over entries.

    Attributes:
        variance: around the mean of each unit over the batch.
        square: around zero.
        offsets: the mean of each unit.
        read: the variance of what the operation was applied to.
        rows: how many values each unit had.
    """

    variance: float
    square: float
    offsets: Tensor
    read: float
    rows: int

    @property
    def std(self) -> float:
        """The spread; 0 where it is no more than rounding."""
        return math.sqrt(self.variance) if self.variance > CONSTANT**2 * self.square else 0.0


@dataclass
class Setting:
    """Sizes to run with: by parameter, a factor; by bias, what is added to it."""

    factors: dict[str, float] = field(default_factory=dict)
    shifts: dict[str, Tensor] = field(default_factory=dict)


Fit = Callable[[Use, Spread, Mapping[int, float]], tuple[float, Tensor | None]]
"""Called with a use, what it gives, and the spread of streams by the record that they start at; returns by what to
multiply the weight on top, and what to add to the bias."""


class Resized(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Multiplies the weights that operations read, and fits the sizes of some on the way."""

    def __init__(
        self,
        place: Callable[[], int],
        uses: Iterable[Use],
        setting: Setting,
        fit: Callable[[Use, Spread], tuple[float, Tensor | None]],
        spreads: dict[int, Spread],
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._place = place
        self._uses = {use.record: use for use in uses}
        self._setting = setting
        self._fit = fit
        self.spreads = spreads

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        use = self._uses.get(self._place())
        if use is None or func.overloadpacket.__name__ != use.target:
            return func(*args, **(kwargs or {}))
        names = [argument.name for argument in func._schema.arguments]
        place = names.index(use.operand)
        weight = args[place]

        def run(factor: float) -> Any:
            scaled = weight if factor == 1 else weight * factor
            return func(*args[:place], scaled, *args[place + 1 :], **(kwargs or {}))

        factor = self._setting.factors.get(use.parameter, 1.0)
        result = self._shifted(use, run(factor))
        if use.looks_up:
            return result
        read = args[names.index(use.other)]
        self.spreads[use.operation] = spread = measure(result, use.axis, read)
        more, shift = self._fit(use, spread)
        if more == 1 and shift is None:
            return result
        self._setting.factors[use.parameter] = factor * more
        if shift is not None and use.bias is not None:
            known = self._setting.shifts.get(use.bias)
            self._setting.shifts[use.bias] = shift if known is None else known + shift
        return self._shifted(use, run(factor * more))

    def _shifted(self, use: Use, result: Tensor) -> Tensor:
        shift = self._setting.shifts.get(use.bias or "")
        if shift is None:
            return result
        return result + shift.reshape([-1 if axis == use.axis else 1 for axis in range(result.dim())])


def measure(result: Tensor, axis: int, read: Tensor | None = None) -> Spread:
    """Return the spread of a result over everything but its units."""
    if result.is_complex():
        result = torch.view_as_real(result.resolve_conj()).movedim(-1, 0)
        axis += 1
    table = result.detach().movedim(axis, -1)
    table = table.reshape(table.shape[:-1].numel(), table.shape[-1])
    table = table if table.dtype in (torch.float32, torch.float64) else table.float()
    before = measure(read, read.dim() - 1).variance if read is not None else 0.0
    if not table.numel():
        return Spread(0.0, 0.0, table.new_zeros(table.shape[1]), before, len(table))
    variance, means = torch.var_mean(table, dim=0, correction=0)
    total = float(variance.mean())
    return Spread(total, total + float(means.square().mean()), means, before, len(table))


def first_pass(model: nn.Module, x: Any) -> tuple[Trace, Signals]:
    """Run the model forward as it is; return all operations and what was measured of them."""
    signals = Signals()

    def watch(record: Record, args: tuple[Any, ...], kwargs: Mapping[str, Any], output: Tensor) -> None:
        signals.watch(record, args, kwargs, output)

    return _pass(model, x, watch, lambda _: nullcontext()), signals


def sized_pass(
    model: nn.Module, x: Any, uses: Iterable[Use], starts: Mapping[int, int], setting: Setting, fit: Fit
) -> dict[int, Spread]:
    """Run the model forward with weights of the sizes in `setting`, which `fit` may change on the way.

    Args:
        model, x: as always.
        uses: where weights are read.
        starts: records whose spread `fit` is told, with the axis of their units.
        setting: sizes.
        fit: called at each product.

    Returns:
        By operation, what each product gave before a fit.
    """
    streams: dict[int, float] = {}
    spreads: dict[int, Spread] = {}

    def watch(record: Record, args: tuple[Any, ...], kwargs: Mapping[str, Any], output: Tensor) -> None:
        if record.index in starts:
            streams[record.index] = measure(output, starts[record.index]).std

    def resized(recorder: Recorder) -> Resized:
        return Resized(lambda: len(recorder.trace.records), uses, setting, lambda u, s: fit(u, s, streams), spreads)

    _pass(model, x, watch, resized)
    return spreads


def _pass(
    model: nn.Module, x: Any, watch: Watch, around: Callable[[Recorder], AbstractContextManager[object]]
) -> Trace:
    def run(recorder: Recorder) -> None:
        recorder.add_input("input", x)
        with around(recorder), recorder:
            output = calls.forward(model, x)
        recorder.add_end(calls.outputs(output))

    with untouched(model, seed=0, given=(x,)):
        calls.in_training(model)
        return record_pass(model, run, watch)
