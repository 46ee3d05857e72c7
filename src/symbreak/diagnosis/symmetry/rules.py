"""What the proofs use of an activation and of an optimizer, and nothing more."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from symbreak import notation
from symbreak.diagnosis.symmetry.space import Mode
from symbreak.errors import InvalidInput
from symbreak.network import optimizers
from symbreak.network.optimizers import Optimizer
from symbreak.numerics import Activation

Kind = Literal["linear", "entrywise", "coupled", "unknown"]
Range = tuple[float | None, float | None]


@dataclass(frozen=True)
class Family:
    """How an update depends on the gradients and on the weights.

    Attributes:
        text: the optimizer as written.
        kind: with gradients G_0, ..., G_t and the start w_0, the update makes of each array
            "linear": c w_0 + a linear combination of the G_s;
            "entrywise": c w_0 + F(G_0, ..., G_t), F odd and the same for every entry;
            "coupled": F(w_0, G_0, ..., G_t), F odd in all its arguments together and the same for every entry;
            "unknown": nothing is known of it.
        decays: c may differ from 1; c > 0 as long as learning rate times weight decay stays below 1.
    """

    text: str
    kind: Kind
    decays: bool

    @property
    def keeps_factors(self) -> bool:
        """Whether units tied by a factor other than 1 and -1 stay tied."""
        return self.kind == "linear"

    @property
    def keeps_sums(self) -> bool:
        """Whether equal class sums stay equal though the weights differ."""
        return self.kind in ("linear", "entrywise")


# By the update's name: its kind, and whether it shrinks the weights apart from the gradient.
KINDS: dict[str, tuple[Kind, bool]] = {
    "gd": ("linear", False),
    "momentum": ("linear", False),
    "gd_l2": ("linear", True),
    "adam": ("entrywise", False),
    "adamw": ("entrywise", True),
    "adam_l2": ("coupled", True),
}


def family(optimizer: str | Optimizer) -> Family:
    """Return what is known of an optimizer; of one that the catalogue does not have, nothing.

    >>> family("adamw(0.1)").kind, family("adam_l2(0)").kind
    ('entrywise', 'entrywise')
    """
    rule = optimizers.get(optimizer)
    call = notation.parse(rule.text)
    if call.name not in KINDS or rule.update.__module__ != optimizers.__name__:
        return Family(rule.text, "unknown", True)
    kind, decays = KINDS[call.name]
    if decays and call.arguments and call.arguments[0] == 0:
        return Family(rule.text, "entrywise" if kind == "coupled" else kind, False)
    return Family(rule.text, kind, decays)


@dataclass(frozen=True)
class Behaviour:
    """What an activation does to vectors of a known form.

    Attributes:
        mode: the multiples z_i = c z_j of which g keeps the factor, g(c z) = c g(z).
        linear: g(z) = g'(0) z.
        answers_zero: g(0) = 0.
        flat_at_zero: g'(0), as implemented, is 0.
        half_dead: g(z) = 0 and g'(z) = 0 for every z < 0, and g(z) >= 0 for z > 0.
    """

    mode: Mode
    linear: bool
    answers_zero: bool
    flat_at_zero: bool
    half_dead: bool


def behaviour(activation: Activation, update: Family) -> Behaviour:
    """Return what is used of this activation under this family of updates."""
    homogeneous = activation.homogeneous
    linear = homogeneous and activation.odd
    return Behaviour(
        mode=_mode(activation, update),
        linear=linear,
        answers_zero=activation.value_at_zero == 0,
        flat_at_zero=activation.slope_at_zero == 0,
        # A homogeneous function is a line on each side of 0, so that one point on a side tells the whole side.
        half_dead=homogeneous and not linear and float(activation(-1.0)) == 0 and float(activation(1.0)) >= 0,
    )


def _mode(activation: Activation, update: Family) -> Mode:
    if activation.homogeneous and update.keeps_factors:
        return Mode.LINEAR if activation.odd else Mode.POSITIVE
    return Mode.MIRRORED if activation.odd else Mode.EQUAL


def checked_range(input_range: Range | None) -> Range:
    """Return (low, high), None where there is no bound; refuse what is no range."""
    if input_range is None:
        return None, None
    bounds = tuple(input_range) if isinstance(input_range, (tuple, list)) else ()
    if len(bounds) == 2 and all(_is_bound(bound) for bound in bounds):
        low, high = (None if bound is None or math.isinf(bound) else float(bound) for bound in bounds)
        if low is None or high is None or low < high:
            return low, high
    raise InvalidInput(
        "the inputs' range is a pair (low, high) with low < high",
        got=input_range,
        allowed="two numbers, None where there is no bound",
        hint="(0, None) for inputs that are never negative",
    )


def _is_bound(bound: Any) -> bool:
    number = isinstance(bound, (int, float)) and not isinstance(bound, bool)
    return bound is None or (number and not math.isnan(float(bound)))


def input_sign(bounds: Range) -> int:
    """Return 1 if no input is negative, -1 if none is positive, 0 if neither is known."""
    low, high = bounds
    return 1 if low is not None and low >= 0 else -1 if high is not None and high <= 0 else 0
