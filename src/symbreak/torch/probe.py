"""Gradients at other points: the same model, input and loss with other values for some parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils._python_dispatch import TorchDispatchMode

from symbreak.diagnosis.observation import Gradient, Probe
from symbreak.torch import calls
from symbreak.torch.gradients import gradient_of
from symbreak.torch.guard import untouched
from symbreak.torch.trace import noiseless

Values = Mapping[str, NDArray[Any]]


class _Noiseless(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Replace dropout's noise by its mean, as the observed pass did."""

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        return noiseless(func, args, kwargs or {})


def prober(model: nn.Module, x: Any, y: Any, loss_fn: calls.LossFunction | None, *, seed: int) -> Probe:
    """Return a function that gives all gradients with some parameters replaced; the model stays as it is."""

    def probe(values: Values, axes: Mapping[str, tuple[int, ...]]) -> dict[str, Gradient]:
        with untouched(model, seed=seed), torch.enable_grad():
            model.train()
            points = {
                name: _replaced(parameter, values.get(name))
                for name, parameter in model.named_parameters()
                if parameter.requires_grad
            }

            def call(*args: Any, **kwargs: Any) -> Any:
                return functional_call(model, points, args, kwargs)

            with _Noiseless():  # type: ignore[no-untyped-call]
                output = calls.forward(call, x)
                loss = calls.loss_of(output, y, loss_fn)
                total = loss if loss is not None else calls.stand_in(output, seed=seed)
            total = total if total.dim() == 0 else total.mean()
            found = torch.autograd.grad(total, list(points.values()), allow_unused=True)
            return {
                name: gradient_of(each, axes.get(name, ()))
                for name, each in zip(points, found, strict=True)
                if each is not None
            }

    return probe


def _replaced(parameter: Tensor, values: NDArray[Any] | None) -> Tensor:
    point = parameter.detach() if values is None else torch.as_tensor(values).to(parameter)
    return point.clone().requires_grad_() if values is None else point.requires_grad_()
