"""From what was proved of a model to its certificates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from symbreak.diagnosis.invariance import Followed, Groups, Member, Passage, Swap
from symbreak.diagnosis.mirroring import zeroed
from symbreak.diagnosis.model_certificate import REQUIRES, ModelCertificate, Operator, Theorem, place
from symbreak.diagnosis.observation import Observation
from symbreak.diagnosis.passages import CONDITIONS
from symbreak.diagnosis.renaming import OPTIMIZERS, Tie
from symbreak.diagnosis.symmetry import UnitClass, symmetry

if TYPE_CHECKING:
    from symbreak.diagnosis.chain import Chain
    from symbreak.diagnosis.colours import Colours
    from symbreak.diagnosis.rules.rule import Context


def certificates(context: Context, colours: Colours) -> tuple[ModelCertificate, ...]:
    """Return a certificate for every proof: of renamings, of exchanges that gradients confirm, of zeros, of a chain.

    The last is left out where the others prove as much, for they hold under more optimizers.
    """
    seen = context.observation
    ties = [*context.ties, *context.mirrors, *(tie for tie in zeroed(seen) if _is_still(tie, colours))]
    found = [renamed(seen, t.space.members, t.space.size, t.groups, t.followed) for t in ties]
    found += [exchanged(seen, swap) for swap in seen.swaps if _is_confirmed(swap, colours)]
    zeros = held_still(seen)
    found += [zeros] if zeros is not None else []
    if _says_more(context, found):
        chained = balanced(context)
        found += [chained] if chained is not None else []
    return tuple(found)


def _says_more(context: Context, found: list[ModelCertificate]) -> bool:
    """Tell whether a chain's classes prove anything that the renamings do not."""
    chain = context.chain
    if chain is None:
        return False
    classes = [c for c in kept_classes(context) if not _is_covered(_place(context, chain, c.layer), c, found)]
    stuck = {name for certificate in found for name in certificate.stuck}
    return bool(classes) or not stuck.issuperset(proved_still(context))


def _is_covered(module: str, tied: UnitClass, found: list[ModelCertificate]) -> bool:
    groups = [units for certificate in found for units, _ in certificate.outputs(module, zero=tied.zero)]
    return any(set(tied.units) <= set(group) for group in groups)


def _is_still(tie: Tie, colours: Colours) -> bool:
    """Tell whether the gradients leave alone what is zero and could change its sign."""
    for member in (m for m in tie.space.members if m.parameter in colours.parameters):
        length = colours.parameters[member.parameter].shape[member.axis]
        places = np.arange(length)[member.start : member.start + member.before * tie.space.size * member.after]
        own = places.reshape(member.before, tie.space.size, member.after)[:, list(member.negated)]
        if (colours.axis(member.parameter, member.axis)[0][own] != 0).any():
            return False
    return True


def _is_confirmed(swap: Swap, colours: Colours) -> bool:
    """Tell whether the gradients of the exchanged parameters are tied; a part that is detached has none."""
    known = colours.parameters
    pairs = [(a, b) for a, b in swap.pairs if a in known or b in known]
    return all(a in known and b in known and colours.entries(a) == colours.entries(b) for a, b in pairs)


def renamed(
    observation: Observation, members: tuple[Member, ...], size: int, groups: Groups, followed: Followed
) -> ModelCertificate:
    """Return the certificate of units that a renaming exchanges, with signs or without."""
    theorem: Theorem = "signed renaming" if any(member.negated for member in members) else "renaming"
    compared: dict[str, list[str]] = {}
    for member in members:
        entries = observation.parameter(member.parameter).summary.size // size
        compared.setdefault(member.parameter, []).append(f"{place(member)}: {entries} entries a unit")
    operators = [
        _operator(passage, [line for name in passage.reads for line in compared.get(name, ())])
        for passage in followed.passages
    ]
    operators += _shared(observation, compared, followed.passages)
    return ModelCertificate(
        theorem=theorem,
        size=size,
        groups=groups,
        members=members,
        units=followed.units,
        signs=followed.signs,
        operators=tuple(operators),
        optimizers=OPTIMIZERS,
        requires=REQUIRES[theorem],
    )


def _operator(passage: Passage, compared: Iterable[str]) -> Operator:
    condition = CONDITIONS[passage.kind]
    return Operator(passage.module, passage.kind, passage.name, condition, tuple(compared), passage.times)


def _shared(observation: Observation, names: Iterable[str], passages: Iterable[Passage]) -> Iterator[Operator]:
    """Tell which of the tensors go by several names, or are read in several modules."""
    readers: dict[str, list[str]] = {}
    for passage in passages:
        for name in passage.reads:
            readers.setdefault(name, []).append(passage.module)
    for name in names:
        others = [n for n in observation.parameter(name).names if n != name]
        where = list(dict.fromkeys(readers.get(name, ())))
        if others or len(where) > 1:
            seen = ", ".join(others) or f"read in {', '.join(module or 'the model' for module in where)}"
            yield Operator(name.rpartition(".")[0], "tied weights", name, CONDITIONS["tied weights"], (seen,))


def exchanged(observation: Observation, swap: Swap) -> ModelCertificate:
    """Return the certificate of modules whose exchange changes no output."""
    partner = {**dict(swap.pairs), **{b: a for a, b in swap.pairs}}
    places = {name: f"{name}, axis {axis}: places {i} and {j}" for name, axis, i, j in swap.slices}

    def compared(passage: Passage) -> Iterator[str]:
        for name in passage.reads:
            yield places.get(name) or f"{name} and {partner[name]}: {observation.parameter(name).summary.size} entries"

    operators = tuple(_operator(passage, compared(passage)) for passage in swap.passages)
    return ModelCertificate(
        theorem="exchange",
        size=2,
        groups=((0, 1),),
        pairs=swap.pairs,
        slices=swap.slices,
        operators=operators,
        optimizers=OPTIMIZERS,
        requires=REQUIRES["exchange"],
    )


def held_still(observation: Observation) -> ModelCertificate | None:
    """Return the certificate of what zeros hold still; None if that is nothing, or the batch's gradients deny it."""
    found = observation.still
    gradients = [observation.parameter(name).gradient for name in found.stuck] if found is not None else []
    if found is None or any(gradient is not None and not gradient.zero for gradient in gradients):
        return None

    def compared(passage: Passage) -> Iterator[str]:
        yield from (f"{name} = 0: {observation.parameter(name).summary.size} entries" for name in passage.reads)

    return ModelCertificate(
        theorem="zero factors",
        operators=tuple(_operator(passage, compared(passage)) for passage in found.passages),
        optimizers=OPTIMIZERS,
        requires=REQUIRES["zero factors"],
        zeros=found.zeros,
        stuck=found.stuck,
    )


def balanced(context: Context) -> ModelCertificate | None:
    """Return the certificate of a chain of layers with balanced classes; None if there are none."""
    chain, symmetry, classes = context.chain, context.symmetry, kept_classes(context)
    if chain is None or symmetry is None or not classes:
        return None
    keeps = tuple(name for name in OPTIMIZERS if all(name in c.optimizers for c in classes))
    units: dict[str, list[tuple[int, ...]]] = {}
    for c in classes:
        units.setdefault(_place(context, chain, c.layer), []).append(c.units)
    proof = {"parameters": [list(pair) for pair in chain.names], "certificate": symmetry.certificate.to_json()}
    return ModelCertificate(
        theorem="balanced classes",
        units=tuple((module, tuple(groups)) for module, groups in units.items()),
        operators=tuple(_chained(chain, classes)),
        optimizers=keeps,
        requires=REQUIRES["balanced classes"],
        proof=proof,
    )


def kept_classes(context: Context) -> list[UnitClass]:
    """Return the classes of a chain that say more than that a unit is alone, and hold under AdamW too."""
    found = [c for layer in context.symmetry.layers for c in layer.classes] if context.symmetry is not None else []
    telling = [c for c in found if c.zero or len(c.units) > 1]
    return [c for c in telling if c.status == "proved" and "adamw" in c.optimizers]


def zeros(context: Context, module: str) -> Iterator[int]:
    """Yield units of a module that a chain's proof keeps at zero for ever."""
    chain = context.chain
    for c in kept_classes(context) if chain is not None else ():
        if chain is not None and c.zero and _place(context, chain, c.layer) == module:
            yield from c.units


def proved_still(context: Context) -> Iterator[str]:
    """Yield parameters of a chain that neither gradient descent nor AdamW ever moves, but for a decay."""
    chain, found = context.chain, context.symmetry
    if chain is None or found is None or len(found.moving) == 2 * len(chain.names):
        return
    moving = {*found.moving, *symmetry(chain.network, optimizer="adamw").moving}
    named = {chain.name(text) for text in moving}
    yield from (name for pair in chain.names for name in pair if name is not None and name not in named)


def _place(context: Context, chain: Chain, layer: int) -> str:
    """Return the module that gives a layer's sums; the weight where another one may give something else."""
    weight = chain.names[layer - 1][0]
    return weight.rpartition(".")[0] if context.observation.parameter(weight).module == "Linear" else weight


def _chained(chain: Chain, classes: list[UnitClass]) -> Iterator[Operator]:
    activation = chain.network.activation.text
    for layer in sorted({c.layer for c in classes}):
        own = [c for c in classes if c.layer == layer]
        (weight, bias), (after, _) = chain.names[layer - 1], chain.names[layer]
        names = tuple(name for name in (weight, bias, after) if name is not None)
        for kind in dict.fromkeys("dead" if c.dead else "zero sums" if c.zero else "equal sums" for c in own):
            yield Operator(weight.rpartition(".")[0], kind, "linear", CONDITIONS[kind], names)
        kind = "odd activation" if any(-1 in c.factors for c in own) else "activation"
        yield Operator(weight.rpartition(".")[0], kind, activation, CONDITIONS[kind], ())
