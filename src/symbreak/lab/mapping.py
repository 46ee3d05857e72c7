"""The map beside a race: scale of the start against learning rate, coarse at first, then finer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from operator import attrgetter
from typing import Any

import numpy as np

from symbreak.experiments.map.grid import Chunk
from symbreak.experiments.map.running import Job, train_chunk
from symbreak.experiments.map.settings import MapSettings
from symbreak.experiments.running import Problem
from symbreak.lab.frames import nested
from symbreak.lab.state import OWN, State

# Networks along each side, one level after the other: the first is there in a second, the last is fine enough to
# see where networks learn.
LEVELS = (8, 16, 32)
ITERATIONS = 500
"""Updates of every network: a click then shows the network at this step."""


_basis = attrgetter("data", "layers", "activation", "loss", "seed", "optimizer")


def settings(state: State, size: int, x: str, y: str) -> MapSettings:
    """Return the map of this state's network from normal starts; the scale is their standard deviation."""
    axes = {"scale": "scale:0.001:1000:log", "learning-rate": "learning-rate:0.01:100:log"}
    return MapSettings(
        x=axes[x],  # type: ignore[arg-type]
        y=axes[y],  # type: ignore[arg-type]
        size=(size, size),
        data=state.data,
        layers=state.layers,
        activation=state.activation,
        loss=state.loss,
        seed=state.seed,
        iterations=ITERATIONS,
        optimizer=state.optimizer,
        in_memory=state.data == OWN,
    )


def alike(one: State, other: State) -> bool:
    """Tell whether two races on the same data have the same map: it does not depend on starts and rates."""
    return bool(_basis(one) == _basis(other))


def draw(
    state: State, problem: Problem, x: str, y: str, tell: Callable[[dict[str, Any]], None], halt: threading.Event
) -> None:
    """Train the networks of one level after the other, row by row, and tell each row; end soon once `halt` is set."""
    for level, size in enumerate(LEVELS):
        asked = settings(state, size, x, y)
        for row in range(size):
            chunk = Chunk(row, row, row + 1, 0, size)
            with np.errstate(all="ignore"):
                found = train_chunk(Job(asked, problem), chunk, lambda _: not halt.is_set())
            if found is None or halt.is_set():
                return
            cells = [asked.cell(column, asked.ys[row]) for column in asked.xs]
            tell(
                {
                    "is": "map",
                    "level": level,
                    "levels": len(LEVELS),
                    "size": size,
                    "row": row,
                    "x": {"name": x, "values": asked.xs.tolist()},
                    "y": {"name": y, "values": asked.ys.tolist()},
                    "iterations": ITERATIONS,
                    "networks": [{"init": cell.inits[0], "rate": cell.rates[0]} for cell in cells],
                    "cost": nested(found.final_cost[0]),
                    "accuracy": nested(found.accuracy[0]),
                    "effective": found.effective_units[0].tolist(),
                    "diverged": (found.diverged_at[0] >= 0).tolist(),
                    "last": level == len(LEVELS) - 1 and row == size - 1,
                }
            )
