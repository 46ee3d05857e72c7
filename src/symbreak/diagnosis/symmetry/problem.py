"""From a network to the problem that the refinement solves; refuses what no proof can be about."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.diagnosis.symmetry.exact import ExactSums, column_of_numbers
from symbreak.diagnosis.symmetry.refinement import Problem
from symbreak.diagnosis.symmetry.rules import Family, behaviour
from symbreak.diagnosis.symmetry.scanning import SCANNED, ScannedSums
from symbreak.diagnosis.symmetry.space import Mode
from symbreak.errors import InvalidInput, InvalidShape
from symbreak.network import Network

Array = NDArray[np.floating[Any]]

LOOKED_AT = 2**22


def problem(network: Network, update: Family, sign: int) -> Problem:
    """Return the problem of a network, in exact arithmetic from here on."""
    checked(network)
    acts = behaviour(network.activation, update)
    factors = update.keeps_factors and network.activation.homogeneous
    mode = Mode.LINEAR if factors else Mode.MIRRORED
    return Problem(
        weights=[ScannedSums(w, mode) if w.size >= SCANNED else ExactSums(w, mode) for w in network.weights],
        bias=functools.cache(lambda layer: column_of_numbers(network.biases[layer - 1], mode)),
        bias_signs=[np.sign(b[:, 0]).astype(np.int64) for b in network.biases],
        sizes=network.sizes,
        behaviour=acts,
        family=update,
        input_sign=sign,
    )


def checked(network: Network) -> Network:
    """Refuse a stack of networks, and numbers of which nothing can be proved."""
    if not isinstance(network, Network):
        raise InvalidInput(
            "symmetry is proved of a symbreak Network",
            got=type(network).__name__,
            allowed="a Network",
            hint="Network.from_arrays([W1, W2], [b1, b2], activation='tanh')",
        )
    if network.weights[0].ndim != 2:
        raise InvalidShape(
            "symmetry is proved of one network at a time", got=repr(network), allowed="one network", hint="networks[0]"
        )
    for name, array in zip(names(network), network.parameters, strict=True):
        # `Network.from_arrays` has looked at every entry; a larger array is not read again, and a nan in it can only
        # keep a row from being proved equal to another.
        if array.size <= LOOKED_AT and not np.isfinite(array).all():
            raise InvalidInput(
                f"{name} must be finite", got="nan or infinity", allowed="finite numbers", hint="np.nan_to_num"
            )
    return network


def names(network: Network) -> tuple[str, ...]:
    """Return W1, b1, W2, b2, ..."""
    return tuple(f"{letter}{layer}" for layer in range(1, len(network.weights) + 1) for letter in "Wb")
