"""Models whose start cannot be read: told in one sentence, before anything runs."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from symbreak.errors import InvalidInput
from symbreak.torch.nested import tensors


def usable(model: nn.Module) -> None:
    """Refuse a model whose values are not there, or are no numbers that an initializer made.

    Raises:
        InvalidInput: lazy layers before their first input, tensors without memory, quantized or sparse tensors, and
            tensors that inference mode made.
    """
    require_module(model)
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        _refuse(name, tensor)
    for name, module in model.named_modules():
        if type(module).__module__.startswith(("torch.ao.nn.quantized", "torch.nn.quantized")):
            raise _quantized(name or type(module).__name__)


def require_module(model: object) -> None:
    """Refuse what is no model of PyTorch.

    Raises:
        InvalidInput: it is none.
    """
    if not isinstance(model, nn.Module):
        raise InvalidInput(
            "a PyTorch model is wanted",
            got=type(model).__name__,
            allowed="torch.nn.Module",
            hint="torch.nn.Linear(2, 1)",
        )


def require_numbers(x: Any) -> None:
    """Refuse a batch without values, or with nan or inf in it; minus infinity, which masks of attention hold, may stay.

    Raises:
        InvalidInput: it says what was found.
    """
    for tensor in tensors(x):
        if tensor.is_meta:
            raise InvalidInput(
                "a batch has values, also one for a model on the meta device",
                got=f"a tensor of shape {tuple(tensor.shape)} on the meta device",
                allowed="tensors in memory",
                hint=f"torch.zeros({tuple(tensor.shape)})",
            )
        if tensor.is_floating_point() and not bool((torch.isfinite(tensor) | torch.isneginf(tensor)).all()):
            raise not_finite("x")


def not_finite(name: str) -> InvalidInput:
    """Build the error for what cannot be measured."""
    return InvalidInput(
        "sizes are measured, so every value must be finite",
        got=f"inf or nan in {name}",
        allowed="finite numbers",
        hint="symbreak.check(model, x) tells where it comes from",
    )


def _refuse(name: str, tensor: Tensor) -> None:
    if is_lazy(tensor):
        raise InvalidInput(
            "a lazy layer has no weights before its first input",
            got=f"{name}, whose shape is not known yet",
            allowed="a model whose layers know their sizes",
            hint="model(x) once, then check(model, x)",
        )
    if tensor.is_meta:
        raise InvalidInput(
            "the values of a model are judged, so they must be in memory",
            got=f"{name} on the meta device, which holds shapes only",
            allowed="tensors with values",
            hint="model.to_empty(device='cpu'), then initialize or load every tensor",
        )
    if tensor.is_quantized:
        raise _quantized(name)
    if tensor.layout != torch.strided:
        raise InvalidInput(
            "parameters are read as dense tensors",
            got=f"{name} in the layout {str(tensor.layout).removeprefix('torch.')}",
            allowed="dense tensors",
            hint="parameter.to_dense() before check",
        )
    if tensor.is_inference():
        raise InvalidInput(
            "a backward pass must run through the model",
            got=f"{name}, which was made in torch.inference_mode()",
            allowed="a model built or loaded outside of inference mode",
            hint="torch.no_grad() where the model is built",
        )


def _quantized(name: str) -> InvalidInput:
    return InvalidInput(
        "the start of training is judged, and a quantized model is not trained",
        got=f"{name}, which is quantized",
        allowed="a model in floating point",
        hint="check the model before it is quantized",
    )
