"""What floating point leaves of a gradient that is zero in exact arithmetic."""

from __future__ import annotations

from torch import nn


def drop_rounding(model: nn.Module, share: float) -> None:
    """Set gradients to zero that are below this share of the largest: Adam would make steps of their signs."""
    grads = [p.grad for p in model.parameters() if p.grad is not None]
    largest = max(float(grad.abs().max()) for grad in grads)
    for grad in grads:
        grad[grad.abs() < share * largest] = 0.0
