"""Leaving a model as it was: buffers, gradients, modes and every random state, also when something raises."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

from symbreak.errors import InvalidInput


@contextmanager
def untouched(model: nn.Module, *, seed: int) -> Iterator[None]:
    """Seed every random state, hide gradients, keep a copy of the buffers; afterwards all is as before.

    Raises:
        InvalidInput: the forward pass itself wrote to parameters, which no copy was made of.
    """
    buffers = [(buffer, buffer.detach().clone()) for buffer in model.buffers()]
    held = {id(module): dict(module._buffers) for module in model.modules()}
    modes = [(module, module.training) for module in model.modules()]
    gradients = [(parameter, parameter.grad) for parameter in model.parameters()]
    versions = [(name, parameter, parameter._version) for name, parameter in model.named_parameters()]
    for parameter, _ in gradients:
        parameter.grad = None
    try:
        with _random_states(seed):
            yield
    finally:
        for parameter, gradient in gradients:
            parameter.grad = gradient
        for module, training in modes:
            module.training = training
        for module in model.modules():
            module._buffers.update(held.get(id(module), {}))
        with torch.no_grad():
            for buffer, copy in buffers:
                if buffer.shape != copy.shape or not _same_bits(buffer, copy):
                    buffer.copy_(copy)
    written = [name for name, parameter, version in versions if parameter._version != version]
    if written:
        raise InvalidInput(
            "a forward pass must not write to parameters",
            got=f"writes to {', '.join(written[:3])}",
            allowed="a model that only reads its parameters",
            hint="keep running statistics in buffers",
        )


def _same_bits(a: torch.Tensor, b: torch.Tensor) -> bool:
    if a.is_floating_point():
        return bool(torch.equal(a, b) or (torch.equal(torch.nan_to_num(a), torch.nan_to_num(b)) and _same_nan(a, b)))
    return bool(torch.equal(a, b))


def _same_nan(a: torch.Tensor, b: torch.Tensor) -> bool:
    return bool(torch.equal(torch.isnan(a), torch.isnan(b)))


@contextmanager
def _random_states(seed: int) -> Iterator[None]:
    python, legacy = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            random.seed(seed)
            np.random.seed(seed % 2**32)
            yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)
