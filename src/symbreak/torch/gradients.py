"""Gradients and values as the plain arrays and statistics that rules read."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from symbreak.diagnosis.observation import Gradient, Slices


def array(tensor: Tensor) -> NDArray[Any]:
    """Return the values as NumPy has them, without a copy where it can; bfloat16 and float16 are widened."""
    tensor = tensor.detach().cpu()
    if tensor.is_floating_point() and tensor.dtype not in (torch.float32, torch.float64):
        tensor = tensor.float()
    found: NDArray[Any] = tensor.numpy()
    return found


def gradient_of(gradient: Tensor, axes: Iterable[int] = ()) -> Gradient:
    """Return the statistics of a gradient, and the projections of its slices along some axes."""
    gradient = gradient.detach().to_dense() if gradient.is_sparse else gradient.detach()
    size = rms(gradient)
    bad = 0 if math.isfinite(size) else int((~torch.isfinite(gradient)).sum())
    # Squares of tiny numbers may vanish; only then is every entry looked at.
    zero = size == 0 and not bool(gradient.any())
    return Gradient(size, bad, zero, {axis: _slices(gradient, axis) for axis in axes})


def rms(tensor: Tensor) -> float:
    """Return the root of the mean square of the entries."""
    flat = tensor.reshape(-1)
    flat = flat if flat.dtype in (torch.float32, torch.float64) else flat.float()
    return math.sqrt(float(torch.dot(flat, flat)) / max(1, flat.numel()))


def _slices(tensor: Tensor, axis: int) -> Slices:
    table = tensor.movedim(axis, 0).reshape(tensor.shape[axis], -1)
    table = table if table.dtype in (torch.float32, torch.float64) else table.float()
    generator = torch.Generator().manual_seed(axis)
    directions = torch.randn(table.shape[1], 2, generator=generator, dtype=table.dtype)
    return Slices((table @ directions).numpy(), torch.linalg.vector_norm(table, dim=1).numpy())
