"""From a model on the meta device, sharded or not, to one with memory in which a start can be written."""

from __future__ import annotations

import sys
from typing import Any

import torch
from torch import Tensor, nn

from symbreak.errors import InvalidInput
from symbreak.torch.buffers import recomputed, write
from symbreak.torch.shards import held_tensor
from symbreak.torch.usable import require_module

Place = tuple[nn.Module, str]


def materialize_(model: nn.Module, device: str | torch.device = "cpu") -> nn.Module:
    """Give memory to every tensor of a model that is on the meta device, and return the model.

    Of a tensor that `fully_shard` or `parallelize_module` has cut, this process's shard gets memory only. It is
    `model.to_empty(device=device)` without three losses: tensors that have values keep them, tied parameters stay
    tied, and buffers are computed anew by their modules' own code (see `symbreak.torch.buffers.reset_buffers_`).
    Parameters hold whatever the memory held; `symbreak.torch.init_` comes next.

    Raises:
        InvalidInput: a buffer that no code of its module computes, or a model of the older
            FullyShardedDataParallel. Nothing was changed then.

    >>> with torch.device("meta"):
    ...     model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    >>> materialize_(model)[1].running_var
    tensor([1., 1., 1., 1.])
    """
    require_supported(model)
    values = recomputed(model, _without_memory)
    places = {id(buffer): place for place in _buffers(model) if (buffer := place[0]._buffers[place[1]]) is not None}
    targets = [(places[id(buffer)], value) for buffer, value in values]
    ties = _ties(model)
    give: Any = model._apply  # what `to_empty` calls; fully_shard and other wrappers hear of it
    give(lambda tensor: torch.empty_like(tensor, device=device) if _without_memory(tensor) else tensor)
    for (first, name), *others in ties:
        for module, other in others:
            if module._parameters[other] is not first._parameters[name]:
                module._parameters[other] = first._parameters[name]
    write([(_own(place), value) for place, value in targets])
    return model


def require_supported(model: nn.Module) -> None:
    """Refuse the older FullyShardedDataParallel, whose flattened parameters have lost their shapes; and put models of
    `fully_shard` back into shards, where a start that is written stays.

    Raises:
        InvalidInput: a module is wrapped in FullyShardedDataParallel, or the model is none.
    """
    require_module(model)
    old: Any = sys.modules.get("torch.distributed.fsdp.fully_sharded_data_parallel")
    new: Any = sys.modules.get("torch.distributed.fsdp")
    sharding: Any = getattr(new, "FSDPModule", ())  # which PyTorch has from 2.6 on
    for path, module in model.named_modules():
        if old is not None and isinstance(module, old.FullyShardedDataParallel):
            raise InvalidInput(
                "a start is written into shards that keep their tensor's shape",
                got=f"{path or 'the model'} in FullyShardedDataParallel, which flattens its parameters",
                allowed="fully_shard, parallelize_module, or both",
                hint="torch.distributed.fsdp.fully_shard(model)",
            )
        if isinstance(module, sharding):
            module.reshard()


def _without_memory(tensor: Tensor) -> bool:
    return held_tensor(tensor).is_meta


def _buffers(model: nn.Module) -> list[Place]:
    return [(module, name) for module in model.modules() for name in module._buffers]


def _own(place: Place) -> Tensor:
    buffer = place[0]._buffers[place[1]]
    assert buffer is not None, "it had values"
    return buffer


def _ties(model: nn.Module) -> list[list[Place]]:
    """Return where each parameter stands that stands in several places, the first one first."""
    places: dict[int, list[Place]] = {}
    for module in model.modules():
        for name, parameter in module._parameters.items():
            if parameter is not None:
                places.setdefault(id(parameter), []).append((module, name))
    return [found for found in places.values() if len(found) > 1]
