"""What a few real steps show of a refined pattern: whether it holds, and when units that are equal now part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from symbreak.diagnosis.colours import Colours, Labels, Table
from symbreak.diagnosis.observation import Observation, Sight

# Steps of the witness run; for models beyond this size it is left out, since it keeps an optimizer's state.
STEPS = 3
LARGEST_WALK = 30_000_000


@dataclass(frozen=True)
class Parting:
    """Units that are equal at the start and differ after `step` steps."""

    module: str
    units: tuple[int, ...]
    step: int


@dataclass(frozen=True)
class Witness:
    """A run of AdamW in the numbers of the passes.

    Attributes:
        steps: how many were taken.
        held: whether all that is said to stay tied or frozen did.
        partings: what was equal at the start, and when it was no longer.
    """

    steps: int
    held: bool
    partings: tuple[Parting, ...]


def witnessed(observation: Observation, colours: Colours) -> Witness | None:
    """Take a few real steps; see what holds, and when what is equal at the start parts."""
    if observation.walk is None or sum(p.summary.size for p in colours.parameters.values()) > LARGEST_WALK:
        return None
    table = Table()
    found: list[Parting] = []
    held = True
    for step, sight in enumerate(observation.walk(STEPS)):
        for name, slices in sight.units.items():
            if step == 0:
                table.add(name, len(slices.norms))
        before = {name: table.of(name)[0].copy() for name in table.places}
        largest = max((float(s.norms.max(initial=0)) for s in sight.units.values()), default=0.0)
        table.learn({name: (s, 1) for name, s in sight.units.items()}, sight.epsilon, largest)
        held = held and _holds(colours, table, sight)
        if step:
            found += [
                Parting(name.partition("#")[0], group, step)
                for name, label in before.items()
                for group in _parts_now(label, table.of(name)[0])
            ]
    return Witness(STEPS, held, tuple(found))


def _parts_now(before: Labels, after: Labels) -> Iterator[tuple[int, ...]]:
    for each in np.unique(before):
        units = np.flatnonzero(before == each)
        if len(np.unique(after[units])) > 1:
            yield tuple(units.tolist())


def _holds(colours: Colours, table: Table, sight: Sight) -> bool:
    """Tell whether units said to be one still are, and parameters said to be frozen have no gradient."""
    floor = max((g.rms for g in sight.gradients.values()), default=0.0) * sight.epsilon**0.75
    still = [n for n in colours.parameters if colours.frozen(n).all() and n in sight.gradients]
    if any(sight.gradients[name].rms > floor for name in still):
        return False
    kept = [(colours.units.of(n)[0], table.of(n)[0]) for n in table.places if n in colours.units.places]
    return all(len(np.unique(now[ever == each])) == 1 for ever, now in kept for each in np.unique(ever))
