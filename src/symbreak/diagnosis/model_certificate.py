"""The certificate of what is proved of a model: what is equal, what each operator asks of it, under which optimizers.

It is the sibling of a network's own `symmetry.certificate`: to be read, stored, and checked against a model.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from symbreak.diagnosis.invariance import Groups, Member, Shift
from symbreak.diagnosis.observation import Observation
from symbreak.diagnosis.symmetry import Verification
from symbreak.diagnosis.symmetry.classes import listed
from symbreak.errors import InvalidInput

FORMAT = "symbreak/model-certificate/1"
Theorem = Literal[
    "renaming", "signed renaming", "exchange", "balanced classes", "zero factors", "shift", "shift of equals"
]

THEOREMS: Mapping[Theorem, str] = {
    "renaming": "If renaming units changes no output, f(P w) = f(w) on all inputs, and no parameter, P w = w, then "
    "grad f(w) = P^T grad f(P w) = P^T grad f(w): the gradient is renamed into itself too, and so is every update.",
    "signed renaming": "If renaming units and changing the signs of some entries changes no output, f(P w) = f(w) on "
    "all inputs, and no parameter, P w = w, then grad f(w) = P^T grad f(P w) = P^T grad f(w), for P is orthogonal: the "
    "gradient is carried into itself too, and so is every update that is odd in each entry and its gradients.",
    "exchange": "If exchanging modules changes no output, f(P w) = f(w) on all inputs, and no parameter, P w = w, then "
    "grad f(w) = P^T grad f(P w) = P^T grad f(w): both modules get the same gradient, and the same update.",
    "balanced classes": "If the units of each class have equal biases, equal sums of incoming weights over each class "
    "below and of outgoing ones over each class above, they have equal activations and deltas, and so equal updates.",
    "zero factors": "If some parameters are zero, and every path back from the loss to them is cut by a zero that they "
    "make, whatever the inputs and all other parameters are, their gradient is zero and a step leaves them zero.",
    "shift": "If adding to a parameter changes no output, f(w + s) = f(w) for all w and s, its gradient is zero "
    "everywhere.",
    "shift of equals": "If adding the same s to all slices of a parameter changes no output, f(w + (s, ..., s)) = f(w) "
    "for all w, its slices' gradients add up to zero; if exchanging modules with their slices changes no output and no "
    "parameter, the slices' gradients are equal: so each is zero, and a step leaves the slices equal.",
}
# What the induction asks of the optimizer.
REQUIRES: Mapping[Theorem, tuple[str, ...]] = {
    "renaming": (
        "entries of one tensor with equal gradients and equal state are moved alike, and their state starts equal",
    ),
    "signed renaming": (
        "entries of one tensor with equal gradients and equal state are moved alike, and their state starts equal",
        "entries that are opposite, with opposite gradients, are moved to opposite places",
    ),
    "exchange": (
        "entries of one tensor with equal gradients and equal state are moved alike, and their state starts equal",
        "the tensors that are exchanged share one rate, one decay and one momentum",
    ),
    "balanced classes": (
        "the step is an odd function of each entry's gradients, the same for all entries of a tensor, plus decay",
        "learning rate times weight decay stays below 1",
    ),
    "zero factors": ("a step does nothing but scale a parameter that never had a gradient",),
    "shift": ("a step does nothing but scale a parameter that never had a gradient",),
    "shift of equals": (
        "entries of one tensor with equal gradients and equal state are moved alike, and their state starts equal",
        "the tensors that are exchanged share one rate, one decay and one momentum",
        "a step does nothing but scale a parameter that never had a gradient",
    ),
}
HELD = "any inputs on which the model runs these operators, any loss and learning rate, in exact arithmetic"
# Kinds that stand for several operators.
MANY = frozenset(
    ("entry", "even function", "piece", "pool", "reduction", "reshape", "signs in a sum", "signs moved", "unit by unit")
)
# In the short form, operators beyond this number are counted.
MOST_NAMES = 6


@dataclass(frozen=True)
class Operator:
    """One operator that tied units pass, that an exchange of modules moves, or that stops a gradient.

    Attributes:
        module: path of the module that it ran in.
        kind: what it does to the units, as in `passages.CONDITIONS`.
        name: the activation's name, or the framework's.
        condition: what the operator asks, as a formula.
        checked: the numbers that were compared entry by entry; nothing for operators whose form is enough.
        times: how often it ran.
    """

    module: str
    kind: str
    name: str
    condition: str
    checked: tuple[str, ...]
    times: int = 1

    def __str__(self) -> str:
        often = f", {self.times} times" if self.times > 1 else ""
        compared = f" [{'; '.join(self.checked)}]" if self.checked else ""
        how = f" ({self.name})" if self.kind in MANY else ""
        return f"{self.module or 'the model'}: {self.title}{how}{often}. {self.condition}{compared}"

    @property
    def title(self) -> str:
        """The kind, and for functions of single entries the name."""
        return {"activation": self.name, "odd function": f"odd {self.name}"}.get(self.kind, self.kind)


@dataclass(frozen=True)
class ModelCertificate:
    """Why units or modules of a model are one for ever.

    Attributes:
        theorem: which one it rests on; `THEOREMS` has its words.
        operators: what each operator asks, and with which numbers it was checked.
        optimizers: those under which the claim is kept.
        requires: what these have in common, and what any other one has to promise.
        size: of a renaming, how many units can be renamed; of an exchange 2.
        groups: which of them are tied.
        members: the axes of parameters and buffers along which the units lie.
        pairs: of an exchange, parameters that change places; `slices` of parameters with a place for both modules.
        units: for each module whose output holds tied units, the groups.
        signs: of a renaming with signs, for each of these groups the sign of each unit relative to the first; 0 for
            units that are zero.
        zeros: of zero factors, the parameters that are zero.
        stuck: those that no gradient reaches then, or of which some slices have none.
        shifts: what can be added without changing any output.
        proof: of balanced classes, the network's own certificate, with the names of its parameters.
    """

    theorem: Theorem
    operators: tuple[Operator, ...]
    optimizers: tuple[str, ...]
    requires: tuple[str, ...]
    size: int = 0
    groups: Groups = ()
    members: tuple[Member, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    slices: tuple[tuple[str, int, int, int], ...] = ()
    units: tuple[tuple[str, Groups], ...] = ()
    signs: tuple[tuple[str, Groups], ...] = ()
    zeros: tuple[str, ...] = ()
    stuck: tuple[str, ...] = ()
    shifts: tuple[Shift, ...] = ()
    proof: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def status(self) -> str:
        """ "proved": of what is measured there is no certificate."""
        return "proved"

    def outputs(self, module: str, *, zero: bool = False) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
        """Yield the groups of a module's output units that are tied, with their signs; or those that are zero."""
        signs = dict(self.signs)
        for name, groups in self.units:
            own = signs.get(name, tuple((1,) * len(group) for group in groups))
            pairs = zip(groups, own, strict=True) if name == module else ()
            yield from ((group, each) for group, each in pairs if (0 in each) == zero)

    def verify(self, observation: Observation) -> Verification:
        """Check every condition anew on an observed model, `symbreak.torch.observe.observe(model, x)`.

        Equal slices are compared entry by entry; the renaming is followed through a fresh pass by rules that share
        nothing with the search. Numbers that the proof does not rest on may have changed.

        Raises:
            InvalidInput: this is no observation.
        """
        from symbreak.diagnosis.model_checker import failures

        if not isinstance(observation, Observation):
            raise InvalidInput(
                "a certificate is verified against an observed model",
                got=type(observation).__name__,
                allowed="an Observation",
                hint="certificate.verify(symbreak.torch.observe.observe(model, x))",
            )
        return Verification(failures(self, observation))

    def to_json(self) -> dict[str, Any]:
        """Return the certificate as JSON values."""
        return {"format": FORMAT, "status": self.status, **json.loads(json.dumps(asdict(self))), "text": str(self)}

    @classmethod
    def from_json(cls, text: str | Mapping[str, Any]) -> ModelCertificate:
        """Read a certificate back.

        Raises:
            InvalidInput: it is none.
        """
        data = json.loads(text) if isinstance(text, str) else text
        try:
            if data["format"] != FORMAT or data["status"] != "proved":
                raise ValueError("another format")
            own = {name: data[name] for name in cls.__dataclass_fields__}
            own["members"] = tuple(
                Member(**{**member, "negated": _tuples(member["negated"])}) for member in own["members"]
            )
            own["operators"] = tuple(
                Operator(**{**operator, "checked": tuple(operator["checked"])}) for operator in own["operators"]
            )
            own["shifts"] = tuple(Shift(**{**shift, "places": _tuples(shift["places"])}) for shift in own["shifts"])
            for name in ("groups", "pairs", "slices", "units", "signs", "zeros", "stuck", "optimizers", "requires"):
                own[name] = _tuples(own[name])
            return cls(**own)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InvalidInput(
                "not a certificate of a model", got=str(data)[:60], allowed=FORMAT, hint="certificate.to_json()"
            ) from error

    @property
    def short(self) -> str:
        """The theorem, the operators and the optimizers in one line."""
        titles = list(dict.fromkeys(operator.title for operator in self.operators))
        more = [f"{len(titles) - MOST_NAMES} more"] if len(titles) > MOST_NAMES else []
        passed = ", ".join([*titles[:MOST_NAMES], *more])
        return f"{self.theorem}: {passed}; kept by {', '.join(self.optimizers)}"

    def __str__(self) -> str:
        return "\n".join(_text(self))


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def _text(certificate: ModelCertificate) -> Iterator[str]:
    yield f"Certificate by {certificate.theorem}: {certificate.status}"
    yield f"For {HELD}; t counts updates."
    yield f"Theorem. {THEOREMS[certificate.theorem]}"
    yield "Claim. For every t:"
    yield from (f"  {line}" for line in _claims(certificate))
    how = "Zero" if certificate.zeros else "Equal or opposite" if certificate.signs else "Equal"
    equal = [f"  {line}" for line in _equal(certificate)]
    yield f"Base case, t = 0. {f'{how} in every entry:' if equal else 'It holds wherever the parameters are.'}"
    yield from equal
    yield "Step, from t to t + 1. What each operator asks, and what was compared:"
    yield from (f"  {operator}" for operator in certificate.operators)
    yield f"Conclusion. The claim holds for every t under {', '.join(certificate.optimizers)}."
    yield from (f"  It is asked that {condition}." for condition in certificate.requires)
    if certificate.proof is not None:
        yield "The network's own certificate, W1, b1, W2, ... for the weights and biases in order:"
        yield from (f"  {line}" for line in str(certificate.proof["certificate"]["text"]).splitlines())


def _claims(certificate: ModelCertificate) -> Iterator[str]:
    if certificate.theorem in ("exchange", "shift of equals"):
        yield ", ".join(f"{a} = {b}" for a, b in certificate.pairs)
    for group in certificate.groups if certificate.theorem == "renaming" else ():
        yield f"{listed(group)} of {certificate.size} have equal weights and compute the same on every input"
    if certificate.theorem == "signed renaming":
        moved = [f"exchanging {listed(group)} of {certificate.size}" for group in certificate.groups]
        yield f"{'; '.join([*moved, 'changing the signs named below'])}: together this changes no weight"
    parts = {
        shift.parameter: f", places {listed(shift.places).partition(' ')[2]}"
        for shift in certificate.shifts
        if shift.places
    }
    if certificate.stuck:
        yield f"{', '.join(name + parts.get(name, '') for name in certificate.stuck)}: no gradient, on any batch"
    for module, groups in certificate.units:
        told = (
            "are one unit up to sign, or zero"
            if certificate.proof is not None
            else "give equal outputs, get equal errors"
        )
        signs = dict(certificate.signs).get(module)
        if signs is None:
            yield f"{module or 'the model'}: {'; '.join(map(listed, groups))} {told}"
        for group, own in zip(groups, signs or (), strict=signs is not None):
            yield f"{module or 'the model'}: {listed(group)} {_relation(own)}"


def _relation(signs: tuple[int, ...]) -> str:
    if 0 in signs:
        return "give nothing but zeros"
    return f"give outputs equal but for their signs, {' '.join('+' if sign > 0 else '-' for sign in signs)}"


def _equal(certificate: ModelCertificate) -> Iterator[str]:
    for member in certificate.members:
        yield f"{place(member)}{': ' if certificate.groups else ''}{'; '.join(map(listed, certificate.groups))}"
    yield from certificate.zeros
    yield from (f"{a} and {b}" for a, b in certificate.pairs)
    yield from (f"{name}, axis {axis}: places {i} and {j}" for name, axis, i, j in certificate.slices)
    if certificate.proof is not None:
        yield "sums over classes, in the network's own certificate"


def place(member: Member) -> str:
    """Return where a member's units lie, in words.

    >>> place(Member("qkv.weight", 0, before=3, after=16))
    'qkv.weight, axis 0, blocks of 16, in each of 3 parts'
    """
    blocks = f", blocks of {member.after}" if member.after > 1 else ""
    parts = f", in each of {member.before} parts" if member.before > 1 else ""
    start = f", from place {member.start}" if member.start else ""
    signs = f", negated at {', '.join(map(str, member.negated))}" if member.negated else ""
    return f"{member.parameter}, axis {member.axis}{start}{blocks}{parts}{signs}"
