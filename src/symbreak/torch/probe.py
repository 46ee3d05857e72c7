"""Gradients at other points: the same model, input and loss with other values for some parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call

from symbreak.diagnosis.observation import Gradient, Probe
from symbreak.errors import InvalidInput
from symbreak.torch import calls
from symbreak.torch.gradients import backward
from symbreak.torch.guard import untouched
from symbreak.torch.trace import Noiseless

Values = Mapping[str, NDArray[Any]]


def prober(model: nn.Module, x: Any, y: Any, loss_fn: calls.LossFunction | None, *, seed: int) -> Probe:
    """Return a function that gives all gradients with some parameters replaced; the model stays as it is.

    Where the model cannot run at such a point, it gives none.
    """

    def probe(values: Values, axes: Mapping[str, tuple[int, ...]]) -> dict[str, Gradient]:
        with untouched(model, seed=seed, given=(x, y, loss_fn)), torch.enable_grad():
            calls.in_training(model)
            points = {
                name: _replaced(parameter, values.get(name))
                for name, parameter in model.named_parameters()
                if parameter.requires_grad
            }

            def call(*args: Any, **kwargs: Any) -> Any:
                return functional_call(model, points, args, kwargs)

            try:
                with Noiseless():  # type: ignore[no-untyped-call]
                    output = calls.forward(call, x)
                    loss = calls.loss_of(output, y, loss_fn)
                    total = loss if loss is not None else calls.stand_in(output, seed=seed)
                return backward(total, points, axes)
            except InvalidInput:
                return {}  # the model runs at the start, and not here: nothing is learned

    return probe


def _replaced(parameter: Tensor, values: NDArray[Any] | None) -> Tensor:
    point = parameter.detach() if values is None else torch.as_tensor(values).to(parameter)
    return point.clone().requires_grad_() if values is None else point.requires_grad_()
