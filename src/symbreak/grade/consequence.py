"""What a mistake leads to, measured: short runs of the lesson's network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak import datasets, random
from symbreak.network import Network, descend, forward
from symbreak.network import cost as cost_of

Array = NDArray[Any]

STEPS = 500
"""Updates of a short run: enough for 0.01 * randn to have learned the flower, a tenth of a second in time."""

RATE = 1.2
"""The lesson's learning rate."""

SIZES = (2, 4, 1)
"""The lesson's network; starts of other sizes are not run."""

DATA = {"planar": "flower data", "circles": "noisy circles"}

OWN_STEPS = 60
"""Updates with the learner's own gradients, each a call of their code."""

OWN_EXAMPLES = 40

FLAT = 0.05
"""A slope of tanh below this counts as saturated: |z| is then above 2.1."""

SATURATION_EXAMPLES = 16

SAME_UNIT = 1e-6
"""Units whose weights differ by less than this share of the largest count as one: rounding alone parts them so far."""


@dataclass(frozen=True)
class Run:
    """The end of a short run: the cost, and how many hidden units are different."""

    cost: float
    units: int


def from_start(parameters: Mapping[str, Array], data: str = "planar") -> str:
    """Return a sentence on where a start leads, beside the lesson's own; "" for sizes that are not the lesson's.

    Args:
        parameters: W1, b1, W2, b2 of 2-4-1.
        data: "planar", or "circles", where the scale of the start matters most.

    >>> zeros = {"W1": np.zeros((4, 2)), "b1": np.zeros((4, 1)), "W2": np.zeros((1, 4)), "b2": np.zeros((1, 1))}
    >>> print(from_start(zeros).split(";")[0])
    From this start, 500 steps on the flower data end at cost 0.693 and the 4 hidden units are 1 unit
    """
    arrays = [np.asarray(parameters[key], dtype=np.float64) for key in ("W1", "b1", "W2", "b2")]
    if [a.shape for a in arrays] != [(4, 2), (4, 1), (1, 4), (1, 1)] or not all(np.isfinite(a).all() for a in arrays):
        return ""
    run, usual = _run(b"".join(a.tobytes() for a in arrays), data), lesson(data)
    units = f"{run.units} unit" if run.units == 1 else f"{run.units} different units"
    return (
        f"From this start, {STEPS} steps on the {DATA[data]} end at cost {run.cost:.3g} and the {SIZES[1]} hidden units"
        f" are {units}; from 0.01 * randn at cost {usual.cost:.3g} and {usual.units} units."
    )


@cache
def lesson(data: str) -> Run:
    """Return the run from the lesson's own start."""
    return _trained(Network.initialize(SIZES, "normal(0.01)", seed=0), data)


def with_gradients(gradients: Callable[[Mapping[str, Array], Array, Array], Mapping[str, Array] | None]) -> str:
    """Return a sentence on where descending with these gradients leads, beside the right ones.

    Args:
        gradients: (parameters, X, Y) -> dW1, db1, dW2, db2, or None where they cannot be had.
    """
    x, y = _few()
    start = Network.initialize(SIZES, "normal(0.5)", seed=0)
    network, first = start, _cost(start, x, y)
    for _ in range(OWN_STEPS):
        keys = ("W1", "b1", "W2", "b2")
        found = gradients(dict(zip(keys, network.parameters, strict=True)), x, y)
        moved = None if found is None else _moved(network, [found[f"d{key}"] for key in keys])
        if moved is None:
            return ""
        network = moved
    right = _last(start, x, y, OWN_STEPS)
    return (
        f"Descending with these gradients, {OWN_STEPS} steps take the cost from {first:.3g} to"
        f" {_cost(network, x, y):.3g}; with the right ones to {_cost(right, x, y):.3g}."
    )


def _moved(network: Network, steps: list[Array]) -> Network | None:
    """Return the network one update further; None where a gradient does not fit."""
    moved = []
    for array, step in zip(network.parameters, steps, strict=True):
        with np.errstate(all="ignore"):
            try:
                after = array - RATE * np.asarray(step, dtype=np.float64)
            except (ValueError, TypeError):
                return None
        if after.shape != array.shape or not np.isfinite(after).all():
            return None
        moved.append(after)
    return network.with_parameters(moved)


@lru_cache(maxsize=256)
def _run(start: bytes, data: str) -> Run:
    flat = np.frombuffer(start)
    w1, b1, w2, b2 = (
        flat[:8].reshape(4, 2),
        flat[8:12].reshape(4, 1),
        flat[12:16].reshape(1, 4),
        flat[16:].reshape(1, 1),
    )
    return _trained(Network.from_arrays([w1, w2], [b1, b2], activation="tanh"), data)


def _trained(network: Network, data: str) -> Run:
    x, y = datasets.load(data).X, datasets.load(data).Y
    last = _last(network, x, y, STEPS)
    return Run(_cost(last, x, y), _units(last))


def _last(network: Network, x: Array, y: Array, steps: int) -> Network:
    for step in descend(network, x, y, iterations=steps, learning_rate=RATE):
        network = step.network
    return network


def _cost(network: Network, x: Array, y: Array) -> float:
    return float(cost_of(network, forward(network, x), y))


@cache
def _few() -> tuple[Array, Array]:
    """Return some examples of the flower, of both classes."""
    data = datasets.load("planar")
    chosen = np.linspace(0, data.samples - 1, OWN_EXAMPLES).astype(int)
    return data.X[:, chosen], data.Y[:, chosen]


def _units(network: Network) -> int:
    """Count hidden units that differ in what they take in and hand on."""
    rows = np.hstack([network.weights[0], network.biases[0], network.weights[1].T])
    largest = float(np.abs(rows).max()) or 1.0
    different: list[Array] = []
    for row in rows:
        if all(np.abs(row - other).max() > SAME_UNIT * largest for other in different):
            different.append(row)
    return len(different)


def saturated_share(weights: Array) -> float:
    """Return which share of tanh units starts with a slope below `FLAT`, on inputs of mean 0 and variance 1.

    >>> saturated_share(np.zeros((4, 64)))
    0.0
    """
    inputs = random.normal((weights.shape[1], SATURATION_EXAMPLES), seed=0, name="grade/saturation")
    slopes = 1 - np.tanh(np.asarray(weights, dtype=np.float64) @ inputs) ** 2
    return float((slopes < FLAT).mean())
