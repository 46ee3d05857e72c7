"""Calling a model as its user would: inputs of any form, outputs of any form, a loss if there is one."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from symbreak.errors import InvalidInput
from symbreak.torch.gradients import real
from symbreak.torch.nested import is_mapping, quoted, tensors

LossFunction = Callable[[Any, Any], Tensor]

KEPT_FOR_LATER = frozenset(("past_key_values", "cache", "cache_params", "mems"))
"""Outputs that spare the next call some work; no loss is made of them."""


def forward(model: Callable[..., Any], x: Any) -> Any:
    """Call the model: a dict becomes keyword arguments, a tuple or list positional ones.

    Raises:
        InvalidInput: the model cannot run on this input; the error of the model is quoted.
    """
    try:
        if is_mapping(x):
            return model(**{key: x[key] for key in x.keys()})  # noqa: SIM118 - a batch of a tokenizer has no own `in`
        if isinstance(x, (tuple, list)):
            return model(*x)
        return model(x)
    except Exception as error:  # a model may raise anything
        raise InvalidInput(
            "the model must run on the input that it is checked with",
            got=quoted(error),
            allowed="an x that model(x) takes: a tensor, a tuple of arguments, a dict of keyword arguments",
            hint="symbreak.check(model, x) with a batch as in training",
        ) from error


def in_training(model: nn.Module) -> None:
    """Put a model that is not in training mode into it; parts of a model in training that are not are meant so."""
    if not model.training:
        model.train()


def own_loss(output: Any) -> Tensor | None:
    """Return the loss that the model computed itself.

    It is `.loss`, `["loss"]`, an output that is one number, or the first of several if that is one number.
    """
    found = output.get("loss") if isinstance(output, Mapping) else getattr(output, "loss", None)
    first = output[0] if isinstance(output, (tuple, list)) and len(output) > 1 else output
    if found is None and isinstance(first, Tensor) and first.dim() == 0:
        found = first
    return found if isinstance(found, Tensor) and found.requires_grad else None


def main_output(output: Any) -> Tensor | None:
    """Return the prediction: the tensor itself, `.logits`, `["logits"]`, or the first floating tensor inside."""
    if isinstance(output, Tensor):
        return output
    for key in ("logits", "prediction", "predictions", "last_hidden_state"):
        found = output.get(key) if isinstance(output, Mapping) else getattr(output, key, None)
        if isinstance(found, Tensor):
            return found
    return next((item for item in tensors(output) if item.is_floating_point()), None)


def loss_of(output: Any, y: Any, loss_fn: LossFunction | None) -> Tensor | None:
    """Return the loss: of `loss_fn(output, y)`, the model's own, or the usual one for targets like these.

    A loss function that cannot take what the model returns is given its prediction instead.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Using a target size")  # the rule on broadcasting tells that
        return _loss_of(output, y, loss_fn)


def needed_loss(output: Any, y: Any, loss_fn: LossFunction | None) -> Tensor:
    """Return the loss that training makes small, as `loss_of` finds it.

    Raises:
        InvalidInput: there is none.
    """
    loss = loss_of(output, y, loss_fn)
    if loss is None:
        raise InvalidInput(
            "training needs a loss",
            got="a model without a loss of its own, and targets that no usual loss fits",
            allowed="loss_fn(output, y) that returns one number",
            hint="loss_fn=torch.nn.functional.cross_entropy",
        )
    return loss


def _loss_of(output: Any, y: Any, loss_fn: LossFunction | None) -> Tensor | None:
    if loss_fn is not None:
        return _given(loss_fn, output, y)
    own = own_loss(output)
    if own is not None:
        return own
    prediction = main_output(output)
    if y is None or not isinstance(y, Tensor) or prediction is None:
        return None
    try:
        usual = _usual(prediction, y)
    except (RuntimeError, ValueError, IndexError) as error:
        raise InvalidInput(
            "targets must fit what the model returns",
            got=f"{quoted(error)} (targets of shape {tuple(y.shape)}, a prediction of shape {tuple(prediction.shape)})",
            allowed="one class, of those that the model has, or one number for each prediction",
            hint="check(model, x, y, loss_fn), with the loss that training uses",
        ) from error
    return None if usual is None else _checked(usual)


def _given(loss_fn: LossFunction, output: Any, y: Any) -> Tensor:
    prediction = main_output(output)
    tries = [output] if isinstance(output, Tensor) or prediction is None else [output, prediction]
    error: Exception | None = None
    for given in tries:
        try:
            return _checked(loss_fn(given, y))
        except Exception as raised:  # a loss may raise anything
            error = error or raised
    if isinstance(error, InvalidInput):
        raise error
    raise InvalidInput(
        "the loss must take what the model returns and y",
        got=quoted(error),
        allowed="loss_fn(output, y) that returns one number",
        hint="loss_fn=lambda output, y: torch.nn.functional.cross_entropy(output.logits, y)",
    ) from error


def _checked(loss: Any) -> Tensor:
    if not isinstance(loss, Tensor) or not loss.is_floating_point() or not loss.requires_grad or not loss.numel():
        raise InvalidInput(
            "the loss must be a number that depends on the parameters",
            got=f"{type(loss).__name__} without a gradient" if not isinstance(loss, Tensor) else _told(loss),
            allowed="a floating tensor that loss.backward() works on",
            hint="no .item(), .detach(), torch.no_grad() or argmax on the way to it, and something to train",
        )
    return loss


def _told(loss: Tensor) -> str:
    kind = f"{str(loss.dtype).removeprefix('torch.')} tensor of shape {tuple(loss.shape)}"
    return kind if loss.requires_grad else f"{kind} without a gradient"


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
    """Return all tensors of an output that depend on parameters, but for what is kept for later calls."""
    if isinstance(output, Mapping):
        output = {key: value for key, value in output.items() if key not in KEPT_FOR_LATER}
    found = {id(item): item for item in tensors(output)}
    return [item for item in found.values() if _real_or_complex(item) and item.requires_grad and item.numel()]


def _real_or_complex(tensor: Tensor) -> bool:
    return tensor.is_floating_point() or tensor.is_complex()


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
    generator = torch.Generator().manual_seed(seed % 2**63)
    parts = [
        (real(item) * torch.randn(real(item).shape, generator=generator, device="cpu").to(real(item))).sum()
        / max(1, item.shape[0] if item.dim() else 1)
        for item in chosen
    ]
    return torch.stack([part.float() for part in parts]).sum()
