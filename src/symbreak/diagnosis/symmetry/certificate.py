"""The proof by induction, written out for one network: to be read, and to be checked."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from symbreak.diagnosis.symmetry import checker, relations, witness
from symbreak.diagnosis.symmetry.classes import UnitClass, listed
from symbreak.errors import InvalidInput
from symbreak.network import Network

if TYPE_CHECKING:
    from symbreak.diagnosis.symmetry.replay import Replay
    from symbreak.diagnosis.symmetry.symmetry import Symmetry

FORMAT = "symbreak/certificate/1"
# In the text, sums over more classes than this are shortened.
MOST_SUMS = 6


@dataclass(frozen=True)
class Verification:
    """What the checker says: true if nothing failed."""

    failures: tuple[str, ...]

    def __bool__(self) -> bool:
        return not self.failures

    def __str__(self) -> str:
        return "verified: every sum was added up anew, exactly" if self else "\n".join(("not verified", *self.failures))


@dataclass(frozen=True)
class Certificate:
    """A proof that units are one for ever, or the lemma that fails and the data that show it.

    Attributes:
        document: the certificate as JSON values, of the form "symbreak/certificate/1".
    """

    document: dict[str, Any]

    @classmethod
    def from_json(cls, text: str | dict[str, Any]) -> Certificate:
        """Read a certificate back.

        Raises:
            InvalidInput: it is none.
        """
        document = json.loads(text) if isinstance(text, str) else text
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise InvalidInput(
                "not a certificate", got=str(document)[:60], allowed=FORMAT, hint="certificate.to_json()"
            )
        return cls(document)

    @property
    def status(self) -> str:
        """ "proved", "refuted", "measured" or "undecided": whether any units are one for ever."""
        return str(self.document["status"])

    def to_json(self) -> dict[str, Any]:
        """Return the certificate as JSON values."""
        return self.document

    def verify(self, network: Network) -> Verification:
        """Check the proof on this network's numbers, exactly, by code that shares nothing with the search.

        >>> from symbreak.diagnosis.symmetry import symmetry
        >>> zeros = Network.initialize((2, 4, 1), "zeros", seed=0, activation="sigmoid")
        >>> certificate = symmetry(zeros).certificate
        >>> bool(certificate.verify(zeros)), bool(certificate.verify(Network.initialize((2, 4, 1), "he", seed=0)))
        (True, False)
        """
        try:
            found = checker.failures(self.document, network)
            examples = self.document["counterexamples"]
            found = found or [text for example in examples if (text := _recomputed(network, example))]
            found = found or _altered(self.document, network)
        except (KeyError, IndexError, TypeError, ValueError, ZeroDivisionError, AttributeError) as error:
            found = [f"the document is malformed: {type(error).__name__}: {error}"]
        return Verification(tuple(found))

    def replay(self, network: Network, X: Any, *rest: Any, **options: Any) -> Replay:
        """Train with every unit treated alike, and beside it with BLAS; see `replay.replay`.

        Called with (network, data, steps, optimizer) or (network, X, Y, steps, optimizer); the last two may be left
        out or named.
        """
        from symbreak.diagnosis.symmetry.replay import replay

        names = ("steps", "optimizer") if hasattr(X, "X") else ("Y", "steps", "optimizer")
        named = dict(zip(names, rest, strict=False))
        return replay(network, X, **{"optimizer": self.document["optimizer"], **named, **options})

    def __str__(self) -> str:
        return str(self.document["text"])


def _altered(document: dict[str, Any], network: Network) -> list[str]:
    """Name what the proof does not rest on and yet is not as this network's own certificate has it.

    The checker has proved the claims by then, on its own; this guards the rest, from the network's digest to the text.
    """
    from symbreak.diagnosis.symmetry.symmetry import symmetry

    own = certificate(symmetry(network, optimizer=document["optimizer"], input_range=tuple(document["input_range"])))
    mine, given = (json.loads(json.dumps(each, sort_keys=True)) for each in (own.document, document))
    return [
        f"{key} is not what this network gives" for key in sorted({*mine, *given}) if mine.get(key) != given.get(key)
    ]


def _digest(network: Network) -> str:
    """Return a digest of all parameters, -0.0 as 0.0."""
    found = hashlib.blake2b(digest_size=16)
    for array in network.parameters:
        found.update(np.ascontiguousarray(array + 0.0).tobytes())
    return found.hexdigest()


def _recomputed(network: Network, example: dict[str, Any]) -> str | None:
    values, units = example["witness"], tuple(example["pair"])
    entries = tuple(witness.Entry(**entry) for entry in values["entries"])
    again = witness.Witness(**{**values, "entries": entries})
    if witness.replayed(network, example["optimizer"], again, example["layer"], units):
        return None
    return f"layer {example['layer']}, units {list(units)}: the counterexample does not tell them apart"


def certificate(found: Symmetry) -> Certificate:
    """Return the certificate of what was found."""
    examples = [_example(found, relation) for relation in _refutations(found)]
    document: dict[str, Any] = {
        "format": FORMAT,
        "status": _status(found, examples),
        "network": {
            "sizes": list(found.network.sizes),
            "activation": found.network.activation.text,
            "loss": found.network.loss.text,
            "digest": _digest(found.network),
        },
        "optimizer": found.optimizer.text,
        "update": {"kind": found.family.kind, "decays": found.family.decays},
        "input_range": list(found.input_range),
        "layers": [layer.to_json() for layer in found.layers],
        "moving": list(found.moving),
        "counterexamples": examples,
    }
    document["text"] = "\n".join(_text(found, document))
    return Certificate(document)


def _refutations(found: Symmetry) -> Iterator[relations.Relation]:
    yield from (relation for relation in found.partings if relation.witness)
    if any(c.tier for layer in found.layers for c in layer.classes) or found.partings:
        return
    # Nothing is tied: one pair of each layer shows it.
    for layer in found.layers:
        if layer.units > 1:
            relation = found.relation(layer.index, 0, 1)
            if relation.witness:
                yield relation


def _example(found: Symmetry, relation: relations.Relation) -> dict[str, Any]:
    last = found.rounds[-1].active[relation.layer]
    first = relation.units[0]
    others = (u for u in relation.units if not relations.same(last, first, u))
    other = min(others, key=lambda u: (relations.first_apart(found, relation.layer, first, u), u))
    values = relation.to_json()
    return {**values, "pair": [first, other], "optimizer": found.optimizer.text}


def _status(found: Symmetry, examples: Sequence[dict[str, Any]]) -> str:
    if found.proved:
        return "proved"
    statuses = {example["status"] for example in examples}
    return next((status for status in ("refuted", "measured") if status in statuses), "undecided")


def _text(found: Symmetry, document: dict[str, Any]) -> Iterator[str]:
    from symbreak.diagnosis.symmetry.text import moves, promised

    yield f"Certificate for {found.network!r} under {found.optimizer.text}: {document['status']}"
    yield f"For {promised(found)} data, loss and learning rate; t counts updates. All numbers exact."
    tied = [c for layer in found.layers for c in layer.classes if c.tier]
    if tied:
        yield from _proof(found, tied)
    for example in document["counterexamples"]:
        yield "The lemma that fails, with a counterexample:"
        yield f"  hidden layer {example['layer']}, {listed(tuple(example['units']))}: {example['kind']}"
        yield from _counterexample(example)
    if not tied and not document["counterexamples"]:
        yield "Nothing is tied and no two units were looked at."
    yield f"What moves: {moves(found)}"


def _proof(found: Symmetry, tied: list[UnitClass]) -> Iterator[str]:
    yield "Claim. For every t, in exact arithmetic:"
    yield from (f"  {_claim(c)}" for c in tied)
    yield "Base case, t = 0. The weights of these units:"
    for c in tied:
        yield from (f"  {line}" for line in _numbers(found, c))
    yield "Step, from t to t + 1."
    yield from (f"  {line}" for line in _lemmas(found, tied))
    yield f"Conclusion. The claim holds for every t under {found.optimizer.text}."
    for c in tied:
        yield f"  layer {c.layer}, {listed(c.units)} ({c.tier}): also under {', '.join(c.optimizers)}"
    if found.family.decays:
        yield "  With a weight decay: as long as learning rate times weight decay stays below 1."


def _claim(c: UnitClass) -> str:
    where = f"layer {c.layer}, {listed(c.units)}"
    if c.zero:
        return f"{where}: a = 0 and dz = 0 on every input"
    if all(f == 1 for f in c.factors):
        return f"{where}: equal z, equal a, equal dz on every input"
    return f"{where}: a and dz in the fixed ratios {', '.join(str(f) for f in c.factors)}"


def _lemmas(found: Symmetry, tied: list[UnitClass]) -> Iterator[str]:
    coupled = found.family.kind == "coupled"
    what = "the same list of weights to every class" if coupled else "weights of equal sum to every class"
    yield f"Lemma 1 (equal sums). Each unit of a class has {what} of the layer below, and equal bias,"
    yield "  so W a + b is equal: a is constant on the classes below by the claim for that layer, or it is the input."
    if any(c.dead for c in tied):
        yield "  A unit dead by sign has no positive sum and no positive bias, and its inputs are not negative: z <= 0."
    yield "Lemma 2 (same activation). Equal z give equal g(z) and equal g'(z)." + _extras(found, tied)
    yield f"Lemma 3 (same delta). Each unit of a class has {what} of the layer above that has a delta,"
    yield "  so W^T dz is equal, and with it dz. Outputs are classes of one unit: any loss will do."
    yield "Lemma 4 (same update). dW = dz a^T is constant on every block of two classes, db on every class;"
    yield f"  {_update(found.family.kind)}, so Lemma 1 holds again at t + 1."


def _extras(found: Symmetry, tied: list[UnitClass]) -> str:
    odd = " g is odd: -z gives -g(z) and the same g'(z)." if any(f == -1 for c in tied for f in c.factors) else ""
    scaled = any(abs(f) != 1 for c in tied for f in c.factors)
    same = " g is homogeneous: c z gives c g(z) and the same g'(z)." if scaled else ""
    flat = any(c.zero for c in tied)
    zero = f" g(0) = 0 and g'(0) = {found.network.activation.slope_at_zero:g}, as implemented." if flat else ""
    return odd + same + zero


def _update(kind: str) -> str:
    return {
        "linear": "the update adds multiples of such gradients and scales all weights",
        "entrywise": "the update adds one odd function of such gradients, entry by entry, and scales all weights",
        "coupled": "the update is one odd function of weight and gradients, entry by entry, so equal lists stay equal",
    }.get(kind, "of this update nothing is known, and the proof ends here")


def _numbers(found: Symmetry, c: UnitClass) -> Iterator[str]:
    first = c.units[0]
    w, out = found.network.weights[c.layer - 1], found.network.weights[c.layer]
    last = found.rounds[-1]
    bias = float(found.network.biases[c.layer - 1][first, 0])
    scaled = "" if all(f == 1 for f in c.factors) else " times each unit's factor"
    yield f"layer {c.layer}, {listed(c.units)}: bias {bias:.6g}{scaled}"
    if c.dead:
        yield f"  largest incoming weight {float(w[list(c.units)].max()):.6g}, largest bias " + (
            f"{float(found.network.biases[c.layer - 1][list(c.units)].max()):.6g}"
        )
        return
    yield f"  incoming, summed over each class below: {_sums(w[first], last.active[c.layer - 1])}{scaled}"
    if c.zero and found.network.activation.slope_at_zero == 0:
        yield "  outgoing: any, for g'(0) = 0 stops every gradient"
    else:
        sums = _sums(out[:, first], last.delta[c.layer])
        yield f"  outgoing, summed over each class above that has a delta: {sums}{scaled}"


def _sums(weights: np.ndarray[Any, Any], space: Any) -> str:
    if space.is_zero:
        return "none"
    members = space.members()
    sums = [math.fsum(float(space.scales[j]) * float(weights[j]) for j in units) for units in members[:MOST_SUMS]]
    more = f", ... ({len(members)} in all)" if len(members) > MOST_SUMS else ""
    return ", ".join(f"{s:.6g}" for s in sums) + more


def _counterexample(example: dict[str, Any]) -> Iterator[str]:
    seen = example["witness"]
    sure = "proved bounds in 60 digits" if seen["proved"] else "float64"
    one, other = seen["answers"]
    yield f"  {example['reason']}"
    if seen["step"]:
        x, y = ([list(row) for row in seen[name]] for name in ("x", "y"))
        yield f"  {seen['step']} update(s) on X = {x}, Y = {y}, learning rate {seen['learning_rate']:g}"
    yield f"  then on x = {[row[seen['example']] for row in seen['x']]} they answer {one:.9g} and {other:.9g} ({sure})"
    for entry in seen["entries"][:4]:
        yield f"  gradient entries: {entry['name']}: {entry['first']:.6g} against {entry['second']:.6g}"
