"""Calling a model as its user would: inputs of any form, outputs of any form, a loss if there is one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils._pytree import tree_flatten

from symbreak.errors import InvalidInput

LossFunction = Callable[[Any, Any], Tensor]


def forward(model: Callable[..., Any], x: Any) -> Any:
    """Call the model: a dict becomes keyword arguments, a tuple or list positional ones.

    Raises:
        InvalidInput: the model cannot run on this input; the error of the model is quoted.
    """
    try:
        if isinstance(x, Mapping) or hasattr(x, "keys"):
            return model(**{key: x[key] for key in x.keys()})  # noqa: SIM118 - a batch of a tokenizer has no own `in`
        if isinstance(x, (tuple, list)):
            return model(*x)
        return model(x)
    except (RuntimeError, TypeError, ValueError, IndexError, AttributeError, KeyError, AssertionError) as error:
        message = str(error).strip().splitlines()
        raise InvalidInput(
            "the model must run on the input that it is checked with",
            got=f"{type(error).__name__}: {message[0] if message else ''}",
            allowed="an x that model(x) takes: a tensor, a tuple of arguments, a dict of keyword arguments",
            hint="symbreak.check(model, x) with a batch as in training",
        ) from error


def own_loss(output: Any) -> Tensor | None:
    """Return the loss that the model computed itself: `.loss`, `["loss"]`, or an output that is one number."""
    found = output.get("loss") if isinstance(output, Mapping) else getattr(output, "loss", None)
    if found is None and isinstance(output, Tensor) and output.dim() == 0:
        found = output
    return found if isinstance(found, Tensor) and found.requires_grad else None


def main_output(output: Any) -> Tensor | None:
    """Return the prediction: the tensor itself, `.logits`, `["logits"]`, or the first floating tensor inside."""
    if isinstance(output, Tensor):
        return output
    for key in ("logits", "prediction", "predictions", "last_hidden_state"):
        found = output.get(key) if isinstance(output, Mapping) else getattr(output, key, None)
        if isinstance(found, Tensor):
            return found
    tensors = tree_flatten(dict(output) if isinstance(output, Mapping) else output)[0]
    return next((item for item in tensors if isinstance(item, Tensor) and item.is_floating_point()), None)


def loss_of(output: Any, y: Any, loss_fn: LossFunction | None) -> Tensor | None:
    """Return the loss: of `loss_fn(output, y)`, the model's own, or the usual one for targets like these.

    A loss function that cannot take what the model returns is given its prediction instead.
    """
    if loss_fn is not None:
        return _given(loss_fn, output, y)
    own = own_loss(output)
    if own is not None:
        return own
    prediction = main_output(output)
    if y is None or not isinstance(y, Tensor) or prediction is None:
        return None
    return _usual(prediction, y)


def _given(loss_fn: LossFunction, output: Any, y: Any) -> Tensor:
    prediction = main_output(output)
    tries = [output] if isinstance(output, Tensor) or prediction is None else [prediction, output]
    error: Exception | None = None
    for given in tries:
        try:
            return loss_fn(given, y)
        except (RuntimeError, TypeError, ValueError, AttributeError, IndexError, KeyError) as raised:
            error = error or raised
    raise InvalidInput(
        "the loss must take what the model returns and y",
        got=f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}",
        allowed="loss_fn(output, y) that returns one number",
        hint="loss_fn=lambda output, y: torch.nn.functional.cross_entropy(output.logits, y)",
    ) from error


def _usual(prediction: Tensor, y: Tensor) -> Tensor | None:
    if not y.is_floating_point() and y.dtype != torch.bool and prediction.dim() == y.dim() + 1:
        moved = (
            prediction.movedim(-1, 1) if prediction.dim() > 2 and prediction.shape[1:-1] == y.shape[1:] else prediction
        )
        return functional.cross_entropy(moved, y.long())
    if y.is_floating_point() and y.numel() == prediction.numel():
        return functional.mse_loss(prediction, y.reshape(prediction.shape).to(prediction.dtype))
    return None


def outputs(output: Any) -> list[Tensor]:
    """Return all tensors of an output that depend on parameters."""
    tensors = [item for item in tree_flatten(_plain(output))[0] if isinstance(item, Tensor)]
    return [item for item in tensors if item.is_floating_point() and item.requires_grad]


def stand_in(output: Any, *, seed: int) -> Tensor:
    """Return a number whose gradient reaches all outputs: their product with fixed normal numbers."""
    chosen = outputs(output)
    if not chosen:
        raise InvalidInput(
            "the output must depend on the parameters",
            got="an output without a gradient",
            allowed="a model with a trainable parameter that its output depends on",
            hint="requires_grad_(True) on what is trained, and no torch.no_grad() inside",
        )
    generator = torch.Generator().manual_seed(seed)
    parts = [
        (item * torch.randn(item.shape, generator=generator).to(item)).sum()
        / max(1, item.shape[0] if item.dim() else 1)
        for item in chosen
    ]
    return torch.stack([part.float() for part in parts]).sum()


def _plain(output: Any) -> Any:
    if isinstance(output, Mapping):
        return dict(output)
    return (
        output if isinstance(output, (Tensor, tuple, list)) else vars(output) if hasattr(output, "__dict__") else output
    )
