"""The checker of a model's certificates: compares the numbers anew and has the pass followed anew.

What was equal is compared entry by entry; the renaming is followed by rules that share nothing with the search for it.
Then the certificate is set beside the one that this model gives for the same claim, so that no word of it can be
altered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields

import numpy as np

from symbreak.diagnosis.certifying import balanced, exchanged, held_still, level, renamed, shifted
from symbreak.diagnosis.model_certificate import ModelCertificate
from symbreak.diagnosis.observation import Observation
from symbreak.diagnosis.renaming import table
from symbreak.diagnosis.symmetry import Certificate


def failures(certificate: ModelCertificate, observation: Observation) -> tuple[str, ...]:
    """Return what does not hold of this model; an empty tuple means that the proof stands."""
    check = _CHECKS.get(certificate.theorem)
    if check is None:
        return (f"no theorem of the name {certificate.theorem!r}",)
    try:
        return tuple(check(certificate, observation))
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, StopIteration) as error:
        return (f"the certificate does not fit this model: {type(error).__name__}: {error}",)


def _renaming(certificate: ModelCertificate, observation: Observation) -> Iterator[str]:
    units = [unit for group in certificate.groups for unit in group]
    whole = all(0 <= unit < certificate.size for unit in units) and len(set(units)) == len(units)
    signed = any(member.negated for member in certificate.members)
    if not whole or not (units or signed) or min(map(len, certificate.groups), default=2) < 2:
        yield "the groups are not groups of two or more different units"
        return
    apart = list(_apart(certificate, observation))
    if apart:
        yield from apart
        return
    follow = next((space.follow for space in observation.spaces), None)
    members, size, groups = certificate.members, certificate.size, certificate.groups
    followed = follow(members, size, groups) if follow is not None else None
    if followed is None:
        yield "an operator of this model's pass does not let the renaming through"
    else:
        yield from _altered(certificate, renamed(observation, members, size, groups, followed))


def _apart(certificate: ModelCertificate, observation: Observation) -> Iterator[str]:
    """Name the slices that the renaming does not carry into themselves."""
    following = {
        unit: after for group in certificate.groups for unit, after in zip(group, (*group[1:], group[0]), strict=True)
    }
    for member in certificate.members:
        length = observation.parameter(member.parameter).shape[member.axis]
        if min(member.before, member.after, member.start + 1) < 1 or (
            member.start + member.before * certificate.size * member.after > length
        ):
            yield f"{member.parameter} has no {certificate.size} such units along axis {member.axis}"
            continue
        negated = [unit for unit in member.negated if 0 <= unit < certificate.size]
        if tuple(sorted(set(negated))) != member.negated:
            yield f"{member.parameter}: what changes sign along axis {member.axis} are not different units in order"
            continue
        values = table(observation, member, certificate.size)
        for unit in sorted({*following, *negated}):
            other = following.get(unit, unit)
            sign = -1 if unit in negated else 1
            if not np.array_equal(values[:, unit], sign * values[:, other]):
                are = "differ" if sign > 0 else "are not opposite" if other != unit else "is not zero"
                names = f"units {unit} and {other}" if other != unit else f"unit {unit}"
                yield f"{member.parameter}: {names} {are} along axis {member.axis}"


def _differing(certificate: ModelCertificate, observation: Observation) -> Iterator[str]:
    for a, b in certificate.pairs:
        if not np.array_equal(observation.parameter(a).values(), observation.parameter(b).values()):
            yield f"{a} and {b} differ"
    for name, axis, i, j in certificate.slices:
        values = observation.parameter(name).values()
        if not np.array_equal(values.take(i, axis), values.take(j, axis)):
            yield f"{name}: places {i} and {j} differ along axis {axis}"


def _exchange(certificate: ModelCertificate, observation: Observation) -> Iterator[str]:
    yield from _differing(certificate, observation)
    swap = next((s for s in observation.swaps if (s.pairs, s.slices) == (certificate.pairs, certificate.slices)), None)
    if swap is None:
        yield "exchanging these parameters is not known to leave this model's output as it is"
    else:
        yield from _altered(certificate, exchanged(observation, swap))


def _shift(certificate: ModelCertificate, observation: Observation) -> Iterator[str]:
    for shift in certificate.shifts:
        if tuple(sorted(set(shift.places))) != shift.places:
            yield f"{shift.parameter}: the places are not different ones in order"
    own = shifted(observation, certificate.shifts)
    if own is None:
        yield "what is added to these parameters is not known to vanish"
    else:
        yield from _altered(certificate, own)


def _level(certificate: ModelCertificate, observation: Observation) -> Iterator[str]:
    yield from _differing(certificate, observation)
    (shift,) = certificate.shifts
    own = level(observation, observation.swaps, shift.parameter, shift.along if shift.along is not None else -1)
    if own is None:
        yield "exchanging these slices, or adding the same to all, is not known to leave this model's output as it is"
    else:
        yield from _altered(certificate, own)


def _balanced(certificate: ModelCertificate, observation: Observation) -> Iterator[str]:
    from symbreak.diagnosis.rules.rule import Context

    context = Context(observation)
    own = balanced(context)
    if own is None or context.chain is None or certificate.proof is None:
        yield "this model is no chain of layers with balanced classes"
        return
    yield from Certificate.from_json(dict(certificate.proof["certificate"])).verify(context.chain.network).failures
    yield from _altered(certificate, own)


def _zeros(certificate: ModelCertificate, observation: Observation) -> Iterator[str]:
    for name in certificate.zeros:
        if observation.parameter(name).values().any():
            yield f"{name} is not zero"
    own = held_still(observation)
    if own is None:
        yield "no zeros hold anything of this model still"
    else:
        yield from _altered(certificate, own)


_CHECKS: Mapping[str, Callable[[ModelCertificate, Observation], Iterator[str]]] = {
    "renaming": _renaming,
    "signed renaming": _renaming,
    "exchange": _exchange,
    "balanced classes": _balanced,
    "zero factors": _zeros,
    "shift": _shift,
    "shift of equals": _level,
}


def _altered(certificate: ModelCertificate, own: ModelCertificate) -> Iterator[str]:
    """Name what is not as this model's own certificate for the same claim has it."""
    given, mine = certificate.to_json(), own.to_json()
    for name in (each.name for each in fields(ModelCertificate)):
        if given[name] != mine[name]:
            yield f"{name}: not what this model gives"
