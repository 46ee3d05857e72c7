"""The lesson's network at any depth: its parameters and what they mean."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from symbreak import initializers
from symbreak.errors import InvalidInput, InvalidShape
from symbreak.initializers import Initializer
from symbreak.network import examples, losses
from symbreak.network.losses import Loss
from symbreak.numerics import Activation, activations

Array = NDArray[np.floating[Any]]

MAX_PARAMETERS = 2**31
"""The most weights and biases of one network: in float64 they take 16 GiB, and training several times that."""


@dataclass(frozen=True, eq=False)
class Network:
    """Weights, biases and functions of a fully connected network; columns are examples.

    z1 = W1 x + b1, a1 = g(z1), z2 = W2 a1 + b2, ...; the last z are the logits, from which the loss is computed. With
    no hidden layer it is logistic (or linear) regression.

    Attributes:
        weights: W of each layer, (n_out, n_in).
        biases: b of each layer, (n_out, 1).
        activation: g of the hidden layers.
        loss: what is minimized, and with it the output's function.

    Networks of one shape may be stacked: every array then has a leading axis, one network after the other.
    """

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    activation: Activation
    loss: Loss

    @classmethod
    def from_arrays(
        cls,
        weights: Iterable[ArrayLike],
        biases: Iterable[ArrayLike] | None = None,
        *,
        activation: str | Activation,
        loss: str | Loss = "cross-entropy",
    ) -> Network:
        """Return a network of these arrays, copied; float32 if all of them are, else float64.

        Args:
            weights: a list of (n_out, n_in), the first layer first.
            biases: a list of (n_out, 1) or (n_out,); zeros if left out.
            activation: a name such as "tanh" or "leaky_relu(0.2)", or a record.
            loss: "cross-entropy", "squared-error" or "squared-error(sigmoid)".

        Raises:
            InvalidShape: sizes that do not chain.
            InvalidInput: entries that are not numbers, or not finite.

        >>> net = Network.from_arrays([np.zeros((4, 2)), np.zeros((1, 4))], activation="tanh")
        >>> net.sizes
        (2, 4, 1)
        """
        w = _arrays(weights, "weights")
        b = [np.zeros((len(array) if array.ndim else 0, 1), np.float32) for array in w]
        b = b if biases is None else _arrays(biases, "biases")
        dtype = np.float32 if all(array.dtype == np.float32 for array in (*w, *b)) else np.float64
        _check_chain(w, b)
        return cls(
            tuple(_numbers(array, dtype, f"W{layer}") for layer, array in enumerate(w, 1)),
            tuple(_numbers(array, dtype, f"b{layer}").reshape(-1, 1) for layer, array in enumerate(b, 1)),
            activations.get(activation),
            losses.get(loss),
        )

    @classmethod
    def initialize(
        cls,
        sizes: Sequence[int],
        init: str | Initializer | Sequence[str | Initializer],
        *,
        seed: int | str,
        activation: str | Activation = "tanh",
        loss: str | Loss = "cross-entropy",
        bias_init: str | Initializer = "zeros",
        dtype: type[np.floating[Any]] = np.float64,
    ) -> Network:
        """Return a fresh network; layer l draws its weights under the name "W<l>", so no layer disturbs another.

        Args:
            sizes: (n_inputs, n_hidden, ..., n_outputs).
            init: how weights start: one initializer for all layers, or one for each.
            seed: an int or a string.
            bias_init: how biases start.
            dtype: float64, or float32.

        Raises:
            InvalidShape: sizes that are not whole numbers.
            InvalidInput: more than `MAX_PARAMETERS`, another dtype, or initializers that do not fit the layers.

        >>> net = Network.initialize((2, 4, 1), "normal(0.01)", seed=0)
        >>> [w.shape for w in net.weights]
        [(4, 2), (1, 4)]
        """
        shapes = [(n_out, n_in) for n_in, n_out in itertools.pairwise(_checked_sizes(sizes))]
        dtype = _checked_dtype(dtype)
        several = isinstance(init, Sequence) and not isinstance(init, str)
        rules: list[Any] = list(init) if several else [init] * len(shapes)  # type: ignore[arg-type]
        if len(rules) != len(shapes):
            raise InvalidInput(
                "there must be one initializer, or one for each layer",
                got=f"{len(rules)} initializers for {len(shapes)} layers",
                allowed=f"1 or {len(shapes)}",
                hint="he",
            )
        weights = [
            initializers.get(rule)(shape, seed=seed, name=f"W{layer}", dtype=dtype)
            for layer, (shape, rule) in enumerate(zip(shapes, rules, strict=True), 1)
        ]
        start = initializers.get(bias_init)
        biases = [start((n, 1), seed=seed, name=f"b{layer}", dtype=dtype) for layer, (n, _) in enumerate(shapes, 1)]
        return cls.from_arrays(weights, biases, activation=activation, loss=loss)

    @property
    def sizes(self) -> tuple[int, ...]:
        """(n_inputs, n_hidden, ..., n_outputs)."""
        return (self.weights[0].shape[-1], *(w.shape[-2] for w in self.weights))

    @property
    def parameters(self) -> tuple[Array, ...]:
        """All arrays: W1, b1, W2, b2, ..."""
        return tuple(array for pair in zip(self.weights, self.biases, strict=True) for array in pair)

    def with_parameters(self, parameters: Sequence[Array]) -> Network:
        """Return a network of the same functions with these W1, b1, W2, b2, ..."""
        return replace(self, weights=tuple(parameters[::2]), biases=tuple(parameters[1::2]))

    def __getitem__(self, index: int) -> Network:
        """Return one network of a stack."""
        return self.with_parameters([array[index] for array in self.parameters])

    def __repr__(self) -> str:
        shape = "-".join(map(str, self.sizes))
        stack = f" x {len(self.weights[0])}" if self.weights[0].ndim == 3 else ""
        return f"Network({shape}{stack}, {self.activation.text}, {self.loss.text})"


def stack(networks: Sequence[Network]) -> Network:
    """Return networks of one kind as one, with a leading axis on every array.

    Raises `InvalidInput` for no network at all and for other functions, `InvalidShape` for other sizes.
    """
    networks = tuple(networks)
    if not networks:
        raise InvalidInput("a stack needs a network", got="none", allowed="one or more", hint="stack([network])")
    _check_alike(networks)
    columns = zip(*(network.parameters for network in networks), strict=True)
    return networks[0].with_parameters([np.stack(arrays) for arrays in columns])


def _check_alike(networks: Sequence[Network]) -> None:
    first = networks[0]
    for i, other in enumerate(networks):
        shapes = [[array.shape for array in network.parameters] for network in (first, other)]
        if shapes[0] != shapes[1]:
            raise _unlike(InvalidShape, "sizes", i, first.sizes, other.sizes)
        if _kind(first) != _kind(other):
            raise _unlike(InvalidInput, "activation, loss and dtype", i, _kind(first), _kind(other))


def _kind(network: Network) -> str:
    return f"{network.activation.text}, {network.loss.text}, {network.weights[0].dtype}"


def _unlike(error: type[InvalidInput], what: str, place: int, first: object, other: object) -> InvalidInput:
    return error(
        f"the networks of a stack have the same {what}",
        got=f"{first} for network 0, {other} for network {place}",
        allowed="networks of one kind",
        hint="a stack for each kind",
    )


def _checked_sizes(sizes: Sequence[int]) -> tuple[int, ...]:
    given = tuple(sizes) if isinstance(sizes, Iterable) else (sizes,)
    whole = all(isinstance(n, (int, np.integer)) and not isinstance(n, bool) and n >= 1 for n in given)
    if len(given) < 2 or not whole:
        raise InvalidShape(
            "a network needs at least an input and an output size, all whole numbers >= 1",
            got=sizes,
            allowed="(n_inputs, n_hidden, ..., n_outputs)",
            hint="(2, 4, 1)",
        )
    checked = tuple(int(n) for n in given)
    _check_room(checked)
    return checked


def _check_room(sizes: tuple[int, ...]) -> None:
    parameters = sum(n_out * (n_in + 1) for n_in, n_out in itertools.pairwise(sizes))
    if parameters > MAX_PARAMETERS:
        raise InvalidInput(
            "the network is too large for the memory of one machine",
            got=f"{parameters} parameters for sizes {sizes}",
            allowed=f"up to {MAX_PARAMETERS} weights and biases",
            hint="a smaller hidden layer",
        )


def _checked_dtype(dtype: DTypeLike) -> type[np.floating[Any]]:
    for known in (np.float64, np.float32):
        if dtype in (known, np.dtype(known), known.__name__):
            return known
    raise InvalidInput(
        "a network computes in float64 or float32", got=dtype, allowed="float64, float32", hint="float64"
    )


def _arrays(values: Iterable[ArrayLike], what: str) -> list[NDArray[Any]]:
    if not isinstance(values, Iterable):
        raise InvalidInput(
            f"{what} must be a list of arrays, one for each layer",
            got=type(values).__name__,
            allowed="a list",
            hint=f"[{what}]",
        )
    return [examples.read(array, f"each of the {what}") for array in values]


def _check_chain(weights: list[NDArray[Any]], biases: list[NDArray[Any]]) -> None:
    got = f"weights {[w.shape for w in weights]}, biases {[b.shape for b in biases]}"
    matrices = bool(weights) and all(w.ndim == 2 and w.size for w in weights)
    chained = matrices and all(low.shape[0] == high.shape[1] for low, high in itertools.pairwise(weights))
    fitting = (
        chained
        and len(weights) == len(biases)
        and all(b.shape in ((w.shape[0], 1), (w.shape[0],)) for w, b in zip(weights, biases, strict=True))
    )
    if not fitting:
        raise InvalidShape(
            "each W is (n_out, n_in) with n_in the n_out of the layer before, each b is (n_out, 1)",
            got=got,
            allowed="such as weights [(4, 2), (1, 4)], biases [(4, 1), (1, 1)]",
            hint="W.T, if your W is (n_in, n_out)",
        )


def _numbers(array: NDArray[Any], dtype: type[np.floating[Any]], what: str) -> Array:
    # A network owns its arrays.
    numbers = examples.numbers(array, what, dtype).copy()
    examples.check_finite(numbers, what)
    return numbers
