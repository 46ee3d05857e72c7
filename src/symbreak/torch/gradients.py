"""Gradients and values as the plain arrays and statistics that rules read."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from symbreak.diagnosis.observation import Gradient, Slices
from symbreak.errors import InvalidInput
from symbreak.torch.nested import quoted
from symbreak.torch.trace import Noiseless


def array(tensor: Tensor) -> NDArray[Any]:
    """Return the values as NumPy has them, without a copy where it can; bfloat16 and float16 are widened."""
    tensor = tensor.detach().cpu()
    if tensor.is_floating_point() and tensor.dtype not in (torch.float32, torch.float64):
        tensor = tensor.float()
    found: NDArray[Any] = tensor.numpy()
    return found


def backward(
    total: Tensor, parameters: Mapping[str, Tensor], axes: Mapping[str, tuple[int, ...]]
) -> dict[str, Gradient]:
    """Run the backward pass of a loss; each gradient is measured as soon as it is whole, and let go.

    Activations that are computed again on the way, as in checkpointing, have the mean instead of noise too.

    Raises:
        InvalidInput: autograd cannot.
    """
    found: dict[str, Gradient] = {}

    def measuring(name: str) -> Callable[[Tensor], None]:
        def measure(parameter: Tensor) -> None:
            if parameter.grad is not None:
                found[name] = gradient_of(parameter.grad, axes.get(name, ()))
            parameter.grad = None

        return measure

    handles = [
        parameter.register_post_accumulate_grad_hook(measuring(name))  # type: ignore[no-untyped-call]
        for name, parameter in parameters.items()
        if parameter.requires_grad
    ]
    try:
        with Noiseless():  # type: ignore[no-untyped-call]
            (total if total.dim() == 0 else total.mean()).backward()  # type: ignore[no-untyped-call]
    except RuntimeError as error:
        raise InvalidInput(
            "a backward pass must run through the model",
            got=quoted(error),
            allowed="a model and a loss on which loss.backward() works",
            hint="loss_fn(model(x), y).backward() shows where it comes from",
        ) from error
    finally:
        for handle in handles:
            handle.remove()
    return found


def gradient_of(gradient: Tensor, axes: Iterable[int] = ()) -> Gradient:
    """Return the statistics of a gradient, and the projections of its slices along some axes."""
    gradient = gradient.detach()
    gradient = gradient if gradient.layout == torch.strided else gradient.to_dense()
    size = rms(gradient)
    bad = 0 if math.isfinite(size) else int((~torch.isfinite(gradient)).sum())
    # Squares of tiny numbers may vanish; only then is every entry looked at.
    zero = size == 0 and not bool(gradient.any())
    return Gradient(size, bad, zero, {axis: _slices(gradient, axis) for axis in axes})


def rms(tensor: Tensor) -> float:
    """Return the root of the mean square of the entries; of a complex number, both parts count as one entry."""
    flat = real(tensor).reshape(-1)
    square = float(torch.dot(flat, flat))
    if not 0 < square < math.inf and flat.dtype == torch.float32:
        square = float(torch.dot(flat.double(), flat.double()))
    return math.sqrt(square / max(1, tensor.numel()))


def real(tensor: Tensor) -> Tensor:
    """Return the numbers in float32 or float64, complex ones with an axis for their two parts at the end."""
    tensor = torch.view_as_real(tensor.resolve_conj()) if tensor.is_complex() else tensor
    return tensor if tensor.dtype in (torch.float32, torch.float64) else tensor.float()


def _slices(tensor: Tensor, axis: int) -> Slices:
    table = real(tensor.movedim(axis, 0))
    table = table.reshape(table.shape[0], table.shape[1:].numel())
    generator = torch.Generator().manual_seed(axis)
    directions = torch.randn(table.shape[1], 2, generator=generator, dtype=table.dtype, device="cpu")
    norms = torch.linalg.vector_norm(table, dim=1)
    if norms.numel() and not 0 < float(norms.min()) < math.inf:  # squares that vanish or overflow, unless the slices do
        table, directions = table.double(), directions.double()
        norms = torch.linalg.vector_norm(table, dim=1)
    return Slices((table @ directions.to(table.device)).cpu().numpy(), norms.cpu().numpy())
