"""How fast a small difference between tied units grows along a training run.

Two runs go side by side: the network, and the network with a small difference added. The difference is kept small by
scaling it down (its optimizer state with it) whenever it has grown; what was scaled away is remembered as a logarithm.
While it is small it follows the linearised update, so one run tells the fate of every size of difference. The part
of the difference that respects the classes is taken out: it moves the symmetric run, and the linearised update keeps
the two parts apart (docs/symmetry.md).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from symbreak.network import Network, backward, forward
from symbreak.network.optimizers import Optimizer, State

if TYPE_CHECKING:
    from symbreak.diagnosis.symmetry.symmetry import Symmetry

Array = NDArray[np.floating[Any]]

# The difference is kept between these shares of the largest weight: far above float64's rounding of a step, 1e-16,
# and far below where an activation's bend is felt.
SMALLEST, LARGEST = 2.0**-36, 2.0**-28


@dataclass(frozen=True)
class Tie:
    """Units of one layer with their factors: what `spread` compares."""

    layer: int
    units: tuple[int, ...]
    factors: tuple[float, ...]
    zero: bool


def ties(found: Symmetry) -> tuple[Tie, ...]:
    """Return the classes that hold more than one unit, or that are zero."""
    return tuple(
        Tie(c.layer, c.units, tuple(float(f) for f in c.factors), c.zero)
        for layer in found.layers
        for c in layer.classes
        if c.tier is not None
    )


def spread(tied: Sequence[Tie], activations: Sequence[Array]) -> float:
    """Return the largest difference, over classes, units and examples, between activations that should be tied."""
    return max((_spread(tie, activations[tie.layer]) for tie in tied), default=0.0)


def _spread(tie: Tie, a: Array) -> float:
    rows = a[list(tie.units)].astype(np.float64) / np.array(tie.factors)[:, None]
    return float(np.abs(rows).max() if tie.zero else (rows.max(0) - rows.min(0)).max())


def grown(
    network: Network,
    difference: Sequence[Array],
    X: Array,
    Y: Array,
    *,
    tied: Sequence[Tie],
    optimizer: Optimizer,
    learning_rate: float,
    steps: int,
    floor: float = 0.0,
) -> Iterator[float]:
    """Yield, after 0, 1, ... updates, the spread that the difference has grown to, as a natural logarithm.

    Args:
        difference: added to the parameters at the start; only its direction and size matter, not that it is small.
        floor: rounding, relative to the weights: from the first update on, the difference is at least this large.
    """
    start = tuple(p.astype(np.float64) for p in network.parameters)
    base = _Run(network.with_parameters(start), optimizer.start(start))
    shifted = _Run(base.network, base.state)
    direction = [np.asarray(d, np.float64) for d in difference]
    parting = _Parting(network.sizes, tied)
    scale = _join(base, shifted, parting.of(direction))
    for _ in range(steps + 1):
        one, other = base.step(X, Y, optimizer, learning_rate), shifted.step(X, Y, optimizer, learning_rate)
        size = spread(tied, [b - a for a, b in zip(one, other, strict=True)])
        yield scale + math.log(size) if size > 0 else -math.inf
        if floor and scale + _log(_size(base, shifted)) < _log(floor * _largest(base.network.parameters)):
            noise = [floor * p * _signs(p.shape) for p in base.network.parameters]
            shifted = _Run(base.network, base.state)
            scale = _join(base, shifted, parting.of(noise))
        scale += _kept_small(base, shifted, parting)


@dataclass
class _Run:
    network: Network
    state: State

    def step(self, X: Array, Y: Array, optimizer: Optimizer, rate: float) -> tuple[Array, ...]:
        """Return the activations before the update."""
        passed = forward(self.network, X, arithmetic="unitwise")
        gradient = backward(self.network, passed, Y, arithmetic="unitwise").parameters
        parameters, self.state = optimizer.update(self.network.parameters, gradient, self.state, rate)
        self.network = self.network.with_parameters(parameters)
        return passed.activations


def _join(base: _Run, shifted: _Run, difference: Sequence[Array]) -> float:
    """Add the difference at a safe size; return the logarithm of what was taken off."""
    size = max((float(np.abs(d).max()) for d in difference), default=0.0)
    if size == 0:
        return 0.0
    wanted = SMALLEST * max(_largest(base.network.parameters), 2.0**-20)
    moved = [p + d * (wanted / size) for p, d in zip(base.network.parameters, difference, strict=True)]
    shifted.network = base.network.with_parameters(moved)
    return math.log(size / wanted)


def _kept_small(base: _Run, shifted: _Run, parting: _Parting) -> float:
    size, largest = _size(base, shifted), max(_largest(base.network.parameters), 2.0**-20)
    share = SMALLEST * largest / size if LARGEST * largest < size < math.inf else 1.0

    def shrunk(low: Sequence[Array], high: Sequence[Array]) -> tuple[Array, ...]:
        apart = parting.of([b - a for a, b in zip(low, high, strict=True)])
        return tuple(a + d * share for a, d in zip(low, apart, strict=True))

    shifted.network = base.network.with_parameters(shrunk(base.network.parameters, shifted.network.parameters))
    first, second = shrunk(base.state.first, shifted.state.first), shrunk(base.state.second, shifted.state.second)
    shifted.state = State(first, second, shifted.state.powers)
    return -math.log(share)


class _Parting:
    """Takes out of a difference of parameters what is constant on blocks of classes: the rest parts the units."""

    def __init__(self, sizes: tuple[int, ...], tied: Sequence[Tie]) -> None:
        self.means: list[Array] = [np.eye(n) for n in sizes]
        for tie in tied:
            units, f = list(tie.units), np.array(tie.factors) * (not tie.zero)
            self.means[tie.layer][np.ix_(units, units)] = np.outer(f, f) / max(f @ f, 1.0)

    def of(self, difference: Sequence[Array]) -> list[Array]:
        """Return the part of W1, b1, W2, b2, ... that respects no class."""
        weights = [
            d - (high @ d @ low) for d, low, high in zip(difference[::2], self.means, self.means[1:], strict=False)
        ]
        biases = [d - high @ d for d, high in zip(difference[1::2], self.means[1:], strict=True)]
        return [array for pair in zip(weights, biases, strict=True) for array in pair]


def _size(base: _Run, shifted: _Run) -> float:
    pairs = zip(base.network.parameters, shifted.network.parameters, strict=True)
    return max(float(np.abs(b - a).max()) for a, b in pairs)


def _largest(parameters: Sequence[Array]) -> float:
    return max(float(np.abs(p).max()) for p in parameters)


def _signs(shape: tuple[int, ...]) -> Array:
    """A fixed pattern of 1 and -1 that no grouping of units follows: the signs of sin(1), sin(2), ..."""
    return np.asarray(np.sign(np.sin(np.arange(1.0, math.prod(shape) + 1))).reshape(shape))


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf
