"""`symmetry(network)`: which units are one unit for ever, which part, when, and why."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from symbreak.diagnosis.symmetry import tiers
from symbreak.diagnosis.symmetry.classes import Layer, UnitClass
from symbreak.diagnosis.symmetry.problem import checked, problem
from symbreak.diagnosis.symmetry.refinement import Round, rounds
from symbreak.diagnosis.symmetry.rules import Family, Kind, Range, checked_range, family, input_sign
from symbreak.network import Network, optimizers
from symbreak.network.optimizers import Optimizer

FORMAT = "symbreak/symmetry/1"


@dataclass(frozen=True, eq=False)
class Symmetry:
    """Which hidden units of a network are one unit for ever, under one optimizer, in exact arithmetic.

    Layers are counted from 1, as in W1; units from 0, as the rows of W1.

    Attributes:
        network: what was looked at.
        optimizer: the update rule.
        input_range: what was promised of the inputs.
        rounds: what is equal before the first update, after one, ..., for ever (the last).
    """

    network: Network
    optimizer: Optimizer
    input_range: Range
    rounds: tuple[Round, ...] = field(repr=False)

    @functools.cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The classes of every hidden layer."""
        return found_layers(self)

    @property
    def moving(self) -> tuple[str, ...]:
        """The arrays whose gradient is not proved to be 0 for ever."""
        if self.family.kind == "unknown":
            layers = range(1, len(self.network.weights) + 1)
            return tuple(f"{name}{layer}" for layer in layers for name in "Wb")
        return moving(self.rounds[-1])

    @property
    def effective_units(self) -> tuple[int, ...]:
        """For each hidden layer, how many units do its work."""
        return tuple(space.classes for space in self.rounds[-1].active[1:])

    @property
    def proved(self) -> bool:
        """Whether any unit is proved to be another's copy, or zero."""
        return any(c.status == "proved" and c.tier is not None for layer in self.layers for c in layer.classes)

    @property
    def family(self) -> Family:
        """What is known of the update rule."""
        return family(self.optimizer)

    def relation(self, layer: int, i: int, j: int, *, eps: float | None = None) -> Any:
        """Return the `Relation` of two units of a hidden layer; see `relations.relation`."""
        from symbreak.diagnosis.symmetry.relations import relation

        return relation(self, layer, i, j, eps=eps)

    @functools.cached_property
    def partings(self) -> tuple[Any, ...]:
        """Groups of units that are equal now and will part: the first pair of each, as a `Relation` with its units."""
        from symbreak.diagnosis.symmetry.relations import partings

        return partings(self)

    @functools.cached_property
    def certificate(self) -> Any:
        """The proof, or the lemma that fails: a `Certificate`."""
        from symbreak.diagnosis.symmetry.certificate import certificate

        return certificate(self)

    def forecast(self, X: Any, Y: Any = None, **options: Any) -> Any:
        """Predict the step at which rounding parts units that are one in exact arithmetic; see `forecast.forecast`."""
        from symbreak.diagnosis.symmetry.forecast import forecast

        return forecast(self, X, Y, **options)

    def __str__(self) -> str:
        from symbreak.diagnosis.symmetry.text import described

        return described(self)

    def to_json(self) -> dict[str, Any]:
        """Return everything that was found, without the weights, as JSON values.

        >>> symmetry(Network.initialize((2, 4, 1), "zeros", seed=0)).to_json()["layers"][0]["effective_units"]
        0
        """
        return {
            "format": FORMAT,
            "network": repr(self.network),
            "sizes": list(self.network.sizes),
            "activation": self.network.activation.text,
            "loss": self.network.loss.text,
            "optimizer": self.optimizer.text,
            "input_range": list(self.input_range),
            "arithmetic": "exact",
            "layers": [layer.to_json() for layer in self.layers],
            "partings": [parting.to_json() for parting in self.partings],
            "moving": list(self.moving),
        }


def symmetry(network: Network, *, optimizer: str | Optimizer = "gd", input_range: Range | None = None) -> Symmetry:
    """Find which hidden units are one unit for ever, and prove it on these very numbers.

    Two units of a layer stay one for every data set, loss and learning rate if their incoming weights have equal sums
    over the classes of the layer below, their outgoing weights equal sums over the classes of the layer above, and
    their biases are equal. All sums are exact: every float is a whole number times a power of two.

    Args:
        network: one network, of any depth, activation and loss.
        optimizer: the update rule, as `symbreak.network.optimizers.get` reads it.
        input_range: (low, high) of every input, None where there is no bound. (0, None) lets ReLU units be proved
            dead by the sign of their weights.

    Raises:
        InvalidInput: no network, a weight that is not finite, or a range that is none.
        InvalidShape: a stack of networks.

    >>> print(symmetry(Network.initialize((2, 4, 1), "zeros", seed=0, activation="sigmoid")))
    Network(2-4-1, sigmoid, cross-entropy) under gd, for any data, loss and learning rate, in exact arithmetic
    hidden layer 1: 4 units, doing the work of 1
      units 0-3: same for ever, proved (clone: kept by gd, gd_l2, momentum, adam, adamw, adam_l2)
    moving: W1, b1, W2, b2
    """
    checked(network)
    bounds = checked_range(input_range)
    rule = optimizers.get(optimizer)
    return Symmetry(network, rule, bounds, rounds(problem(network, family(rule), input_sign(bounds))))


def found_layers(found: Symmetry) -> tuple[Layer, ...]:
    """Return what the last round says of every hidden layer."""
    network, update, sign, last = found.network, found.family, input_sign(found.input_range), found.rounds[-1]
    rest = functools.cache(functools.partial(_rest, network, update.kind, last, sign))
    ties = tiers.Ties(network, rest)
    return tuple(Layer(n, tuple(_classes(ties, update, last, n, sign))) for n in range(1, len(network.weights)))


def _rest(network: Network, own: Kind, last: Round, sign: int, kind: Kind) -> Round:
    """Return the resting round under a kind of update; none keeps more than the linear one."""
    if kind == own or all(space.is_discrete for space in last.active):
        return last
    return rounds(problem(network, Family(kind, kind, True), sign))[-1]


def _classes(ties: tiers.Ties, update: Family, last: Round, layer: int, sign: int) -> Iterator[UnitClass]:
    zero_by_value, dead, tied = _groups(last, layer)
    for units in tied:
        factors = tuple(last.active[layer].scales[units].tolist())
        yield _unit_class(ties, update, last, layer, units, factors, sign)
    for units, is_dead in ((zero_by_value, False), (dead, True)):
        if units:
            yield _unit_class(ties, update, last, layer, units, (1,) * len(units), sign, zero=True, dead=is_dead)


def _groups(last: Round, layer: int) -> tuple[list[int], list[int], list[list[int]]]:
    space, z = last.active[layer], last.z[layer - 1]
    zero = space.labels < 0
    by_value = np.flatnonzero(zero & (z.labels < 0)).tolist()
    return by_value, np.flatnonzero(zero & (z.labels >= 0)).tolist(), space.members()


def _unit_class(
    ties: tiers.Ties,
    update: Family,
    last: Round,
    layer: int,
    units: list[int],
    factors: tuple[Any, ...],
    sign: int,
    *,
    zero: bool = False,
    dead: bool = False,
) -> UnitClass:
    kinds = kinds_below(update.kind)
    tier = ties.tier(layer, units, factors, kinds) if zero or len(units) > 1 else None
    keepers = tiers.KEEPERS[tier] if tier and (zero or len(units) > 1) else ()
    if zero:
        keepers = _zero_keepers(ties, units, layer, dead, sign if layer == 1 else 1)
    status = "undecided" if update.kind == "unknown" else "proved"
    frozen = None if update.kind == "unknown" else _frozen_by(ties.network, last, layer, units[0])
    return UnitClass(layer, tuple(units), factors, zero, dead, frozen, tier, keepers, status)


def _zero_keepers(ties: tiers.Ties, units: list[int], layer: int, dead: bool, sign: int) -> tuple[str, ...]:
    keepers: tuple[str, ...] = tiers.LINEAR
    weaker: tuple[tuple[Kind, tuple[str, ...]], ...] = (("entrywise", tiers.ENTRYWISE), ("coupled", tiers.COUPLED))
    for kind, names in weaker:
        if (ties.rest(kind).active[layer].labels[units] < 0).all():
            keepers += names
    each = (tiers.stays_zero_under_dropout(ties.network, layer, u, dead=dead, sign=sign) for u in units)
    return (*keepers, "dropout") if all(each) else keepers


def kinds_below(kind: Kind) -> tuple[Kind, ...]:
    """Return the kinds of update that keep no more than this one, itself included."""
    order: tuple[Kind, ...] = ("coupled", "entrywise", "linear")
    return order[: order.index(kind) + 1] if kind in order else ("coupled",)


def _frozen_by(network: Network, last: Round, layer: int, unit: int) -> str | None:
    if last.delta[layer - 1].labels[unit] >= 0:
        return None
    z_is_zero = last.z[layer - 1].labels[unit] < 0 and network.activation.slope_at_zero == 0
    if last.dead[layer - 1][unit] or z_is_zero:
        return f"g'(Z{layer})"
    return f"dZ{layer + 1}" if last.delta[layer].is_zero else f"W{layer + 1}^T"


def moving(last: Round) -> tuple[str, ...]:
    """Return the arrays whose gradient is not 0 for ever: W needs a delta and an activation below, b a delta."""
    found: list[str] = []
    for layer, delta in enumerate(last.delta, 1):
        if not delta.is_zero:
            found += [f"W{layer}", f"b{layer}"] if not last.active[layer - 1].is_zero else [f"b{layer}"]
    return tuple(found)
