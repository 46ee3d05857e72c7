"""What a model without inputs would cost and score on a user's batches, and how a prediction is scored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from symbreak.diagnosis.observation import Loss
from symbreak.experiments.models.batches import Batch
from symbreak.torch import calls
from symbreak.torch.guard import untouched
from symbreak.torch.snapshot import Snapshot
from symbreak.torch.trace import Noiseless

Array = NDArray[Any]

# The loss that training makes small is the mean over the targets, up to rounding; else its base rate is not known.
AGREEMENT = 1e-3
KNOWN = ("cross-entropy", "binary-cross-entropy", "squared-error")


@dataclass(frozen=True)
class Level:
    """What a model that ignores its input comes to.

    Attributes:
        base: "base-rate", or "starting" where the loss is none of the known: the lowest cost at step 0 then.
        cost: on the measured batches.
        score: what `Run.accuracy` holds: "accuracy", "r2", or "cost".
        base_score: of the most frequent class, or the mean.
    """

    base: str
    cost: float
    score: str
    base_score: float


def level(shots: Sequence[Snapshot], batches: Sequence[Batch]) -> Level | None:
    """Return the base rate on the measured batches, from one snapshot of each; None if the loss is none of the known.

    Cross-entropy: the entropy of the classes' frequencies. Binary cross-entropy: the mean over outputs of
    -p log p - (1 - p) log(1 - p). Squared error: the mean over outputs of the targets' variance.
    """
    losses = [shot.loss for shot in shots]
    kind, targets = losses[0].kind, [loss.targets for loss in losses if loss.targets is not None]
    same = all(loss.kind == kind and _is_mean(loss) for loss in losses) and len(targets) == len(losses)
    if kind not in KNOWN or not same or len({target.shape[1:] for target in targets}) > 1:
        return None
    Y = np.concatenate(targets) if targets[0].ndim else np.stack(targets)
    score = "r2" if kind == "squared-error" else "accuracy"
    if not all(_scorable(shot, batch) for shot, batch in zip(shots, batches, strict=True)):
        return Level("base-rate", _cost(kind, Y), "cost", _cost(kind, Y))
    return Level("base-rate", _cost(kind, Y), score, _score(kind, Y))


def _is_mean(loss: Loss) -> bool:
    return abs(loss.total - loss.value) <= AGREEMENT * max(abs(loss.value), abs(loss.total))


def _cost(kind: str, Y: Array) -> float:
    if kind == "squared-error":
        return float(((Y - Y.mean(axis=0)) ** 2).mean())
    shares = _shares(Y) if kind == "cross-entropy" else np.stack([Y.mean(axis=0), 1 - Y.mean(axis=0)])
    logs = np.log(shares, where=shares > 0, out=np.zeros_like(shares, np.float64))
    entropies = -(shares * logs).sum(axis=0)
    return float(np.mean(entropies))


def _shares(Y: Array) -> Array:
    """Return the frequency of each class, whether targets are indices or shares."""
    if Y.dtype.kind == "f":
        return np.asarray(Y.reshape(-1, Y.shape[-1]).mean(axis=0), np.float64)
    counts = np.unique(Y, return_counts=True)[1]
    return np.asarray(counts / counts.sum())


def _score(kind: str, Y: Array) -> float:
    if kind == "squared-error":
        return 0.0
    if kind == "cross-entropy":
        return float(_shares(Y).max())
    share = (Y > 0.5).mean(axis=0)
    return float(np.maximum(share, 1 - share).mean())


def _scorable(shot: Snapshot, batch: Batch) -> bool:
    """Tell whether the targets that the user gave can be compared with the prediction one by one."""
    y, prediction = batch.y, shot.prediction
    if not isinstance(y, Tensor) or prediction is None:
        return False
    if shot.loss.kind == "cross-entropy":
        return not y.is_floating_point() and _class_axis(prediction, y) is not None
    return prediction.numel() == y.numel()


def _class_axis(prediction: Tensor, y: Tensor) -> int | None:
    """Return the axis of the classes: the one that the targets lack."""
    for axis in (1, prediction.dim() - 1):
        if prediction.dim() == y.dim() + 1 and prediction.shape[:axis] + prediction.shape[axis + 1 :] == y.shape:
            return axis
    return None


def score(
    model: nn.Module, batches: Sequence[Batch], loss: Loss, *, loss_fn: calls.LossFunction | None, seed: int
) -> float:
    """Return the share of right answers, or R^2, in training mode with the mean instead of noise."""
    pairs = [_pair(model, batch, loss, loss_fn, seed) for batch in batches]
    given, wanted = (torch.cat(side) for side in zip(*pairs, strict=True))
    if loss.kind != "squared-error":
        return float((given == wanted).double().mean())
    residual = (given - wanted).square().sum()
    # One mean for each output, as in the base rate.
    total = (wanted - wanted.mean(dim=0)).square().sum()
    return float(1 - residual / total) if total > 0 else 0.0


def _pair(
    model: nn.Module, batch: Batch, loss: Loss, loss_fn: calls.LossFunction | None, seed: int
) -> tuple[Tensor, Tensor]:
    with untouched(model, seed=seed, given=(batch.x, batch.y, loss_fn)), torch.no_grad(), _noiseless():
        calls.in_training(model)
        prediction = calls.main_output(calls.forward(model, batch.x))
    assert prediction is not None, "it was there at the start"
    prediction, y = prediction.detach(), batch.y.detach()
    if loss.kind == "cross-entropy":
        axis = _class_axis(prediction, y)
        assert axis is not None, "it was there at the start"
        return prediction.argmax(axis).reshape(-1), y.reshape(-1)
    if loss.kind == "binary-cross-entropy":
        middle = 0.5 if loss.normalized == "probabilities" else 0.0
        return (prediction > middle).reshape(-1), (y > 0.5).reshape(-1)
    return prediction.reshape(len(y), -1).double(), y.reshape(len(y), -1).double()


_noiseless: Callable[[], Any] = Noiseless
