"""A gradient taken apart: dW of a layer as a product, and which factor makes it zero."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.errors import InvalidInput
from symbreak.lab.frames import nested, whole_passes
from symbreak.lab.race import Race
from symbreak.numerics import Activation
from symbreak.numerics.activations import FLAT_SLOPE

Array = NDArray[np.floating[Any]]

# A factor below this takes two digits of what passes: where a slope counts as flat, too.
NEAR_ZERO = FLAT_SLOPE
# Numbers of a factor that are shown, along each side.
ROWS, COLUMNS = 16, 32
# A share of units and examples from which a factor is said to be lost as a whole.
MOSTLY = 0.9
SILENT = "the answers are right or, where the loss is a squared error, their slope is lost"


def xray(race: Race, index: int, layer: int) -> dict[str, Any]:
    """Return the factors of dW of a layer at the present step.

    dW_l = ((W_(l+1)^T dZ_(l+1)) * g'(Z_l)) A_(l-1)^T / m; of the last layer dW_L = dZ_L A_(L-1)^T / m.

    Raises:
        InvalidInput: no such network or layer.
    """
    race.entrant(index)
    network = race.moment.lanes[index].network
    last = len(network.weights)
    if not 1 <= layer <= last:
        raise InvalidInput("the network has no such layer", got=str(layer), allowed=f"1 to {last}", hint="1")
    with np.errstate(all="ignore"):
        passed, gradient = whole_passes(race.track, index, network)
        factors = [(f"A{layer - 1}" if layer > 1 else "X", passed.activations[layer - 1])]
        if layer == last:
            factors.insert(0, (f"dZ{layer}", gradient.deltas[-1]))
        else:
            z, a = passed.pre_activations[layer - 1], passed.activations[layer]
            slope = network.activation.derivative(z, a)
            above, delta = network.weights[layer].T, gradient.deltas[layer]
            factors = [(f"W{layer + 1}^T", above), (f"dZ{layer + 1}", delta), (f"g'(Z{layer})", slope), *factors]
        product = (f"dW{layer}", gradient.weights[layer - 1])
        told = [_factor(name, values) for name, values in [*factors, product]]
        saved = None if layer == last else _sent_down(above, delta)
    kind, words = verdict(dict(factors), gradient.weights[layer - 1], saved, layer, network.activation)
    return {"network": index, "layer": layer, "factors": told[:-1], "product": told[-1], "kind": kind, "words": words}


def _sent_down(above: Array, delta: Array) -> Array:
    return np.asarray(above @ delta)


def _factor(name: str, values: Array) -> dict[str, Any]:
    sizes = np.abs(values)
    return {
        "name": name,
        "rows": values.shape[0],
        "columns": values.shape[1],
        "zero_share": float((values == 0).mean()),
        "near_zero_share": float((sizes < NEAR_ZERO).mean()),
        "largest": None if not np.isfinite(sizes).all() else float(sizes.max()),
        "values": nested(_thinned(values)),
    }


def _thinned(values: Array) -> Array:
    """Return rows and columns at even distances, few enough to draw."""
    rows = np.unique(np.linspace(0, values.shape[0] - 1, min(ROWS, values.shape[0])).astype(int))
    columns = np.unique(np.linspace(0, values.shape[1] - 1, min(COLUMNS, values.shape[1])).astype(int))
    return np.asarray(values[np.ix_(rows, columns)])


def verdict(
    factors: dict[str, Array], product: Array, sent_down: Array | None, layer: int, activation: Activation
) -> tuple[str, str]:
    """Return which factor is missing, as a word for the page and in a sentence.

    The kinds: "alive", "dead centre" (what comes down from above is zero, the slopes are not), "dead edges" (the slopes
    are nearly zero: saturation), "dead units" (the slopes are zero: ReLU below 0), "no input", "no error", "overflow".
    """
    names = list(factors)
    if not np.isfinite(product).all():
        return "overflow", f"dW{layer} is no number any more: the network overflowed."
    if not np.any(factors[names[-1]]):
        return "no input", f"{names[-1]} is zero on every example: what comes up from below is missing."
    if sent_down is None:
        if not np.any(factors[names[0]]):
            return "no error", f"{names[0]} is zero: {SILENT}."
        small = float((np.abs(factors[names[0]]) < NEAR_ZERO).mean())
        if small >= MOSTLY:
            return "alive", f"{names[0]} is nearly 0 on {small:.0%} of examples: {SILENT}."
        return "alive", f"{names[0]} and {names[1]} are not zero."
    return _hidden(names, list(factors.values()), sent_down, layer, activation)


def _hidden(
    names: list[str], values: list[Array], sent_down: Array, layer: int, activation: Activation
) -> tuple[str, str]:
    (above, delta, slope, _), missing = values, f"{names[0]} {names[1]}"
    if not np.any(delta):
        return "no error", f"{names[1]} is zero: nothing comes down from above."
    if not np.any(sent_down):
        why = f"{names[0]} is all zero" if not np.any(above) else f"the products of {missing} cancel"
        told = f"Dead centre: {why}, so nothing is sent down to layer {layer}."
        if not np.any(slope):
            return "dead centre", f"{told} And {names[2]} is 0 for every unit and example, too."
        steep = f"{names[2]} is {float(np.abs(slope).max()):.3g} at its largest"
        return "dead centre", f"{told} The slopes are not the cause: {steep}."
    flat = float((np.abs(slope) < NEAR_ZERO * _steepest(activation)).mean())
    if not np.any(slope):
        return "dead units", f"Dead units: {names[2]} is exactly 0 for every unit and example."
    if flat >= MOSTLY:
        kind = "dead units" if float((slope == 0).mean()) >= MOSTLY and activation.kinks else "dead edges"
        what = "exactly 0" if kind == "dead units" else "nearly 0, the sums lie far out on the flat ends"
        return kind, (
            f"{kind.capitalize()}: {missing} is there, but {names[2]} is {what} for {flat:.0%} of units and examples."
        )
    return "alive", f"No factor is missing: {flat:.0%} of {names[2]} is nearly 0."


def _steepest(activation: Activation) -> float:
    return float(np.abs(activation.derivative(np.linspace(-8.0, 8.0, 321))).max())
