"""Update rules: gradient descent, momentum, Adam and its decays, in operations that every machine rounds alike."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak import notation
from symbreak.errors import InvalidInput

Array = NDArray[np.floating[Any]]
Rate = float | Array


@dataclass(frozen=True, eq=False)
class State:
    """What an optimizer remembers: running means, one for each parameter, and powers of its decay rates.

    The powers are kept as running products: a library's pow may differ in the last bit between machines.
    """

    first: tuple[Array, ...]
    second: tuple[Array, ...]
    powers: tuple[float, float] = (1.0, 1.0)


Update = Callable[[Sequence[Array], Sequence[Array], State, Rate], tuple[list[Array], State]]


@dataclass(frozen=True)
class Optimizer:
    """An update rule: (parameters, gradients, state, learning rate) -> (parameters, state)."""

    text: str
    update: Update

    def start(self, parameters: Sequence[Array]) -> State:
        """Return the state before the first step."""
        zeros = tuple(np.zeros_like(p) for p in parameters)
        return State(zeros, zeros)

    def __repr__(self) -> str:
        return f"Optimizer({self.text})"


def get(name: str | Optimizer) -> Optimizer:
    """Return the optimizer of that name: "gd", "momentum(0.5)", "adam(0.9, 0.99)", "adamw(0.01)", "adam_l2(0.01)".

    >>> get("adam")
    Optimizer(adam)
    """
    if isinstance(name, Optimizer):
        return name
    return notation.build("optimizer", name, CATALOGUE) if not isinstance(name, str) else _made(name)


@functools.cache
def _made(text: str) -> Optimizer:
    """One record for one text, so that equal optimizers are equal."""
    return notation.build("optimizer", text, CATALOGUE)


def gd() -> Optimizer:
    """w := w - rate * dw."""

    def update(parameters: Sequence[Array], gradients: Sequence[Array], state: State, rate: Rate) -> Any:
        return [p - rate * g for p, g in zip(parameters, gradients, strict=True)], state

    return Optimizer("gd", update)


def gd_l2(weight_decay: float = 0.01) -> Optimizer:
    """w := w - rate * (dw + weight_decay w): gradient descent with an L2 penalty on every parameter."""
    shrink, plain = _weight_decay(weight_decay), gd()

    def update(parameters: Sequence[Array], gradients: Sequence[Array], state: State, rate: Rate) -> Any:
        return plain.update(parameters, _with_penalty(parameters, gradients, shrink), state, rate)

    return Optimizer(notation.write("gd_l2", (weight_decay,)), update)


def momentum(beta: float = 0.9) -> Optimizer:
    """v := beta v + (1 - beta) dw; w := w - rate * v. The course's form: an average of gradients."""
    decay = _decay(beta)

    def update(parameters: Sequence[Array], gradients: Sequence[Array], state: State, rate: Rate) -> Any:
        v = tuple(decay * v + (1 - decay) * g for v, g in zip(state.first, gradients, strict=True))
        return [p - rate * step for p, step in zip(parameters, v, strict=True)], State(v, state.second)

    return Optimizer(notation.write("momentum", () if beta == 0.9 else (beta,)), update)


def adam(beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8) -> Optimizer:
    """Adam with bias correction. Kingma and Ba, arXiv:1412.6980, algorithm 1."""
    one, two = _decay(beta1), _decay(beta2)

    def update(parameters: Sequence[Array], gradients: Sequence[Array], state: State, rate: Rate) -> Any:
        powers = state.powers[0] * one, state.powers[1] * two
        first = tuple(one * v + (1 - one) * g for v, g in zip(state.first, gradients, strict=True))
        second = tuple(two * s + (1 - two) * (g * g) for s, g in zip(state.second, gradients, strict=True))
        new = [
            p - rate * ((v / (1 - powers[0])) / (np.sqrt(s / (1 - powers[1])) + epsilon))
            for p, v, s in zip(parameters, first, second, strict=True)
        ]
        return new, State(first, second, powers)

    plain = (beta1, beta2, epsilon) == (0.9, 0.999, 1e-8)
    return Optimizer(notation.write("adam", () if plain else (beta1, beta2, epsilon)), update)


def adamw(weight_decay: float = 0.01, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8) -> Optimizer:
    """Adam with decoupled decay: w := (1 - rate weight_decay) w, then Adam's step. Loshchilov, Hutter, 1711.05101."""
    shrink, plain = _weight_decay(weight_decay), adam(beta1, beta2, epsilon)

    def update(parameters: Sequence[Array], gradients: Sequence[Array], state: State, rate: Rate) -> Any:
        return plain.update([p - (rate * shrink) * p for p in parameters], gradients, state, rate)

    return Optimizer(_decayed_text("adamw", weight_decay, beta1, beta2, epsilon), update)


def adam_l2(weight_decay: float = 0.01, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8) -> Optimizer:
    """Adam on dw + weight_decay w: the decay is coupled, so it passes through Adam's means and their quotient."""
    shrink, plain = _weight_decay(weight_decay), adam(beta1, beta2, epsilon)

    def update(parameters: Sequence[Array], gradients: Sequence[Array], state: State, rate: Rate) -> Any:
        return plain.update(parameters, _with_penalty(parameters, gradients, shrink), state, rate)

    return Optimizer(_decayed_text("adam_l2", weight_decay, beta1, beta2, epsilon), update)


CATALOGUE: dict[str, Callable[..., Optimizer]] = {
    make.__name__: make for make in (gd, gd_l2, momentum, adam, adamw, adam_l2)
}


def _decayed_text(name: str, weight_decay: float, beta1: float, beta2: float, epsilon: float) -> str:
    usual = (beta1, beta2, epsilon) == (0.9, 0.999, 1e-8)
    return notation.write(name, (weight_decay,) if usual else (weight_decay, beta1, beta2, epsilon))


def _with_penalty(parameters: Sequence[Array], gradients: Sequence[Array], shrink: float) -> Sequence[Array]:
    return [g + shrink * p for p, g in zip(parameters, gradients, strict=True)]


def _weight_decay(value: float) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and value >= 0:
        return float(value)
    raise InvalidInput("a weight decay is not negative", got=value, allowed="a finite number >= 0", hint="0.01")


def _decay(beta: float) -> float:
    if isinstance(beta, (int, float)) and math.isfinite(beta) and 0 <= beta < 1:
        return float(beta)
    raise InvalidInput("a decay rate lies in [0, 1)", got=beta, allowed="0 <= beta < 1", hint="0.9")
