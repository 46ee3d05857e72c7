"""What the kernels call activations, losses and update rules: their places in these lists."""

from __future__ import annotations

from symbreak.network import optimizers
from symbreak.numerics import activations

ACTIVATIONS = tuple(activations.CATALOGUE)
# Cross-entropy of one output and of several are two formulas.
LOSSES = ("cross-entropy, one output", "cross-entropy", "squared-error", "squared-error(sigmoid)")
OPTIMIZERS = tuple(optimizers.CATALOGUE)
# Activations whose formulas are written for vectors too: see `kernels_layers`.
FOR_VECTORS = tuple(map(ACTIVATIONS.index, ("identity", "sigmoid", "tanh", "relu", "leaky_relu", "silu")))
