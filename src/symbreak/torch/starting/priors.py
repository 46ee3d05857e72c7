"""The best constant guess of an output, from the targets: where the bias of the head starts."""

from __future__ import annotations

import math

import numpy as np

from symbreak.diagnosis.observation import Loss
from symbreak.initializers.stacks import stack

# A share is believed if the batch has so many targets for each class, as the rule output-bias asks.
TARGETS_PER_CLASS = 20
# More classes are not written out in a law.
MOST_CLASSES = 64


def prior(loss: Loss | None, units: int) -> str | None:
    """Return the law of a head's bias with so many units; None if the targets do not tell it.

    log of the classes' shares for a cross-entropy, log(p / (1 - p)) for a binary one, the mean for a squared error;
    one target of each class is added to those seen.
    """
    if loss is None or loss.targets is None or loss.normalized:
        return None
    targets = np.asarray(loss.targets, np.float64)
    if loss.kind == "cross-entropy" and loss.classes == units <= MOST_CLASSES:
        if targets.size < TARGETS_PER_CLASS * units or targets.min() < 0:
            return None
        counts = np.bincount(targets.astype(np.int64).ravel(), minlength=units) + 1
        return stack(tuple(f"constant({math.log(share):.4g})" for share in counts / counts.sum()))
    if units != 1 or targets.size < TARGETS_PER_CLASS:
        return None
    if loss.kind == "binary-cross-entropy":
        share = (targets.sum() + 1) / (targets.size + 2)
        return f"constant({math.log(share / (1 - share)):.4g})"
    return f"constant({targets.mean():.4g})" if loss.kind == "squared-error" else None
