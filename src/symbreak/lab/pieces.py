"""What a race is cut into: networks at one step, and pieces of their training."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from symbreak.diagnosis.symmetry import Merged
from symbreak.experiments.running import Problem
from symbreak.lab.state import State
from symbreak.network import Memory, Network, optimizers


@dataclass(frozen=True, eq=False)
class Lane:
    """One network at one step.

    Attributes:
        memory: what its update rule remembers: the engine's (one row), or that of the reference; None before the first
            update.
        merged: the smaller network beside it.
        apart: the first step at which its answers were others than the large one's; -1: they never were.
        parted: for each lemma, the first step at which it did not hold; -1: it always did.
    """

    network: Network
    memory: Memory | optimizers.State | None = None
    merged: Merged | None = None
    apart: int = -1
    parted: tuple[int, ...] = (-1, -1, -1, -1)


@dataclass(frozen=True, eq=False)
class Moment:
    """All networks of a race after `t` updates."""

    t: int
    lanes: tuple[Lane, ...]


@dataclass(frozen=True, eq=False)
class Track:
    """What does not change while a race runs; `tied`: which units were one at each network's start."""

    state: State
    problem: Problem
    tied: tuple[tuple[int, ...], ...] = ()

    def by_engine(self, index: int) -> bool:
        """Tell whether the compiled engine trains this network: it knows neither BLAS nor dropout."""
        entrant = self.state.networks[index]
        return entrant.arithmetic == "unitwise" and entrant.dropout == 0


@dataclass(frozen=True, eq=False)
class Piece:
    """A piece of a race: so many steps from a moment on; costs are noted at the steps `marks`."""

    track: Track
    moment: Moment
    steps: int
    marks: frozenset[int]
    halt: threading.Event


@dataclass(frozen=True, eq=False)
class Trained:
    """One network after a piece: its costs and, if a merged one runs beside, the weights it had at every step."""

    lane: Lane
    costs: Mapping[int, float]
    path: Sequence[Network] = ()
