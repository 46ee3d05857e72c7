"""How a stack of networks lies in memory for the kernels: one flat row of numbers for each network.

A layer is the matrix [W | b], so that its bias is one more weight, from an input that is always 1: then
z = [W | b] (a, 1) ends with the bias as the reference does, and the gradient of the bias is one more column.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from symbreak import notation
from symbreak.errors import InvalidInput
from symbreak.network import losses as catalogue_of_losses
from symbreak.network import optimizers
from symbreak.network.arithmetic import padded
from symbreak.network.engine.codes import ACTIVATIONS, LOSSES, OPTIMIZERS
from symbreak.network.network import Network
from symbreak.network.optimizers import Optimizer
from symbreak.numerics import activations

Array = NDArray[np.floating[Any]]
Whole = NDArray[np.int64]

# The numbers of an update rule, in the order of the kernels, by the names of the rules' parameters.
NUMBERS = ("beta1", "beta2", "epsilon", "weight_decay")

# Bytes of a line of the cache, those of the widest registers.
LINE = 64


class Architecture(NamedTuple):
    """What networks of a stack have in common; `offsets[l]` is where layer l + 1 begins in a network's row.

    Activation and loss are tuples of as many zeros as their code says: the length of a tuple is part of its type, so
    a kernel is compiled for its own functions only.
    """

    sizes: Whole
    offsets: Whole
    activation: tuple[int, ...]
    parameter: float
    loss: tuple[int, ...]


class Data(NamedTuple):
    """Inputs with a last row of ones (n_x + 1, m) and targets (n_y, m), filled up to whole vectors, then flat.

    `order` holds, epoch after epoch, the examples of the mini-batches; it has no row for the full batch.
    """

    x: Array
    y: Array
    examples: int
    order: NDArray[np.int32]
    batch: int


class Room(NamedTuple):
    """Where a thread works, all flat.

    Activations of the hidden layers with a row of ones each, pre-activations, deltas, the gradient, the examples'
    losses, rows for a loss, and the inputs and targets of a mini-batch.
    """

    a: Array
    z: Array
    dz: Array
    gradient: Array
    losses: Array
    scratch: Array
    x: Array
    y: Array


class Rule(NamedTuple):
    """How each network is updated: place of the rule, its numbers, rates of each layer's weights and biases."""

    kinds: Whole
    numbers: NDArray[np.float64]
    rates: NDArray[np.float64]
    bias_rates: NDArray[np.float64]


def architecture(networks: Network) -> Architecture:
    """Return what the kernels know of the networks.

    Raises `InvalidInput` for an activation or a loss that is not of the catalogue: only those are compiled.
    """
    if networks.activation != activations.get(networks.activation.text):
        raise _not_compiled("an activation", networks.activation)
    if networks.loss != catalogue_of_losses.get(networks.loss.text):
        raise _not_compiled("a loss", networks.loss)
    name, numbers = _read(networks.activation.text, activations.CATALOGUE)
    sizes = np.array(networks.sizes, np.int64)
    entries = sizes[1:] * (sizes[:-1] + 1)
    offsets = np.concatenate([[0], np.cumsum(entries)])
    parameter = float(next(iter(numbers.values()), 0.0))
    loss = networks.loss.text + (", one output" if (networks.loss.text, sizes[-1]) == ("cross-entropy", 1) else "")
    return Architecture(sizes, offsets, _code(name, ACTIVATIONS), parameter, _code(loss, LOSSES))


def _code(name: str, names: tuple[str, ...]) -> tuple[int, ...]:
    return (0,) * names.index(name)


def rows(networks: Network) -> Array:
    """Return the parameters of a stack, one row for each network: [W1 | b1], [W2 | b2], ..., flat."""
    layers = zip(networks.weights, networks.biases, strict=True)
    return np.concatenate([np.concatenate(pair, axis=-1).reshape(len(pair[0]), -1) for pair in layers], axis=1)


def network(kind: Network, rows: Array) -> Network:
    """Return the networks, or the one network, of these rows."""
    parameters, start = [], 0
    for w in kind.weights:
        n_out, n_in = w.shape[-2:]
        layer = rows[..., start : start + n_out * (n_in + 1)].reshape(*rows.shape[:-1], n_out, n_in + 1)
        parameters += [np.ascontiguousarray(layer[..., :-1]), np.ascontiguousarray(layer[..., -1:])]
        start += n_out * (n_in + 1)
    return kind.with_parameters(parameters)


def data(x: Array, y: Array, order: NDArray[np.int32], batch: int) -> Data:
    """Return inputs and targets as the kernels read them."""
    ones = np.ones((1, x.shape[1]), x.dtype)
    filled = padded(np.concatenate([x, ones]))
    return Data(_aligned(filled), _aligned(padded(y)), x.shape[1], order, batch)


def _aligned(array: Array) -> Array:
    """Return a flat copy that begins with a line of the cache: a vector across two lines is loaded twice."""
    room = np.empty(array.nbytes + LINE, np.uint8)
    start = -room.ctypes.data % LINE
    flat = room[start : start + array.nbytes].view(array.dtype)
    flat[:] = array.reshape(-1)
    return flat


def room(kind: Architecture, dtype: Any, examples: int) -> Room:
    """Return a place to work on so many examples at once."""
    m = padded(np.zeros((1, examples), dtype)).shape[1]
    units = int(kind.sizes[1:].sum())
    hidden = kind.sizes[1:-1]
    # Row n_l of each hidden layer is the 1 that its biases are multiplied by.
    a = np.zeros((units + len(hidden), m), dtype)
    a[np.cumsum(hidden + 1) - 1, :examples] = 1
    z, dz = np.zeros((2, units, m), dtype)
    n_x, n_y = int(kind.sizes[0]), int(kind.sizes[-1])
    shapes = [(kind.offsets[-1],), (m,), (n_y + 2, m), (n_x + 1, m), (n_y, m)]
    return Room(*map(_aligned, (a, z, dz, *(np.zeros(shape, dtype) for shape in shapes))))


def rule(asked: Sequence[str | Optimizer], rates: NDArray[np.float64], bias_rates: NDArray[np.float64]) -> Rule:
    """Return the update rules of networks; `rates` are (networks, layers).

    Raises `InvalidInput` for an update rule that is not of the catalogue.
    """
    known = {one: _update(optimizers.get(one)) for one in dict.fromkeys(asked)}
    found = [known[one] for one in asked]
    kinds, numbers = np.array([kind for kind, _ in found], np.int64), np.array([n for _, n in found])
    return Rule(kinds, numbers, np.ascontiguousarray(rates), np.ascontiguousarray(bias_rates))


def _update(optimizer: Optimizer) -> tuple[int, tuple[float, ...]]:
    if optimizer.update.__module__ != optimizers.__name__:
        raise _not_compiled("an update rule", optimizer)
    name, numbers = _read(optimizer.text, optimizers.CATALOGUE)
    numbers = {{"beta": "beta1"}.get(key, key): value for key, value in numbers.items()}
    return OPTIMIZERS.index(name), tuple(float(numbers.get(key, 0.0)) for key in NUMBERS)


def _read(text: str, catalogue: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the name in the text and its arguments by name, those left out included."""
    call = notation.parse(text)
    bound = inspect.signature(catalogue[call.name]).bind(*call.arguments, **call.keywords)
    bound.apply_defaults()
    return call.name, dict(bound.arguments)


def _not_compiled(what: str, got: object) -> InvalidInput:
    return InvalidInput(
        f"the engine runs {what} of the catalogue, for it is compiled",
        got=f"{got!r}, made elsewhere",
        allowed="a name of the catalogue with its arguments",
        hint="symbreak.network.descend takes any",
    )
