"""Statistics of results and gradients while they are in memory; nothing is kept but numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from symbreak.diagnosis.observation import Signal
from symbreak.torch.gradients import gradient_of
from symbreak.torch.operations import activation_name, flat_regions, kind_of, plain
from symbreak.torch.sharpness import sharpness
from symbreak.torch.trace import Leaf, Record, Ref

MEASURED = frozenset(
    ("input", "linear", "conv", "embedding", "recurrent", "attention", "activation", "norm", "add", "multiply")
) | {"matmul", "concat", "pool"}
# What a mask may have been added to, or handed on by.
MASKED = frozenset(("add", "multiply", "matmul", "concat"))
FADING = frozenset(("gelu", "silu", "mish", "elu", "selu"))
"""Activations that level off to the left alone."""
LEFT = {"mm": "self", "bmm": "self", "addmm": "mat1", "baddbmm": "batch1"}
"""The left factor of a product; where it is the weight, its rows are the units."""
# Cosines between so many rows settle the mean cosine to a few hundredths, at a cost that no pass notices.
SAMPLED_ROWS = 48
SAMPLED_COLUMNS = 1024
# Units whose spread is below this share of their mean may be constant; only these are looked at twice.
NEARLY_CONSTANT = 1e-5


@dataclass(eq=False)
class Signals:
    """What was measured, by the index of the operation."""

    forward: dict[int, Signal] = field(default_factory=dict)
    gradients: dict[int, tuple[float, int]] = field(default_factory=dict)
    axes: dict[int, int] = field(default_factory=dict)
    sharp: dict[int, float] = field(default_factory=dict)
    _fixed: set[int] = field(default_factory=set)

    def watch(
        self, record: Record, args: tuple[Any, ...], kwargs: Mapping[str, Any], output: Tensor
    ) -> Callable[[Tensor], None] | None:
        """Measure a result; return what measures its gradient."""
        kind = kind_of(record.target)
        self._follow_axis(record, kind, output)
        if not record.data:
            self._fixed.add(record.index)
        sharp = sharpness(record, args) if kind in ("softmax", "attention") else None
        if sharp is not None:
            self.sharp[record.index] = sharp
        measurable = output.layout == torch.strided and output.numel() and output.dim()
        if kind not in MEASURED or not record.data or not measurable:
            return None
        axis = self.axes[record.index]
        argument = args[0] if args and isinstance(args[0], Tensor) else None
        flat, off = _flat(record, argument, axis) if kind == "activation" else (None, ())
        result = _unmasked(output.detach()) if kind in MASKED else output.detach()
        self.forward[record.index] = _measure(result, axis, flat, off)

        def note(gradient: Tensor) -> None:
            found = gradient_of(gradient)
            self.gradients[record.index] = (found.rms, found.nonfinite)

        return note

    def _follow_axis(self, record: Record, kind: str, output: Tensor) -> None:
        """Find the axis that counts units: a convolution's is 1, a product's the last, others keep their input's."""
        if kind == "conv":
            axis = output.dim() - 1 - _spatial(record)
        elif kind in ("linear", "matmul") and self._is_fixed(record.arguments.get(LEFT.get(plain(record.target), ""))):
            axis = output.dim() - 2
        elif kind in ("linear", "embedding", "recurrent", "attention", "matmul") or not record.refs:
            axis = output.dim() - 1
        else:
            source = record.refs[0].record
            kept = self.axes.get(source)
            same = kept is not None and kept < output.dim() and len(record.operand_shapes[0]) == output.dim()
            moved = kind == "shape" and record.operand_shapes and record.operand_shapes[0] != tuple(output.shape)
            axis = kept if same and not moved and kept is not None else _usual(output)
        self.axes[record.index] = max(axis, 0)

    def _is_fixed(self, item: Any) -> bool:
        """Whether an operand is a weight: it does not depend on the data."""
        return isinstance(item, Leaf) or (isinstance(item, Ref) and item.record in self._fixed)


def _unmasked(output: Tensor) -> Tensor:
    """Put 0 where a mask of attention has put minus infinity."""
    hidden = torch.isneginf(output) if output.is_floating_point() else None
    return output if hidden is None or not bool(hidden.any()) else output.masked_fill(hidden, 0)


def _usual(output: Tensor) -> int:
    return 1 if output.dim() >= 4 else output.dim() - 1


def _spatial(record: Record) -> int:
    stride = record.arguments.get("stride") or ()
    return len(stride)


def _measure(output: Tensor, axis: int, flat: float | None, off: tuple[int, ...]) -> Signal:
    table = _by_unit(output, axis)
    rows, units = table.shape
    means, variance = _moments(table)
    std = math.sqrt(max(0.0, float(variance.mean())))
    mean = float(means.mean())
    rms = math.sqrt(float((variance + means.square()).mean()))
    nonfinite = 0 if math.isfinite(rms) else int((~torch.isfinite(table)).sum())
    still = torch.nonzero(variance <= (NEARLY_CONSTANT * means).square()).flatten()
    constant = still[(table[:, still] == table[0, still]).all(dim=0)].tolist() if rows > 1 else []
    similarity = _similarity(table if output.dim() == 3 else output.flatten(1) if output.dim() > 3 else table)
    return Signal(mean, rms, std, nonfinite, similarity, units, flat, off, tuple(constant))


def _moments(table: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and variance of each column; products with a vector are much faster than PyTorch's own reduction."""
    weights = torch.full((len(table),), 1 / max(1, len(table)), dtype=table.dtype, device=table.device)
    centred = table - table[0]  # a row as the origin: what is common to all rows cannot drown the differences
    shift = weights @ centred
    return table[0] + shift, (weights @ centred.square_() - shift.square()).clamp_min(0)


def _by_unit(output: Tensor, axis: int) -> Tensor:
    """Return (everything else, units) in float32 or float64."""
    table = output.movedim(axis, -1).reshape(-1, output.shape[axis])
    return table if table.dtype in (torch.float32, torch.float64) else table.float()


def _similarity(rows: Tensor) -> float | None:
    if len(rows) < 2:
        return None
    step = max(1, len(rows) // SAMPLED_ROWS)
    stride = max(1, rows.shape[1] // SAMPLED_COLUMNS)
    some = rows[::step, ::stride][:SAMPLED_ROWS].float()
    lengths = torch.linalg.vector_norm(some, dim=1)
    some = some[(lengths > 0) & torch.isfinite(lengths)]
    if len(some) < 2:
        return None
    directions = some / torch.linalg.vector_norm(some, dim=1, keepdim=True)
    total = float(directions.sum(dim=0).square().sum())
    return (total - len(some)) / (len(some) * (len(some) - 1))


def _flat(record: Record, argument: Tensor | None, axis: int) -> tuple[float | None, tuple[int, ...]]:
    """Return the share of entries in a flat part of the activation, and the units that are off on all samples.

    Curves that level off on one side only (GELU, ELU) are as good as off there; softplus makes small numbers there.
    """
    regions = flat_regions(record.target, record.arguments)
    if regions is None or argument is None:
        return None, ()
    fading = activation_name(record.target, record.arguments).partition("(")[0] in FADING
    table = _by_unit(argument.detach(), axis)
    flat = torch.zeros(table.shape, dtype=torch.bool, device=table.device)
    exact = torch.zeros(table.shape, dtype=torch.bool, device=table.device)
    for region in regions:
        inside = (table >= region.low) & (table <= region.high)
        flat |= inside
        if region.exact or fading:
            exact |= inside
    off = torch.nonzero(exact.all(dim=0)).flatten().tolist()
    return float(flat.float().mean()), tuple(off)
