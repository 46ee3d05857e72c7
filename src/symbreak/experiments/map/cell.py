"""One point of a map: which network it is, and its start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from symbreak import initializers
from symbreak.errors import InvalidInput
from symbreak.initializers import Initializer, structured
from symbreak.initializers import elementwise as rules
from symbreak.network import Network
from symbreak.notation import write

if TYPE_CHECKING:
    from symbreak.experiments.map.settings import MapSettings

# How a factor enters each law: the text of the start whose values are that many times as large.
SCALED: dict[type[Any], Callable[[Any, float], str]] = {
    rules.Constant: lambda rule, s: write("constant", (s * rule.value,)),
    rules.Normal: lambda rule, s: write("normal", (s * rule.scale, s * rule.mean) if rule.mean else (s * rule.scale,)),
    rules.Uniform: lambda rule, s: write("uniform", (s * rule.low, s * rule.high)),
    rules.TruncatedNormal: lambda rule, s: write(
        "truncated_normal", (s * rule.scale, rule.low, rule.high, rule.correct_variance)
    ),
    rules.VarianceScaling: lambda rule, s: write(
        "variance_scaling", (s * s * rule.scale, rule.mode, rule.distribution)
    ),
    structured.Orthogonal: lambda rule, s: write("orthogonal", (s * rule.gain,)),
    structured.Identity: lambda rule, s: write("identity", (s * rule.gain,)),
    structured.Sparse: lambda rule, s: write("sparse", (rule.sparsity, s * rule.scale)),
}


@dataclass(frozen=True)
class Cell:
    """The one network of a point, settings and axes put together.

    Attributes:
        layers: sizes of the hidden layers.
        inits, rates: of each layer, the output layer last.
        epsilon: how far the units of a layer are from a tie; None leaves the start as it is.
    """

    layers: tuple[int, ...]
    inits: tuple[str, ...]
    bias_init: str
    rates: tuple[float, ...]
    optimizer: str
    seed: int
    epsilon: float | None

    @property
    def plain(self) -> bool:
        """Whether `compare` can ask for it: all layers alike, biases at zero, the first seed, no tie."""
        alike = len(set(self.inits)) == 1 and len(set(self.rates)) == 1
        return alike and self.bias_init == "zeros" and self.seed == 0 and self.epsilon is None


def cell(settings: MapSettings, at: Mapping[str, float]) -> Cell:
    """Return the network that has these values of the axes, and the settings for all else.

    An axis of one layer takes the place of what holds for all.

    Raises:
        InvalidInput: an axis that has no meaning for this network or this start.
    """
    layers = _layers(settings.layers, at)
    count = len(layers) + 1
    for name in at:
        _check_layer(name, count)
    return Cell(
        layers=layers,
        inits=tuple(_init(settings.init, at, layer) for layer in range(1, count + 1)),
        bias_init=write("normal", (at["bias-scale"],)) if "bias-scale" in at else settings.bias_init,
        rates=tuple(_own(at, "learning-rate", i) or settings.learning_rate for i in range(1, count + 1)),
        optimizer=_optimizer(settings.optimizer, at),
        seed=int(at.get("seed", settings.seed)),
        epsilon=at.get("epsilon"),
    )


def start(one: Cell, *, n_x: int, n_y: int, activation: str, loss: str, dtype: Any) -> Network:
    """Return the network of a cell before its first step."""
    network = Network.initialize(
        (n_x, *one.layers, n_y),
        one.inits,
        seed=one.seed,
        activation=activation,
        loss=loss,
        bias_init=one.bias_init,
        dtype=dtype,
    )
    return network if one.epsilon is None else near_tie(network, one.epsilon)


def near_tie(network: Network, epsilon: float) -> Network:
    """Move every hidden unit towards the first of its layer: w_j := (1 - epsilon) w_1 + epsilon w_j.

    So with incoming weights, bias and outgoing weights: at 0 the units of a layer are one unit, at 1 they are as they
    were.

    >>> near = near_tie(Network.initialize((2, 3, 1), "normal(1)", seed=0), 0.0)
    >>> bool((near.weights[0] == near.weights[0][0]).all() and (near.weights[1] == near.weights[1][:, :1]).all())
    True
    """
    kind = network.weights[0].dtype.type
    near, far = kind(1 - epsilon), kind(epsilon)
    last = len(network.weights) - 1
    parameters = []
    for layer, (w, b) in enumerate(zip(network.weights, network.biases, strict=True)):
        if layer > 0:
            w = near * w[:, :1] + far * w
        if layer < last:
            w, b = near * w[:1] + far * w, near * b[:1] + far * b
        parameters += [w, b]
    return network.with_parameters(parameters)


def scaled(init: str | Initializer, factor: float) -> str:
    """Return the text of the start that gives `factor` times the values.

    Raises `InvalidInput` for a start that has no size of its own, or that is 0 in any case.

    >>> scaled("normal(1)", 0.3), scaled("he", 2)
    ('normal(0.3)', 'variance_scaling(8, fan_in, normal)')
    """
    rule = initializers.get(init).rule
    if type(rule) not in SCALED or rule == rules.Constant(0.0):
        raise InvalidInput(
            "this start cannot be scaled", got=str(init), allowed="a start with a spread", hint="--init 'normal(1)'"
        )
    return str(initializers.get(SCALED[type(rule)](rule, factor)))


def _init(init: str, at: Mapping[str, float], layer: int) -> str:
    factor, mean = _own(at, "scale", layer), _own(at, "mean", layer)
    text = init if factor is None else scaled(init, factor)
    if mean is None:
        return text
    rule = initializers.get(text).rule
    if not isinstance(rule, rules.Normal):
        raise InvalidInput(
            "a mean is set for normal starts", got=init, allowed="normal(scale)", hint="--init 'normal(1)'"
        )
    return str(initializers.normal(rule.scale, mean))


def _own(at: Mapping[str, float], name: str, layer: int) -> float | None:
    return at.get(f"{name}-{layer}", at.get(name))


def _layers(layers: tuple[int, ...], at: Mapping[str, float]) -> tuple[int, ...]:
    if "depth" in at and len(set(layers)) != 1:
        raise InvalidInput(
            "layers are added to a network whose hidden layers are alike", got=layers, allowed="one width", hint="16"
        )
    if "width" in at and not layers:
        raise InvalidInput("a width belongs to a hidden layer", got="no hidden layer", allowed="1 or more", hint="4")
    deep = layers[:1] * int(at["depth"]) if "depth" in at else layers
    return tuple(int(at.get("width", size)) for size in deep)


def _optimizer(optimizer: str, at: Mapping[str, float]) -> str:
    if "momentum" not in at:
        return optimizer
    if optimizer.partition("(")[0] not in ("gd", "momentum"):
        raise InvalidInput(
            "a momentum axis goes with gradient descent", got=optimizer, allowed="gd, momentum", hint="momentum"
        )
    return write("momentum", (at["momentum"],))


def _check_layer(name: str, count: int) -> None:
    digits = name.rpartition("-")[2]
    if digits.isdecimal() and int(digits) > count:
        raise InvalidInput(
            "an axis names a layer that there is",
            got=name,
            allowed=f"layers 1 to {count}",
            hint=name.removesuffix(digits) + "1",
        )
