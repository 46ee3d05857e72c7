"""The losses that the command line knows by name, and targets made up for them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from symbreak.errors import InvalidInput
from symbreak.torch.calls import main_output


def cross_entropy(output: Tensor, y: Tensor) -> Tensor:
    """Return the cross-entropy of logits; classes may lie on axis 1, as in torch, or last, as in language models.

    >>> logits = torch.zeros(2, 5, 3)
    >>> round(float(cross_entropy(logits, torch.zeros(2, 5, dtype=torch.long))), 4)
    1.0986
    """
    last = output.dim() > 2 and y.shape == output.shape[:-1] and y.shape != _without(output, 1)
    return functional.cross_entropy(output.movedim(-1, 1) if last else output, y)


def binary_cross_entropy(output: Tensor, y: Tensor) -> Tensor:
    """Return the binary cross-entropy of logits."""
    return functional.binary_cross_entropy_with_logits(output, y.to(output.dtype))


def squared_error(output: Tensor, y: Tensor) -> Tensor:
    """Return the mean squared error; shapes that broadcast are the rule shape-broadcast's to tell."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Using a target size")
        return functional.mse_loss(output, y.to(output.dtype))


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "cross-entropy": cross_entropy,
    "binary-cross-entropy": binary_cross_entropy,
    "squared-error": squared_error,
}


@dataclass(frozen=True)
class MadeUpTargets:
    """Targets for a model's output: classes all as likely, fair coins, or standard normal numbers.

    Attributes:
        loss: a name of `LOSSES`.
        classes: how many the output has; needed where its shape leaves a choice.
        seed: of the draw.

    Raises:
        InvalidInput: when called, for an output that has no such classes.
    """

    loss: str
    classes: int | None
    seed: int

    def __call__(self, output: Any) -> Tensor:
        """Return targets for what the model gave.

        >>> MadeUpTargets("cross-entropy", 3, 0)(torch.zeros(4, 3)).shape
        torch.Size([4])
        """
        prediction = main_output(output)
        if prediction is None:
            raise _unfit("an output without a floating tensor", "a tensor of logits or predictions")
        generator = torch.Generator().manual_seed(self.seed)
        if self.loss == "squared-error":
            return torch.randn(prediction.shape, generator=generator)
        if self.loss == "binary-cross-entropy":
            return torch.randint(0, 2, prediction.shape, generator=generator).float()
        axis = self._axis(prediction)
        return torch.randint(0, prediction.shape[axis], _without(prediction, axis), generator=generator)

    def _axis(self, prediction: Tensor) -> int:
        """Return the axis of the classes: the second of two or four, the last of three, whichever has this many."""
        shape, got = prediction.shape, f"an output of shape {tuple(prediction.shape)}"
        if len(shape) < 2:
            raise _unfit(got, "(samples, classes), (samples, positions, classes) or (samples, classes, ...)")
        usual = [len(shape) - 1, 1] if len(shape) == 3 else [1, len(shape) - 1]
        if self.classes is None:
            if len(shape) > 2:
                raise _unfit(got, "--classes N, which says where the classes are")
            return 1
        axis = next((axis for axis in usual if shape[axis] == self.classes), None)
        if axis is None:
            raise _unfit(got, f"an output with an axis of {self.classes} classes")
        return axis


def _without(tensor: Tensor, axis: int) -> torch.Size:
    return torch.Size(size for place, size in enumerate(tensor.shape) if place != axis)


def _unfit(got: str, allowed: str) -> InvalidInput:
    return InvalidInput(
        "targets are made up for the model's output", got=got, allowed=allowed, hint="--classes 10, or --batch FILE.npz"
    )
