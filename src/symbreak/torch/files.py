"""Weights in files, without running anything that is in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from symbreak.diagnosis.observation import Observation
from symbreak.errors import InvalidInput
from symbreak.torch.observe import parameters


def observe_file(path: str | Path, *, only: str | None = None) -> Observation:
    """Return the values of a `.safetensors` file, or of a `.pt`, `.pth` or `.bin` file read with `weights_only`.

    Raises:
        InvalidInput: a file that does not exist, is no such file, or holds more than tensors.
    """
    tensors = _read(Path(path))
    holder = nn.Module()
    plain = {name: tensor for name, tensor in tensors.items() if isinstance(tensor, Tensor)}
    if not plain:
        raise _unusable(path, "no tensor in it")
    for name, tensor in plain.items():
        _put(holder, name, tensor)
    return Observation(parameters=parameters(holder, only=only))


def _put(holder: nn.Module, name: str, tensor: Tensor) -> None:
    *path, last = name.split(".")
    for part in path:
        if not isinstance(getattr(holder, part, None), nn.Module):
            holder.add_module(part, nn.Module())
        holder = getattr(holder, part)
    if tensor.is_floating_point():
        holder.register_parameter(last, nn.Parameter(tensor))
    else:
        holder.register_buffer(last, tensor)


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise _unusable(path, "no such file")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return dict(load_file(path))
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # each reader raises errors of its own
        message = str(error).strip().splitlines()
        raise _unusable(path, message[0] if message else type(error).__name__) from error
    nested = found.get("state_dict", found.get("model", found)) if isinstance(found, dict) else {}
    return dict(nested) if isinstance(nested, dict) else {}


def _unusable(path: str | Path, reason: str) -> InvalidInput:
    return InvalidInput(
        "weights are read from a file of tensors, and nothing in it is run",
        got=f"{path}: {reason}",
        allowed=".safetensors, or .pt, .pth, .bin that load with weights_only=True",
        hint="safetensors.torch.save_file(model.state_dict(), 'weights.safetensors')",
    )
