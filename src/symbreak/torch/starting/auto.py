"""The plan's own scheme: weights keep the size of the signal; branches, heads and gates start where they train.

A weight gets variance gain^2 / fan_in, with true fans, and the gain derived from what it reads. What departs from that,
and by how much, is named in the constants below; `docs/starting.md` tells what was measured.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from symbreak.diagnosis.observation import Loss
from symbreak.initializers.stacks import stack
from symbreak.torch.starting import gains
from symbreak.torch.starting.pairs import DEEP, Pairing
from symbreak.torch.starting.priors import prior
from symbreak.torch.starting.role import Role, blocks, constant_value

# In a normalized stream of so many branches (six blocks) each is divided by the root of their number. In a shorter one
# they stay as large as they are: a Transformer of four blocks trained faster so.
MANY = 12
# A head is as large as any other weight: a smaller one trained slower on six of eight tasks. A squared error counts
# every random output as error, so that there the output starts small.
SQUARED_HEAD = 0.3
# Rows of an embedding that is the output's weight as well: what the last layer hands on has size 1, so that logits
# have this standard deviation.
TIED_LOGITS = 0.5
# Two measured sizes agree if they differ by less.
ROUNDING = 1e-3
ZERO = "the model starts it at zero, which is sound"
# An LSTM keeps what it has until it learns to forget (Jozefowicz et al., ICML 2015).
FORGET = "ones"


@dataclass(frozen=True)
class Start:
    """A law with its reason; no law: the parameter stays as it is."""

    law: str | None
    reason: str


@dataclass(frozen=True)
class Context:
    """What the laws know beyond a parameter's own role.

    Attributes:
        observed: the wiring was seen.
        loss: on the batch, with its targets.
    """

    observed: bool
    loss: Loss | None = None


def starts(roles: Sequence[Role], context: Context) -> list[Start]:
    """Return the start of each parameter."""
    return [RULES[role.kind](role, context) for role in roles]


def _weight(role: Role, context: Context) -> Start:
    gain, told = _gain(role, context)
    words = [_layer_words(role), *told]
    if role.zero:
        return Start("zeros", _join([*words, ZERO]))
    factor, more = _place(role, context)
    words += more
    if abs(role.stretched - 1) > ROUNDING:
        words.append(f"what it gives is multiplied by {role.stretched:.4g} before {role.follower}")
        if role.follower == "sin" and role.reading is not None and role.reading.rms is not None:
            return _first_of_sines(role, words)
        factor /= role.stretched
    if role.sharpness > 1 + ROUNDING and not role.normed:
        words.append(f"query of attention whose logits are {role.sharpness:.4g} times too large: divided by it")
        factor /= role.sharpness
    taps = role.fan_in * role.share
    if role.share < 1:
        words.append(f"{1 - role.share:.0%} of the taps fall on padding")
    if factor == 0:
        return Start("zeros", _join(words))
    if role.pairing is not None and role.part == "weight":
        return _paired(
            role, role.pairing, factor, [words[0], *(told if role.reading and role.reading.rms else []), *more]
        )
    if _is_deep(role):
        words.append(f"{role.stretch} layers in a row without normalization: orthogonal")
        return Start(_orthogonal(role, gain * factor / math.sqrt(role.share)), _join(words))
    return Start(normal(gain * factor / math.sqrt(taps)), _join(words))


def _first_of_sines(role: Role, words: list[str]) -> Start:
    """Leave the frequencies of a sine network their spread: U(-1/fan_in, 1/fan_in) for coordinates in [-1, 1].

    Sitzmann et al., arXiv:2006.09661, section 3.2. Its hidden layers, U(+-sqrt(6/fan_in)/omega), have the variance
    2 / fan_in / omega^2, which is that of any other weight after a sine and before a multiplication by omega.
    """
    return Start(uniform(1 / role.fan_in), _join([*words, "the first of sines: its frequencies spread"]))


def _paired(role: Role, pairing: Pairing, factor: float, words: list[str]) -> Start:
    """Start a plain stretch as a linear map, or as an odd one: pairs of opposite sign, orthogonal blocks."""
    if pairing.passes:
        return Start(f"dirac({role.groups})", _join([*words[:1], "depthwise between pairs: passes them on"]))
    side = "both" if pairing.outputs and pairing.inputs else "out" if pairing.outputs else "in"
    rows = role.shape[0] // (2 if pairing.outputs else 1)
    columns = role.fan_in // (2 if pairing.inputs else 1)
    gain = pairing.gain if pairing.inputs and pairing.gain else _first_of_pairs(role)
    what = f"{role.stretch} layers in a row without normalization: orthogonal, in pairs of opposite sign"
    shifted = [name for name in role.reading.activations if gains.centred(name, 1)] if role.reading else []
    what += f", in which the constant of {shifted[0]} cancels" if shifted and pairing.inputs else ""
    law = f"mirrored({gains.orthogonal(gain * factor, rows, columns):.4g}, {side})"
    return Start(law, _join([*words, what]))


def _first_of_pairs(role: Role) -> float:
    """Return the gain for a weight that makes pairs and reads none."""
    rms = role.reading.rms if role.reading and role.reading.rms else 1.0
    known = gains.paired(role.follower, role.stretch) if role.follower else None
    return math.sqrt(known.square if known else 1.0) / rms / math.sqrt(role.share)


def _is_deep(role: Role) -> bool:
    return role.stretch >= DEEP and not role.normed and role.rows > 0 and role.parts == 1


def _orthogonal(role: Role, gain: float) -> str:
    return f"orthogonal({gains.orthogonal(gain, role.rows, role.fan_in):.4g})"


def normal(std: float) -> str:
    """Write the law of a normal distribution with this standard deviation, to four digits.

    >>> normal(0.0441941738)
    'normal(0.04419)'
    """
    return f"normal({std:.4g})"


def uniform(bound: float) -> str:
    """Write the law of a symmetric uniform distribution, to six digits."""
    return f"uniform({-bound:.6g}, {bound:.6g})"


def _gain(role: Role, context: Context) -> tuple[float, list[str]]:
    """Return the gain for what a weight reads, and the words for it."""
    if role.reading is None:
        return _gain_of_kind(role, context)
    after = _after(role)
    if role.reading.rms is not None:
        if role.reading.rms > 0:
            return math.sqrt(after) / role.reading.rms, [f"reads the data, of size {role.reading.rms:.3g}"]
        return math.sqrt(after), ["reads the data, which is zero in this batch: as if of size 1"]
    found, words = 1.0, []
    for name in role.reading.activations:
        alone = role.reading.alone and _is_deep(role)
        known = (gains.centred(name, role.stretch) if alone else None) or gains.critical(name, role.stretch)
        found *= known.value if known else 1.0
        words.append(f"after {name}, gain {known.value:.4g}" if known else f"after {name}, whose gain is unknown: 1")
    for module in role.functions:
        value = gains.of_module(module)
        found *= value or 1.0
        words.append(f"after {type(module).__name__}, gain {value:.4g}" if value else f"after {type(module).__name__}")
    return found, words or ["after no activation, gain 1"]


def _after(role: Role) -> float:
    """Return the mean square that what follows a first layer is to be given."""
    known = gains.critical(role.follower, role.stretch) if role.follower else None
    return known.square if known else 1.0


def _gain_of_kind(role: Role, context: Context) -> tuple[float, list[str]]:
    if context.observed:
        return 1.0, []
    if not role.functions:
        return 1.0, ["no batch: what it reads, and whether it ends a residual branch, is unknown, gain 1"]
    module = role.functions[0]
    value = gains.of_module(module) or 1.0
    return value, [f"no batch: after {type(module).__name__} in its Sequential, gain {value:.4g}"]


def _place(role: Role, context: Context) -> tuple[float, list[str]]:
    """Return the factor for a weight's place in the network."""
    if role.head and not role.closes:
        squared = context.loss is not None and context.loss.kind == "squared-error"
        return (
            (SQUARED_HEAD, [f"output of a squared error, times {SQUARED_HEAD:g}"])
            if squared
            else (1.0, ["output head"])
        )
    branch = role.branch
    if branch is None or not role.closes or branch.rescaled:
        return 1.0, []
    which = f"closes residual branch {branch.place + 1} of {branch.count}"
    if branch.closed:
        return 1.0, [f"{which}, which another factor closes at the start"]
    if not branch.normalized:
        return 0.0, [f"{which} without normalization: zero"]
    if branch.count < MANY:
        return 1.0, [which]
    return 1 / math.sqrt(branch.count), [f"{which}: / sqrt({branch.count})"]


def _layer_words(role: Role) -> str:
    words = role.layer or "parameter"
    if role.groups > 1:
        words += f" in {role.groups} groups"
    if role.transposed:
        words += ", transposed"
    if role.parts > 1:
        words += f", {role.parts} weights in one"
    words += f", fan_in {role.fan_in}"
    if len(role.names) > 1:
        words += f", tied to {', '.join(role.names[1:])}"
    return words


def _recurrent(role: Role, context: Context) -> Start:
    part = f"orthogonal({gains.orthogonal(1.0, role.rows, role.fan_in):.4g})"
    words = f"{role.layer}, {role.parts} gates, each orthogonal" if role.parts > 1 else f"{role.layer}, orthogonal"
    return Start(stack((part,) * role.parts), f"{words}: keeps the state's size over time")


def _embedding(role: Role, context: Context) -> Start:
    width = role.shape[-1]
    words = f"{role.layer}, {role.shape[0]} rows of {width}"
    if role.zero:
        return Start("zeros", f"{words}; {ZERO}")
    if role.of_logits:
        return Start("zeros", f"{words}, added to logits of attention: a bias")
    if role.tied_output or (not context.observed and len(role.names) > 1):
        std = TIED_LOGITS / math.sqrt(width) / role.rescaled
        words += f", it or what is added to it tied to the output: logits of size {TIED_LOGITS:g}"
    else:
        std = 1 / math.sqrt(role.summed) / role.rescaled
        words += f", one of {role.summed} that are added" if role.summed > 1 else ""
    words += f", times {role.rescaled:.4g}" if abs(role.rescaled - 1) > ROUNDING else ""
    law = normal(std)
    return padded(role, law, words)


def padded(role: Role, law: str, words: str) -> Start:
    """Leave the row of the padding at zero."""
    if role.padding is None or not 0 <= role.padding < role.shape[0]:
        return Start(law, words)
    sizes = tuple(blocks(role.shape[0], role.padding))
    parts = tuple("zeros" if at == role.padding else law for at in _starts(sizes))
    return Start(stack(parts, sizes=sizes), f"{words}, the padding's row zero")


def _starts(sizes: tuple[int, ...]) -> list[int]:
    return [sum(sizes[:place]) for place in range(len(sizes))]


def _bias(role: Role, context: Context) -> Start:
    if role.layer.startswith("LSTM") and role.part.startswith("bias_ih"):
        return Start(stack(("zeros", FORGET, "zeros", "zeros")), "LSTM bias, forget gate open")
    known = prior(context.loss, role.shape[0]) if role.head and len(role.shape) == 1 else None
    if known is not None:
        return Start(known, "output bias at the targets' prior")
    if role.own_bias:
        return Start(None, f"{'output' if role.head else 'gate'} bias, which the model sets itself")
    words = f"bias of {role.layer}" if role.layer else "bias"
    if not role.coordinates:
        return Start("zeros", words)
    inputs = f"{role.coordinates} input{'s' * (role.coordinates > 1)}"
    std = math.sqrt(_after(role) / (role.coordinates + 1))
    return Start(normal(std), f"{words} that reads {inputs}: one more input, so that units bend at different places")


def _norm_gain(role: Role, context: Context) -> Start:
    if constant_value(role.tensor) == 0:
        return Start(None, f"gain of {role.layer}, which the model starts at zero")
    return Start("ones", f"gain of {role.layer}")


def _as_it_is(reason: str) -> Callable[[Role, Context], Start]:
    def start_of(role: Role, context: Context) -> Start:
        value = constant_value(role.tensor)
        seen = f", {value:g} everywhere" if value is not None else ""
        return Start(None, f"{reason}{seen}" + (f" ({role.layer})" if role.layer else ""))

    return start_of


def _lengths(role: Role, context: Context) -> Start:
    gain, words = _gain(role, context)
    factor, more = _place(role, context)
    length = gain * factor / math.sqrt(role.share)
    return Start(f"constant({length:.4g})", _join(["weight_norm: length of each row", *words, *more]))


RULES: dict[str, Callable[[Role, Context], Start]] = {
    "weight": _weight,
    "recurrent": _recurrent,
    "embedding": _embedding,
    "bias": _bias,
    "norm gain": _norm_gain,
    "norm shift": lambda role, context: Start("zeros", f"shift of {role.layer}"),
    "directions": lambda role, context: Start(normal(1.0), "weight_norm: directions, whose length does not matter"),
    "lengths": _lengths,
    "scale": _as_it_is("a scale that the model multiplies by"),
    "table": _as_it_is("a table that the model adds, such as positions"),
    "computed": _as_it_is("a weight is computed from it, by rules of its own"),
    "unused": _as_it_is("not used on this batch"),
    "unknown": _as_it_is("a parameter of the model's own, about which nothing is known"),
}


def _join(words: list[str]) -> str:
    return "; ".join(words)


__all__ = ["Context", "Start", "normal", "padded", "starts"]
