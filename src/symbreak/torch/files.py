"""Weights in files, without running anything that is in them."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from symbreak.diagnosis.observation import Observation
from symbreak.errors import InvalidInput
from symbreak.torch.observe import judged, parameter

INDEX = ".index.json"
# Trainers put the weights into a dict under one of these names.
NESTED = ("state_dict", "model_state_dict", "model")
# What the reader that runs nothing says of a file that asks for more.
FOREIGN = re.compile(r"GLOBAL ([\w.]+)")


def observe_file(path: str | Path, *, only: str | None = None) -> Observation:
    """Return the values of a file of weights: `.safetensors`, an index of such files, or what torch saved.

    `.pt`, `.pth` and `.bin` are read with `weights_only`. An index (`model.safetensors.index.json`) names the files
    beside it that hold the shards.

    Raises:
        InvalidInput: a file that does not exist, is no such file, or holds more than tensors.
    """
    groups: dict[tuple[Any, ...], tuple[Tensor, list[str]]] = {}
    for name, tensor in _tensors(Path(path)):
        groups.setdefault(_memory(tensor, name), (tensor, []))[1].append(name)
    if not groups:
        raise _unusable(path, "no tensor in it")
    found = tuple(
        parameter(tensor, names, "", buffer=not (floats := tensor.is_floating_point()), trainable=floats)
        for tensor, names in groups.values()
    )
    return Observation(parameters=judged(found, only))


def _memory(tensor: Tensor, name: str) -> tuple[Any, ...]:
    """Return what tied weights share: one memory, seen alike."""
    if not tensor.numel() or tensor.layout != torch.strided:
        return (name,)
    return tensor.data_ptr(), tensor.dtype, tuple(tensor.shape), tensor.stride()


def _tensors(path: Path) -> Iterator[tuple[str, Tensor]]:
    if not path.is_file():
        raise _unusable(path, "no such file" if not path.exists() else "a folder")
    if path.name.endswith(INDEX):
        for shard in _shards(path):
            yield from _tensors(shard)
        return
    for name, tensor in _read(path).items():
        if isinstance(tensor, Tensor):
            if tensor.is_quantized or tensor.layout != torch.strided:
                raise _unusable(path, f"{name} is {'quantized' if tensor.is_quantized else 'not dense'}")
            yield str(name), tensor


def _shards(index: Path) -> list[Path]:
    """Return the files that an index names, each once; they lie beside it."""
    try:
        names = dict.fromkeys(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise _unusable(index, f"no index of weights ({type(error).__name__})") from error
    for name in names:
        if not isinstance(name, str) or Path(name).name != name or name.endswith(INDEX):
            raise _unusable(index, f"it names {name!r}, which is no file of weights beside it")
    return [index.parent / name for name in names]


def _read(path: Path) -> dict[Any, Any]:
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return dict(load_file(path))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the file's format; what cannot be read is told below
            found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # each reader raises errors of its own
        raise _unusable(path, _reason(error)) from error
    if isinstance(found, Tensor):
        return {path.stem: found}
    if not isinstance(found, dict):
        return {}
    nested = next((found[key] for key in NESTED if isinstance(found.get(key), dict)), found)
    return dict(nested)


def _reason(error: Exception) -> str:
    """Say why a file cannot be read; PyTorch's own text advises to run what is in it, which is not handed on."""
    said = " ".join(str(error).split())
    if "weights" in said and "load" in said and "only" in said:
        foreign = FOREIGN.search(said)
        return f"it holds more than tensors: {foreign[1]}" if foreign else "it holds more than tensors, or is damaged"
    plain = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in said)
    return plain[:200] or type(error).__name__


def _unusable(path: str | Path, reason: str) -> InvalidInput:
    return InvalidInput(
        "weights are read from a file of tensors, and nothing in it is run",
        got=f"{path}: {reason}",
        allowed=f".safetensors, *{INDEX} with shards beside it, or .pt, .pth, .bin that load with weights_only=True",
        hint="safetensors.torch.save_file(model.state_dict(), 'weights.safetensors')",
    )
