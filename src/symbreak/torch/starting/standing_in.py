"""A model without memory, run all the same: each parameter is stood in for by a view of one short row of numbers."""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor, nn

from symbreak.errors import InvalidInput
from symbreak.torch.sharded import materialize_
from symbreak.torch.shards import is_sharded
from symbreak.torch.starting.kinds import NORMS

# Of biases and scales: too small to be felt, and neither zero nor alike.
SMALL = 0.01


def has_no_memory(model: nn.Module) -> bool:
    """Tell whether some parameter or buffer is on the meta device."""
    return any(tensor.is_meta for tensor in (*model.parameters(), *model.buffers()))


def standing_in(model: nn.Module) -> nn.Module:
    """Return a copy of a model on the meta device that can be run to see its wiring; it takes hardly any memory.

    A matrix of m rows and n columns is read from m + n - 1 random numbers, each row one number further than the row
    before (a Toeplitz matrix): what it gives has the size and the spread that independent entries would give, but for
    chance. Buffers are computed by their modules' own code.

    Raises:
        InvalidInput: a model that is cut already, or a buffer that no code computes.
    """
    cut = next((name for name, tensor in model.named_parameters() if is_sharded(tensor)), None)
    if cut is not None:
        raise InvalidInput(
            "the wiring of a model is read before it is cut",
            got=f"{cut}, in shards",
            allowed="a whole model, which may be on the meta device",
            hint="plan(model, x) before fully_shard",
        )
    twin = copy.deepcopy(model)
    made: dict[int, nn.Parameter] = {}
    for module in twin.modules():
        for name, parameter in module._parameters.items():
            if parameter is not None and parameter.is_meta:
                if id(parameter) not in made:
                    numbers = _numbers(parameter, module, name, len(made))
                    made[id(parameter)] = nn.Parameter(numbers, requires_grad=parameter.requires_grad)
                module._parameters[name] = made[id(parameter)]
    return materialize_(twin)


def _numbers(parameter: Tensor, module: nn.Module, name: str, place: int) -> Tensor:
    generator = torch.Generator().manual_seed(place)
    norm = any(kind in type(module).__name__ for kind in NORMS)
    if not parameter.dim() or (norm and name == "weight"):
        return torch.ones(parameter.shape, dtype=parameter.dtype)
    rows, columns = parameter.shape[0], math.prod(parameter.shape[1:])
    size = math.sqrt(2 / max(1, columns)) if parameter.dim() > 1 else SMALL
    row = torch.randn(rows + columns, generator=generator) * size
    strides = torch.empty(parameter.shape[1:], device="meta").stride()
    return row.to(parameter.dtype).as_strided(parameter.shape, (1, *strides))
