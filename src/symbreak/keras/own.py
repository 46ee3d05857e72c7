"""What a Keras layer itself asks for, as a law of the catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras  # type: ignore[import-untyped]
import numpy as np
from numpy.typing import NDArray

from symbreak import initializers
from symbreak.errors import InvalidInput
from symbreak.initializers import Law, parts
from symbreak.initializers import law as laws
from symbreak.initializers.fans import Shape
from symbreak.initializers.initializer import Weight
from symbreak.keras.initializer import Initializer

DISTRIBUTIONS = {"truncated_normal": "truncated_normal", "untruncated_normal": "normal", "uniform": "uniform"}


def own_law(layer: Any, variable: str, name: str) -> initializers.Initializer:
    """Return the law of the initializer that a layer holds for one of its variables.

    Keras' own are the catalogue's of the same variance and shape of density: its HeNormal is truncated, so it is
    variance_scaling(2, fan_in, truncated_normal).

    Raises:
        InvalidInput: the layer has none for this variable, or one that is not in the catalogue.

    >>> layer = keras.layers.Dense(4, kernel_initializer="he_normal")
    >>> own_law(layer, "kernel", "dense.kernel")
    variance_scaling(2, fan_in, truncated_normal): N(0, 2/fan_in), truncated at 2 sigma, variance corrected
    """
    held = _held(layer, variable)
    law = _law(held)
    if law is None:
        raise InvalidInput(
            "a variable needs a law where its layer has none in the catalogue",
            got=f"{name}, which {type(layer).__name__} starts by {type(held).__name__ if held else 'itself'}",
            allowed="laws for every variable",
            hint=f'init_(model, {{"{name}": "normal(0.02)", ...}}, seed=0)',
        )
    if variable == "bias" and getattr(layer, "unit_forget_bias", False):
        return initializers.Initializer("forget_bias", ForgetBias(layer.units))
    return law


@dataclass(frozen=True)
class ForgetBias:
    """0, but 1 for the forget gates of an LSTM, the second of its four. Jozefowicz et al., ICML 2015."""

    units: int

    @property
    def formula(self) -> str:
        """The law in symbols."""
        return "1 for the forget gates, 0 elsewhere"

    def law(self, shape: Shape) -> Law:
        """Return the law of an entry at a random position."""
        return laws.entries("forget bias", ((1.0, 0.25), (0.0, 0.75)), self.formula)

    def draw(self, weight: Weight) -> NDArray[Any]:
        """Return the part asked for."""
        gate = parts.flat(weight.shape, weight.index) // max(1, self.units)
        return np.where(gate == 1, 1.0, 0.0).astype(weight.dtype)


def _held(layer: Any, variable: str) -> Any:
    """Return the initializer that a layer keeps for a variable: `kernel_initializer`, `recurrent_initializer`, ..."""
    if isinstance(layer, keras.layers.RMSNormalization):
        return keras.initializers.Ones()
    stems = (variable, variable.removesuffix("_kernel"), "depthwise" if variable == "kernel" else variable)
    held = (getattr(layer, f"{stem}_initializer", None) for stem in stems)
    return next((found for found in held if found is not None), None)


def _law(held: Any) -> initializers.Initializer | None:
    own = keras.initializers
    match held:
        case Initializer():
            return held.law
        case own.VarianceScaling():
            return initializers.variance_scaling(float(held.scale), held.mode, DISTRIBUTIONS[held.distribution])
        case own.RandomNormal():
            return initializers.normal(held.stddev, held.mean)
        case own.RandomUniform():
            return initializers.uniform(held.minval, held.maxval)
        case own.TruncatedNormal() if held.mean == 0:
            return initializers.truncated_normal(held.stddev)
        case own.Orthogonal():
            return initializers.orthogonal(held.gain)
        case own.Identity():
            return initializers.identity(held.gain)
        case own.Zeros():
            return initializers.zeros()
        case own.Ones():
            return initializers.ones()
        case own.Constant():
            return initializers.constant(held.value)
    return None
