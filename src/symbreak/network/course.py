"""The course's function names, on the house's network: parameters as a dict W1, b1, W2, b2; columns are examples.

The functions take any depth (W3, b3, ...). Hidden layers use tanh and the output a sigmoid unless told otherwise.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from symbreak import initializers
from symbreak.errors import InvalidInput
from symbreak.initializers import Initializer
from symbreak.network import examples, propagation
from symbreak.network.network import Network
from symbreak.network.propagation import Forward
from symbreak.network.training import check_count, check_rate, descend
from symbreak.numerics import Activation

Array = NDArray[np.floating[Any]]
Parameters = dict[str, Array]
Generator = np.random.RandomState | np.random.Generator


def layer_sizes(X: ArrayLike, Y: ArrayLike, n_h: int = 4) -> tuple[int, int, int]:
    """Return (n_x, n_h, n_y) for data X (n_x, m) and Y (n_y, m), labels in any form.

    >>> layer_sizes(np.zeros((2, 400)), np.zeros((1, 400)))
    (2, 4, 1)
    """
    x = examples.matrix(X, "X")
    return len(x), n_h, len(examples.labels(Y, x.shape[1]))


def initialize_parameters(
    n_x: int,
    n_h: int,
    n_y: int,
    *,
    scheme: str | Initializer = "normal(0.01)",
    seed: int | str | None = None,
    rng: Generator | None = None,
) -> Parameters:
    """Return W1 (n_h, n_x), b1 (n_h, 1), W2 (n_y, n_h), b2 (n_y, 1): random weights, zero biases.

    Args:
        n_x, n_h, n_y: sizes of the input, hidden and output layer.
        scheme: how weights start, such as "zeros", "normal(0.01)", "he".
        seed: makes the same weights on every machine. Without seed and rng every call differs.
        rng: draw from this generator instead, W1 then W2 by `randn`, as the lesson does with np.random.

    >>> parameters = initialize_parameters(3, 4, 1, seed=0)
    >>> {key: value.shape for key, value in parameters.items()}
    {'W1': (4, 3), 'b1': (4, 1), 'W2': (1, 4), 'b2': (1, 1)}
    """
    return initialize_parameters_deep((n_x, n_h, n_y), scheme=scheme, seed=seed, rng=rng)


def initialize_parameters_deep(
    layer_dims: Sequence[int],
    *,
    scheme: str | Initializer = "normal(0.01)",
    seed: int | str | None = None,
    rng: Generator | None = None,
) -> Parameters:
    """Return parameters for layers of these sizes, inputs first; see `initialize_parameters`."""
    if seed is not None and rng is not None:
        raise InvalidInput(
            "weights come from a seed or from a generator", got="both", allowed="one of them", hint="seed=0"
        )
    if rng is None:
        address = int(np.random.SeedSequence().entropy) if seed is None else seed  # type: ignore[arg-type]
        return to_parameters(Network.initialize(layer_dims, scheme, seed=address))
    _check_generator(rng)
    empty = Network.initialize(layer_dims, "zeros", seed=0)
    rule = initializers.get(scheme)
    weights = [_drawn(rule, w.shape, rng) for w in empty.weights]
    return to_parameters(Network.from_arrays(weights, empty.biases, activation="tanh"))


def initialize_parameters_zeros(layers_dims: Sequence[int]) -> Parameters:
    """Return all-zero parameters, as the course's assignment on initialization does."""
    return initialize_parameters_deep(layers_dims, scheme="zeros", seed=0)


def initialize_parameters_random(
    layers_dims: Sequence[int], *, scale: float = 10.0, seed: int | str | None = None, rng: Generator | None = None
) -> Parameters:
    """Return weights randn * scale and zero biases; the assignment's 10 is large on purpose."""
    return initialize_parameters_deep(layers_dims, scheme=initializers.normal(scale), seed=seed, rng=rng)


def initialize_parameters_he(
    layers_dims: Sequence[int], *, seed: int | str | None = None, rng: Generator | None = None
) -> Parameters:
    """Return weights randn * sqrt(2/n_in) and zero biases."""
    return initialize_parameters_deep(layers_dims, scheme="he", seed=seed, rng=rng)


def forward_propagation(X: Any, parameters: Any, *, activation: str | Activation = "tanh") -> tuple[Array, Parameters]:
    """Return (A2, cache): the output's probabilities (n_y, m), and Z1, A1, Z2, A2; both argument orders are taken."""
    if isinstance(X, Mapping):
        X, parameters = parameters, X
    passed = propagation.forward(to_network(parameters, activation), examples.matrix(X, "X"))
    layers = zip(passed.pre_activations, passed.activations[1:], strict=True)
    cache = {
        f"{key}{layer}": array for layer, pair in enumerate(layers, 1) for key, array in zip("ZA", pair, strict=True)
    }
    return passed.answer, cache


def compute_cost(A2: ArrayLike, Y: ArrayLike, parameters: object = None) -> float:
    """Return the cross-entropy -(1/m) sum(Y log A2 + (1 - Y) log(1 - A2)), with 0 log 0 = 0.

    Where A2 is exactly 0 or 1 against the label the cost is infinite: the answer is inf, and a warning says why. A
    sigmoid rounds to 1 from z = 36.8 on; `symbreak.network.cost` works from the logits and stays finite.

    Args:
        A2: probabilities, (1, m); with more rows each column is a distribution over the classes.
        Y: labels of the same shape; for one row also (m,), (m, 1), truth values, or two texts.
        parameters: not used; older versions of the course pass them.

    Raises:
        InvalidShape: another shape, or a column of answers, for columns are examples.
        InvalidInput: inf or nan, and numbers outside [0, 1].
    """
    a = examples.probabilities(A2)
    y = examples.targets(examples.labels(Y, a.shape[1]), a.shape, a.dtype)
    examples.check_finite(y, "Y")
    examples.check_probabilities(y, "Y", hint="0 and 1")
    total = _times_log(y, a) + (_times_log(1 - y, 1 - a) if len(a) == 1 else 0.0)
    _warn_of_certainty(a, y, total)
    return float(-total.sum() / a.shape[1]) + 0.0  # a perfect answer costs 0, not -0


def backward_propagation(*arguments: Any, activation: str = "tanh", **named: Any) -> Parameters:
    """Return dW1, db1, dW2, db2.

    Called as the course site does, (X, Y, parameters, cache), or as its assignments do, (parameters, cache, X, Y); the
    dicts tell which. Each of the four may also be named.

    Raises `InvalidInput` for arguments missing, unknown, given twice or of the wrong kind, `InvalidShape` for sizes.
    """
    given = _four(arguments, named)
    x, network = examples.matrix(given["X"], "X"), to_network(given["parameters"], activation)
    passed = _forward_of(network, x, given["cache"])
    gradient = propagation.backward(network, passed, examples.labels(given["Y"], x.shape[1]))
    return _numbered(("dW", "db"), gradient.parameters)


def update_parameters(
    parameters: Mapping[str, ArrayLike], grads: Mapping[str, ArrayLike], learning_rate: float = 1.2
) -> Parameters:
    """Return new parameters: W := W - learning_rate * dW, and likewise b; what was passed in stays as it was."""
    check_rate(learning_rate)
    return {
        key: np.asarray(value) - learning_rate * np.asarray(_entry(grads, f"d{key}"))
        for key, value in parameters.items()
    }


def nn_model(
    X: ArrayLike,
    Y: ArrayLike,
    n_h: int,
    num_iterations: int = 10000,
    learning_rate: float = 1.2,
    print_cost: bool = False,
    *,
    scheme: str | Initializer = "normal(0.01)",
    seed: int | str | None = None,
    rng: Generator | None = None,
    activation: str = "tanh",
    return_costs: bool = False,
) -> Any:
    """Train a network with one hidden layer of `n_h` units by gradient descent on all examples.

    Returns:
        the parameters; with `return_costs=True` the pair (parameters, costs at iterations 0, 1000, 2000, ...).
    """
    check_count("n_h", n_h, least=1)
    x = examples.matrix(X, "X")
    y = examples.labels(Y, x.shape[1])
    start = initialize_parameters(x.shape[0], n_h, y.shape[0], scheme=scheme, seed=seed, rng=rng)
    costs: list[float] = []
    steps = descend(to_network(start, activation), x, y, iterations=num_iterations, learning_rate=learning_rate)
    for step in steps:
        if step.iteration % 1000 == 0 and step.iteration < max(num_iterations, 1):
            costs.append(float(step.cost))
            if print_cost:
                print(f"Cost after iteration {step.iteration}: {costs[-1]:f}")  # noqa: T201  (the course's own option)
    parameters = to_parameters(step.network)
    return (parameters, costs) if return_costs else parameters


def predict(parameters: Any, X: Any, *, activation: str = "tanh") -> NDArray[np.bool_]:
    """Return A2 > 0.5, shape (1, m); both argument orders are taken."""
    answer, _ = forward_propagation(X, parameters, activation=activation)
    return np.asarray(answer > 0.5)


def to_network(parameters: Mapping[str, ArrayLike], activation: str | Activation = "tanh") -> Network:
    """Return the network of a dict W1, b1, W2, b2, ..."""
    if not isinstance(parameters, Mapping):
        raise InvalidInput(
            "parameters must be a dict",
            got=type(parameters).__name__,
            allowed="W1, b1, W2, b2, ...",
            hint="initialize_parameters(n_x, n_h, n_y)",
        )
    layers = range(1, max(1, sum(str(key).startswith("W") for key in parameters)) + 1)
    return Network.from_arrays(
        [_entry(parameters, f"W{layer}") for layer in layers],
        [_entry(parameters, f"b{layer}") for layer in layers],
        activation=activation,
    )


def to_parameters(network: Network) -> Parameters:
    """Return the dict W1, b1, W2, b2, ... of a network."""
    return _numbered(("W", "b"), network.parameters)


def _numbered(keys: tuple[str, str], arrays: Sequence[Array]) -> Parameters:
    return {f"{keys[i % 2]}{i // 2 + 1}": array for i, array in enumerate(arrays)}


def _entry(mapping: Mapping[str, Any], key: str) -> Any:
    if key in mapping:
        return mapping[key]
    raise InvalidInput(
        f"the dict lacks {key}",
        got=", ".join(map(str, mapping)) or "an empty dict",
        allowed="W1, b1, W2, b2 (dW1, ...)",
        hint=key,
    )


def _four(arguments: tuple[Any, ...], named: Mapping[str, Any]) -> dict[str, Any]:
    """Return X, Y, parameters and cache by name; a dict in front tells the assignments' order."""
    dicts_first = bool(arguments) and isinstance(arguments[0], Mapping)
    order = ("parameters", "cache", "X", "Y") if dicts_first else ("X", "Y", "parameters", "cache")
    given = dict(zip(order, arguments, strict=False)) | dict(named)
    complete = given.keys() == set(order) and len(arguments) + len(named) == len(order)
    if complete and all(isinstance(given[key], Mapping) == (key in ("parameters", "cache")) for key in order):
        return given
    kinds = [type(value).__name__ for value in arguments]
    raise InvalidInput(
        "backward_propagation takes X, Y and the dicts parameters and cache, each once",
        got=", ".join([*kinds, *(f"{key}={type(value).__name__}" for key, value in named.items())]) or "nothing",
        allowed="(X, Y, parameters, cache) or (parameters, cache, X, Y), by place or by name",
        hint="backward_propagation(parameters, cache, X, Y)",
    )


def _check_generator(rng: object) -> None:
    if not isinstance(rng, Generator):
        raise InvalidInput(
            "rng must be a generator of random numbers",
            got=rng,
            allowed="np.random.RandomState(3), np.random.default_rng(3)",
            hint="seed=3, if a number is meant",
        )


def _drawn(rule: Initializer, shape: tuple[int, ...], rng: Generator) -> Array:
    """Draw by the lesson's own call: randn(n_out, n_in) * standard deviation."""
    law = rule.law(shape)
    if law.family == "constant":
        return np.full(shape, law.mean)
    if law.family == "uniform":
        return np.asarray(rng.uniform(law.low, law.high, shape))
    if law.family == "normal":
        unit = rng.randn(*shape) if isinstance(rng, np.random.RandomState) else rng.standard_normal(shape)
        return np.asarray(unit * law.std + law.mean if law.mean else unit * law.std)
    raise InvalidInput(
        "a generator draws normal, uniform and constant weights only",
        got=str(rule),
        allowed="schemes such as normal(0.01), xavier, he, he_uniform, zeros",
        hint="seed=0 instead of rng",
    )


def _forward_of(network: Network, x: Array, cache: Mapping[str, ArrayLike]) -> Forward:
    layers = range(1, len(network.weights) + 1)
    z = [np.asarray(_entry(cache, f"Z{layer}"), np.float64) for layer in layers]
    a = [np.asarray(_entry(cache, f"A{layer}"), np.float64) for layer in layers]
    return Forward(tuple(z), (x, *a))


def _times_log(weight: Array, value: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(weight == 0, 0.0, weight * np.log(value))


def _warn_of_certainty(a: Array, y: Array, total: Array) -> None:
    wrong = int(np.isinf(total).any(axis=0).sum())
    if wrong:
        warnings.warn(
            f"A2 is exactly 0 or 1 against the label on {wrong} of {a.shape[1]} examples, so the cross-entropy is"
            " infinite. A sigmoid rounds to 1 from z = 36.8 on: compute from the logits (symbreak.network.cost).",
            RuntimeWarning,
            stacklevel=3,
        )
