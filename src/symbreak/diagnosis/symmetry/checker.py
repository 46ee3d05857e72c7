"""The checker: reads a certificate and a network, and adds up the weights anew. It knows nothing of how it was found.

Every float is a whole number of units 2^-1074, so all sums are sums of whole numbers. The conditions are those of the
induction step; docs/symmetry.md proves that they suffice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from symbreak.network import Network

Number = int | Fraction

# What the induction step needs to know of an update: docs/symmetry.md has the proofs.
KINDS = {
    "gd": "linear",
    "momentum": "linear",
    "gd_l2": "linear",
    "adam": "entrywise",
    "adamw": "entrywise",
    "adam_l2": "coupled",
}


def failures(document: dict[str, Any], network: Network) -> list[str]:
    """Return what does not hold of this network; an empty list means that the proof stands."""
    mismatch = _mismatch(document, network)
    return [mismatch] if mismatch else list(_Checker(document, network).failures())


def _mismatch(document: dict[str, Any], network: Network) -> str | None:
    if document.get("format") != "symbreak/certificate/1":
        return "not a certificate of the form symbreak/certificate/1"
    expected = {"sizes": list(network.sizes), "activation": network.activation.text, "loss": network.loss.text}
    for name, value in expected.items():
        if document["network"][name] != value:
            return f"the certificate is for {name} {document['network'][name]}, the network has {value}"
    layers = [(layer["layer"], sorted(u for c in layer["classes"] for u in c["units"])) for layer in document["layers"]]
    if layers != [(n, list(range(size))) for n, size in enumerate(network.sizes[1:-1], 1)]:
        return "the classes do not hold every unit of every hidden layer once"
    return None


def whole(value: Any) -> int:
    """Return a float as a whole number of units 2^-1074.

    >>> whole(1.0) == 2**1074, whole(5e-324), whole(-0.0)
    (True, 1, 0)
    """
    numerator, denominator = float(value).as_integer_ratio()
    return int(numerator) * (2**1074 // int(denominator))


class _Class:
    """A class as the certificate states it; inputs and outputs are classes of one unit each."""

    def __init__(self, units: Sequence[int], factors: Sequence[Number], stated: dict[str, Any]) -> None:
        self.units, self.factors = units, factors
        self.zero, self.dead = bool(stated.get("zero")), bool(stated.get("dead"))
        self.frozen = stated.get("frozen") is not None


class _Checker:
    def __init__(self, document: dict[str, Any], network: Network) -> None:
        self.kind, self.range = _kind(document["optimizer"]), document["input_range"]
        self.g = network.activation
        self.weights = [[[whole(v) for v in row] for row in w.tolist()] for w in network.weights]
        self.biases = [[whole(v) for v in b[:, 0].tolist()] for b in network.biases]
        inner = [
            [_Class(c["units"], [Fraction(f) for f in c["factors"]], c) for c in layer["classes"]]
            for layer in document["layers"]
        ]
        self.layers = [_singles(network.sizes[0]), *inner, _singles(network.sizes[-1])]

    def failures(self) -> Iterator[str]:
        if self.kind not in ("linear", "entrywise", "coupled"):
            yield "nothing is known of the update rule"
        for layer in range(1, len(self.layers) - 1):
            for c in self.layers[layer]:
                yield from (f"layer {layer}, units {list(c.units)}: {text}" for text in self._of_class(layer, c))

    def _of_class(self, layer: int, c: _Class) -> Iterator[str]:
        wrong = list(self._factors(c))
        if wrong:
            yield from wrong
            return
        if c.frozen and not self._is_frozen(layer, c):
            yield "the gradient is not 0 for ever"
        if c.zero and not c.frozen:
            yield "a unit that is zero for ever has to be frozen, or its bias moves"
        if c.dead:
            yield from self._dead(layer, c)
        elif c.zero:
            yield from self._zero(layer, c)
        else:
            yield from self._tied(layer, c)

    def _factors(self, c: _Class) -> Iterator[str]:
        if len(c.factors) != len(c.units) or not c.units:
            yield "every unit of a class has one factor"
            return
        if c.factors[0] != 1 or any(f == 0 for f in c.factors):
            yield "factors start with 1 and none is 0"
        plain = all(abs(f) == 1 for f in c.factors)
        if not plain and not (self.kind == "linear" and self.g.homogeneous):
            yield "factors other than 1 and -1 need a homogeneous activation and a linear update"
        if any(f < 0 for f in c.factors) and not self.g.odd:
            yield "turned signs need an odd activation"

    def _tied(self, layer: int, c: _Class) -> Iterator[str]:
        below, above = self._below(layer), self._above(layer)
        first = c.units[0]
        for unit, factor in zip(c.units, c.factors, strict=True):
            if self.biases[layer - 1][unit] != factor * self.biases[layer - 1][first]:
                yield f"the bias of unit {unit} is not {factor} times that of unit {first}"
            if not self._same(self._incoming(layer, unit), self._incoming(layer, first), factor, below):
                yield f"unit {unit} and unit {first} differ in the sums of their incoming weights"
            if above and not self._same(self._outgoing(layer, unit), self._outgoing(layer, first), factor, above):
                yield f"unit {unit} and unit {first} differ in the sums of their outgoing weights"

    def _zero(self, layer: int, c: _Class) -> Iterator[str]:
        if self.g.value_at_zero != 0:
            yield "g(0) is not 0"
        for unit in c.units:
            if self.biases[layer - 1][unit]:
                yield f"the bias of unit {unit} is not 0"
            if not self._cancels(self._incoming(layer, unit), self._below(layer)):
                yield f"the incoming weights of unit {unit} do not add up to 0"

    def _dead(self, layer: int, c: _Class) -> Iterator[str]:
        half = self.g.homogeneous and not self.g.odd and float(self.g(-1.0)) == 0 and float(self.g(1.0)) >= 0
        if not half or self.kind == "coupled":
            yield "dead by sign needs g = 0 below 0, and an update that does not move a weight across 0"
        low, high = self.range
        sign = 1 if layer > 1 or (low is not None and low >= 0) else -1 if high is not None and high <= 0 else 0
        for unit in c.units:
            sums = [self._sum(self._incoming(layer, unit), d) for d in self._below(layer)]
            bias = self.biases[layer - 1][unit]
            if any(sign * s > 0 or (sign == 0 and s != 0) for s in sums):
                yield f"an incoming sum of unit {unit} can make z positive"
            if bias > 0 or (bias == 0 and self.g.slope_at_zero != 0):
                yield f"the bias of unit {unit} does not keep z below 0"

    def _is_frozen(self, layer: int, c: _Class) -> bool:
        if c.dead or (c.zero and self.g.slope_at_zero == 0) or not self._above(layer):
            return True
        return c.zero and all(self._cancels(self._outgoing(layer, unit), self._above(layer)) for unit in c.units)

    def _below(self, layer: int) -> list[_Class]:
        return [d for d in self.layers[layer - 1] if not d.zero]

    def _above(self, layer: int) -> list[_Class]:
        return [d for d in self.layers[layer + 1] if not d.frozen]

    def _incoming(self, layer: int, unit: int) -> list[int]:
        return self.weights[layer - 1][unit]

    def _outgoing(self, layer: int, unit: int) -> list[int]:
        return [row[unit] for row in self.weights[layer]]

    def _sum(self, weights: list[int], over: _Class) -> Number:
        return sum(factor * weights[u] for u, factor in zip(over.units, over.factors, strict=True))

    def _listed(self, weights: list[int], over: _Class) -> list[Number]:
        return sorted(factor * weights[u] for u, factor in zip(over.units, over.factors, strict=True))

    def _same(self, weights: list[int], first: list[int], factor: Number, classes: list[_Class]) -> bool:
        if self.kind != "coupled":
            return all(self._sum(weights, d) == factor * self._sum(first, d) for d in classes)
        return all(self._listed(weights, d) == sorted(factor * v for v in self._listed(first, d)) for d in classes)

    def _cancels(self, weights: list[int], classes: list[_Class]) -> bool:
        if self.kind != "coupled":
            return all(self._sum(weights, d) == 0 for d in classes)
        return all(self._listed(weights, d) == [-v for v in reversed(self._listed(weights, d))] for d in classes)


def _kind(optimizer: str) -> str:
    """Return the kind of a named update; a coupled decay of 0 is none."""
    name, _, rest = optimizer.partition("(")
    kind = KINDS.get(name, "unknown")
    return "entrywise" if kind == "coupled" and rest.rstrip(")").split(",")[0].strip() in ("0", "0.0") else kind


def _singles(n: int) -> list[_Class]:
    return [_Class([unit], [1], {}) for unit in range(n)]
