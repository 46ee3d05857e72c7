"""From what was proved of a model to its certificates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from symbreak.diagnosis.invariance import Followed, Groups, Member, Passage, Shift, Swap
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


# Of larger parameters, as tables of tokens, it is not tried what may be added: every entry is numbered.
LARGEST_SHIFT = 2**20


def certificates(context: Context, colours: Colours) -> tuple[ModelCertificate, ...]:
    """Return a certificate for every proof: of renamings, exchanges that gradients confirm, zeros, shifts, a chain.

    The last is left out where the others prove as much, for they hold under more optimizers.
    """
    seen = context.observation
    ties = [*context.ties, *context.mirrors, *(tie for tie in zeroed(seen) if _is_still(tie, colours))]
    found = [renamed(seen, t.space.members, t.space.size, t.groups, t.followed) for t in ties]
    found += [exchanged(seen, swap) for swap in seen.swaps if _is_confirmed(swap, colours)]
    found += [c for c in (held_still(seen), shifted(seen, tuple(_harmless(colours)))) if c is not None]
    found += levelled(seen, colours)
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


def _harmless(colours: Colours) -> Iterator[Shift]:
    """Yield what no gradient reaches near the start nor elsewhere, as far as was tried."""
    for name, parameter in colours.parameters.items():
        if parameter.shape and parameter.summary.size <= LARGEST_SHIFT:
            still = colours.frozen(name) & ~colours.generic.get(name, np.ones(parameter.shape[0], bool))
            if still.any():
                yield Shift(name, () if still.all() else tuple(np.flatnonzero(still).tolist()))


def shifted(observation: Observation, shifts: tuple[Shift, ...]) -> ModelCertificate | None:
    """Return the certificate of those parameters that can be moved without changing any output; None if none can."""
    followed = [(shift, observation.vanish(shift) if observation.vanish is not None else None) for shift in shifts]
    kept = [(shift, passages) for shift, passages in followed if passages is not None]
    times: dict[Passage, int] = {}
    for passage in (passage for _, passages in kept for passage in passages):
        bare = replace(passage, times=1)
        times[bare] = times.get(bare, 0) + passage.times
    return (
        ModelCertificate(
            theorem="shift",
            operators=tuple(_operator(replace(passage, times=count), ()) for passage, count in times.items()),
            optimizers=OPTIMIZERS,
            requires=REQUIRES["shift"],
            shifts=tuple(shift for shift, _ in kept),
            stuck=tuple(shift.parameter for shift, _ in kept),
        )
        if kept
        else None
    )


def levelled(observation: Observation, colours: Colours) -> list[ModelCertificate]:
    """Return the certificates of parameters whose slices all go with modules that are exchanged, and move together."""
    swaps = [swap for swap in observation.swaps if _is_confirmed(swap, colours)]
    sliced = dict.fromkeys((name, axis) for swap in swaps for name, axis, _, _ in swap.slices)
    still = [key for key in sliced if key[0] in colours.parameters and colours.frozen(key[0]).all()]
    found = (level(observation, swaps, name, axis) for name, axis in still)
    return [certificate for certificate in found if certificate is not None]


def level(observation: Observation, swaps: Iterable[Swap], name: str, axis: int) -> ModelCertificate | None:
    """Return the certificate that equal slices of a parameter stay as they are; None if that is not known.

    Every slice must change places with the first in some exchange, and adding the same to all must change no output.
    """
    own = [swap for swap in swaps if any(each[:3] == (name, axis, 0) for each in swap.slices)]
    reached = {place for swap in own for other, along, _, place in swap.slices if (other, along) == (name, axis)}
    shift = Shift(name, along=axis)
    passages = observation.vanish(shift) if observation.vanish is not None else None
    if passages is None or reached != set(range(1, observation.parameter(name).shape[axis])):
        return None
    operators = [operator for swap in own for operator in exchanged(observation, swap).operators]
    return ModelCertificate(
        theorem="shift of equals",
        size=2,
        groups=((0, 1),),
        pairs=tuple(pair for swap in own for pair in swap.pairs),
        slices=tuple(each for swap in own for each in swap.slices),
        operators=(*operators, *(_operator(passage, ()) for passage in passages)),
        optimizers=OPTIMIZERS,
        requires=REQUIRES["shift of equals"],
        shifts=(shift,),
        stuck=(name,),
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
