"""What cannot be given a start: told in one sentence that names the parameter, before anything is changed."""

from __future__ import annotations

from collections.abc import Collection
from fnmatch import fnmatchcase

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from symbreak.errors import InvalidInput
from symbreak.torch.starting.names import tensors
from symbreak.torch.usable import require_module


def plannable(model: nn.Module, *, kept: Collection[str] = ()) -> None:
    """Refuse a model with parameters that no law can be given, unless patterns in `kept` say to leave them.

    Raises:
        InvalidInput: no module, no parameters, or one that is lazy, quantized, sparse, complex or no float.
    """
    require_module(model)
    for name, module in model.named_modules():
        if type(module).__module__.startswith(("torch.ao.nn.quantized", "torch.nn.quantized")):
            raise _unfit(name or type(module).__name__, "is quantized", "initialize the model before it is quantized")
    found = tensors(model)
    if not found:
        raise InvalidInput(
            "there must be something to initialize",
            got=f"{type(model).__name__} without parameters",
            allowed="a model with parameters",
            hint="torch.nn.Linear(2, 1)",
        )
    for name, tensor in found.items():
        if not any(fnmatchcase(name, pattern) for pattern in kept):
            fillable(name, tensor)


def fillable(name: str, tensor: Tensor) -> None:
    """Refuse a parameter that no law can be given.

    Raises:
        InvalidInput: it is lazy, quantized, sparse, complex or no float.
    """
    if is_lazy(tensor):
        raise _unfit(name, "is lazy: its shape is not known yet", "model(x) once, which gives it a shape")
    if tensor.is_quantized or type(tensor).__name__ == "Params4bit":
        raise _unfit(name, "is quantized", "initialize the model before it is quantized")
    if tensor.layout != torch.strided:
        raise _unfit(name, f"is stored as {str(tensor.layout).removeprefix('torch.')}", "a dense parameter")
    if tensor.is_complex():
        raise _unfit(name, "is complex, and laws are of real numbers", f'overrides={{"{name}": "keep"}}')
    if not tensor.is_floating_point() and tensor.requires_grad:
        raise _unfit(name, f"holds {str(tensor.dtype).removeprefix('torch.')}", f'overrides={{"{name}": "keep"}}')


def _unfit(name: str, what: str, hint: str) -> InvalidInput:
    return InvalidInput(
        "a parameter must be a dense tensor of floating-point numbers to be initialized",
        got=f"{name}, which {what}",
        allowed="float32, float64, float16, bfloat16",
        hint=hint,
    )
