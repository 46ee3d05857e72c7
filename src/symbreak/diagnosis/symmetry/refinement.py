"""The theorem's partition, found step by step: which units have equal numbers before the first update, after one, ...

Round t holds, for each layer, the smallest spaces of the form of `Space` that are sure to contain

    Z(l, t)   the pre-activations after t updates,   spanned by W_l V(l-1, t), b_l and D(l, t-1)
    V(l, t)   the activations,                       g applied to Z(l, t)
    D(l, t)   the deltas,                            g'(Z(l, t)) times the span of W_(l+1)^T D(l+1, t) and V(l, t-1)

for every data set, loss and step size. W and b are those of the start: an update adds to W_l a matrix of
D(l, t-1) V(l-1, t-1)^T and to b_l a vector of D(l, t-1), which the last terms account for. Spaces only grow, so the
rounds come to rest; there the conditions say that step t+1 follows from step t, which is the proof by induction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from symbreak.diagnosis.symmetry.rules import Behaviour, Family
from symbreak.diagnosis.symmetry.space import Mode, Space, from_codes, from_keys, joined


class Sums(Protocol):
    """A weight matrix that can group its rows and columns by class sums."""

    def rows(self, over: Space, *, multisets: bool = False) -> Space:
        """Group the rows by their sums over the classes of columns."""

    def columns(self, over: Space, *, multisets: bool = False) -> Space:
        """Group the columns by their sums over the classes of rows."""

    def rows_not_positive(self, over: Space, sign: int) -> NDArray[np.bool_]:
        """Tell which rows have no positive class sum (no negative one, if sign is -1)."""


@dataclass(frozen=True, eq=False)
class Round:
    """What is known of every layer after `t` updates. Hidden layer l is entry l - 1 of `z` and `dead`.

    Attributes:
        z: pre-activations of the hidden layers.
        dead: units with z <= 0 on all inputs, whose answer and slope are 0.
        active: the inputs, then the activations of the hidden layers: entry l is layer l.
        delta: deltas of the hidden layers, then of the outputs: entry l - 1 is layer l.
    """

    z: tuple[Space, ...]
    dead: tuple[NDArray[np.bool_], ...]
    active: tuple[Space, ...]
    delta: tuple[Space, ...]

    def rests_on(self, other: Round) -> bool:
        """Whether nothing has grown since the other round."""
        pairs = zip(self.active + self.delta, other.active + other.delta, strict=True)
        return all(new.equals(old) for new, old in pairs)


@dataclass(frozen=True)
class Problem:
    """What the rounds are computed from.

    Attributes:
        weights: the sums of W1, W2, ...
        bias: the groups of b1, b2, ... by layer, and `bias_signs` their signs.
        input_sign: 1 if no input is negative, -1 if none is positive, else 0.
    """

    weights: Sequence[Sums]
    bias: Callable[[int], Space]
    sizes: tuple[int, ...]
    bias_signs: Sequence[NDArray[np.int64]]
    behaviour: Behaviour
    family: Family
    input_sign: int

    @property
    def sums_mode(self) -> Mode:
        """The multiples that a delta may carry; they need not be those of the activation."""
        return Mode.LINEAR if self.behaviour.mode in (Mode.LINEAR, Mode.POSITIVE) else Mode.MIRRORED


def rounds(problem: Problem) -> tuple[Round, ...]:
    """Return round 0, 1, ... until they rest; in the last one, what is equal is equal for ever."""
    found = [_round(problem, None, multisets=False)]
    multisets = not problem.family.keeps_sums
    while True:
        new = _round(problem, found[-1], multisets=multisets)
        if new.rests_on(found[-1]):
            found[-1] = new
            return tuple(found)
        found.append(new)


def _round(problem: Problem, before: Round | None, *, multisets: bool) -> Round:
    z, dead, active = _forward(problem, before, multisets)
    delta = _backward(problem, before, multisets, z, dead)
    return Round(z, dead, active, delta)


def _forward(problem: Problem, before: Round | None, multisets: bool) -> Any:
    z_all, dead_all, active = [], [], [Space.discrete(problem.sizes[0])]
    for layer in range(1, len(problem.sizes) - 1):
        z = problem.weights[layer - 1].rows(active[-1], multisets=multisets)
        if not z.is_discrete:
            grown = [] if before is None else [before.delta[layer - 1]]
            z = joined([z, problem.bias(layer), *grown], problem.behaviour.mode)
        dead = _dead(problem, before, layer, active[-1], z)
        z_all.append(z)
        dead_all.append(dead)
        active.append(_activations(problem.behaviour, z, dead))
    return tuple(z_all), tuple(dead_all), tuple(active)


def _dead(problem: Problem, before: Round | None, layer: int, inputs: Space, z: Space) -> NDArray[np.bool_]:
    """Tell which units have z <= 0 whatever the inputs: no class sum is positive, nor is the bias.

    Below a hidden layer of such an activation no input is negative. With g'(0) != 0 the bias must be negative.
    """
    nobody = np.zeros(z.labels.size, np.bool_)
    sign = problem.input_sign if layer == 1 else 1
    # A coupled decay moves weights by steps of the learning rate's size, across 0 if they are small.
    if not problem.behaviour.half_dead or problem.family.kind in ("coupled", "unknown"):
        return nobody
    still = nobody | True if before is None else before.delta[layer - 1].labels < 0
    low = _bias_allows(problem, layer) & still
    if not low.any():
        return nobody
    if sign == 0:
        return np.asarray(low & (problem.weights[layer - 1].rows(inputs).labels < 0))
    return np.asarray(low & problem.weights[layer - 1].rows_not_positive(inputs, sign))


def _bias_allows(problem: Problem, layer: int) -> NDArray[np.bool_]:
    signs = problem.bias_signs[layer - 1]
    return np.asarray(signs <= 0 if problem.behaviour.flat_at_zero else signs < 0)


def _activations(behaviour: Behaviour, z: Space, dead: NDArray[np.bool_]) -> Space:
    if behaviour.answers_zero:
        return z.without(dead)
    # g(0) != 0: the units with z = 0 answer that constant.
    constant = np.where(z.labels < 0, z.classes, z.labels)
    return from_codes(constant, np.where(z.labels < 0, 1, z.scales))


def _backward(
    problem: Problem, before: Round | None, multisets: bool, z: Sequence[Space], dead: Sequence[NDArray[np.bool_]]
) -> tuple[Space, ...]:
    delta = [Space.discrete(problem.sizes[-1])]
    for layer in reversed(range(1, len(problem.sizes) - 1)):
        above, n = delta[-1], problem.sizes[layer]
        if above.is_zero:
            delta.append(Space.zero(n))
            continue
        parts = [problem.weights[layer].columns(above, multisets=multisets)]
        if before is not None and not before.delta[layer].is_zero:
            parts.append(before.active[layer])
        arriving = joined(parts, problem.sums_mode)
        delta.append(_through_slope(problem.behaviour, arriving, z[layer - 1], dead[layer - 1]))
    return tuple(delta[::-1])


def _through_slope(behaviour: Behaviour, arriving: Space, z: Space, dead: NDArray[np.bool_]) -> Space:
    """Multiply by g'(z): equal for units of one class of z, and 0 for the dead and, if g'(0) = 0, for z = 0."""
    blocked = dead | ((z.labels < 0) & behaviour.flat_at_zero)
    if behaviour.linear or (not blocked.any() and (z.is_one or arriving.is_discrete)):
        return arriving
    code = arriving.labels * (z.classes + 1) + z.labels + 1
    code = np.where(blocked | (arriving.labels < 0), -1, code)
    if not arriving.has_fractions:
        return from_codes(code, np.where(code < 0, 0, arriving.scales))
    keys = (None if key < 0 else key for key in code.tolist())
    return from_keys(zip(keys, arriving.scales.tolist(), strict=True))
