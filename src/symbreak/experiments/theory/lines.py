"""Which theory has something to say about a map, as lines over its axes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from symbreak import initializers
from symbreak.experiments.map.axes import Axis
from symbreak.experiments.map.cell import Cell, start
from symbreak.experiments.map.settings import MapSettings
from symbreak.experiments.running import Problem
from symbreak.experiments.theory.chaos import critical_gain
from symbreak.experiments.theory.sharpness import sharpness
from symbreak.network import Network, optimizers, stack
from symbreak.notation import parse

Array = NDArray[np.floating[Any]]
Side = Literal["x", "y"]

# Theory is smooth, or is drawn to be read as a trend: so many points along an axis show it.
POINTS = 33
# Along these the weights of a layer are no longer independent with mean 0, which the edge of chaos is about.
NOT_INDEPENDENT = ("mean", "epsilon")


@dataclass(frozen=True, eq=False)
class Line:
    """A line over a map.

    Attributes:
        name: for a legend.
        x, y: points, in the units of the axes; nan where theory says nothing.
        says: what it means, in a sentence.
    """

    name: str
    x: Array
    y: Array
    says: str

    def crosses(self, settings: MapSettings) -> bool:
        """Whether a point of it lies on the map."""
        across = (settings.x.low <= self.x) & (self.x <= settings.x.high)
        return bool((across & (settings.y.low <= self.y) & (self.y <= settings.y.high)).any())


def lines(settings: MapSettings, problem: Problem) -> tuple[Line, ...]:
    """Return the lines that theory draws over a map; none where no theory is known, or where it is off the map.

    The edge of chaos where an axis is the weight scale and the network has two hidden layers or more, of one width;
    2 / sharpness where an axis is the learning rate of gradient descent, with or without momentum, on all examples.
    """
    found = (_edge_of_chaos(settings), _stable_rate(settings, problem))
    return tuple(line for line in found if line is not None and line.crosses(settings))


def _edge_of_chaos(settings: MapSettings) -> Line | None:
    side, other = _sides(settings, "scale")
    if side is None or other.quantity in NOT_INDEPENDENT:
        return None
    along = other.points(POINTS)
    scales = np.array([_critical_scale(settings, _cell(settings, side, value)) for value in along])
    says = "Wide, deep networks forget their inputs below this weight scale and tear them apart above it."
    return _line("edge of chaos", side, along, scales, says)


def _critical_scale(settings: MapSettings, one: Cell) -> float:
    """Return the factor on the start at which chi is 1; nan if the theory does not speak of this network."""
    if len(one.layers) < 2 or len(set(one.layers)) > 1:
        return math.nan
    width = one.layers[0]
    weights = initializers.get(settings.init).law((width, width))
    biases = initializers.get(one.bias_init).law((width, 1))
    if weights.mean != 0 or weights.variance == 0 or biases.mean != 0:
        return math.nan
    gain = critical_gain(settings.activation, biases.std)
    return math.nan if gain is None else gain / (weights.std * math.sqrt(width))


def _stable_rate(settings: MapSettings, problem: Problem) -> Line | None:
    side, other = _sides(settings, "learning-rate")
    if side is None or settings.batch_size is not None or _rate_factor(settings.optimizer) is None:
        return None
    along = other.points(POINTS)
    cells = [_cell(settings, side, value) for value in along]
    curved = _sharpnesses(settings, problem, cells)
    factors = np.array([_rate_factor(one.optimizer) for one in cells], np.float64)
    # Where no direction curves upwards there is no such rate.
    rates = np.divide(2 * factors, curved, out=np.full(len(curved), np.nan), where=curved > 0)
    says = "Above this learning rate the first steps of gradient descent leave the neighbourhood of the start."
    return _line("2 / sharpness at the start", side, along, rates, says)


def _rate_factor(optimizer: str) -> float | None:
    """Return by how much the rule's largest stable rate exceeds gradient descent's; None if that is not known.

    On a quadratic of curvature l, v := b v + (1 - b) g, w := w - rate v is stable for rate l < 2 (1 + b) / (1 - b).
    """
    call = parse(optimizers.get(optimizer).text)
    if call.name == "gd":
        return 1.0
    if call.name == "momentum":
        beta = float(call.arguments[0]) if call.arguments else 0.9
        return (1 + beta) / (1 - beta)
    return None


def _sharpnesses(settings: MapSettings, problem: Problem, cells: Iterable[Cell]) -> Array:
    """Return the sharpness of every start; neighbours of one shape are looked at together."""
    starts = [_start(settings, problem, one) for one in cells]
    groups = [list(group) for _, group in itertools.groupby(starts, key=lambda network: network.sizes)]
    return np.concatenate([sharpness(stack(group), problem.train.X, problem.train.Y) for group in groups])


def _start(settings: MapSettings, problem: Problem, one: Cell) -> Network:
    data = problem.train
    return start(one, n_x=data.n_x, n_y=data.n_y, activation=settings.activation, loss=problem.loss, dtype=np.float64)


def _sides(settings: MapSettings, name: str) -> tuple[Side | None, Axis]:
    """Return which side of the map is of this name, and the axis of the other."""
    if settings.x.name == name:
        return "x", settings.y
    return ("y" if settings.y.name == name else None), settings.x


def _cell(settings: MapSettings, side: Side, value: float) -> Cell:
    """Return a network with this value along the other side."""
    return settings.cell(settings.x.low, value) if side == "x" else settings.cell(value, settings.y.low)


def _line(name: str, side: Side, along: Array, values: Array, says: str) -> Line:
    return Line(name, values, along, says) if side == "x" else Line(name, along, values, says)
