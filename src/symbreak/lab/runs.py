"""A run as a file, and the command that makes a network again."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from symbreak.datasets import Dataset
from symbreak.experiments import Settings
from symbreak.lab import data, reading
from symbreak.lab.race import Race
from symbreak.lab.state import OWN, State

SCHEMA = "symbreak/lab/1"
# `compare` trains seeds 0, 1, ...: up to this seed, the runs before it are soon done.
LAST_COMPARED_SEED = 99


def to_json(race: Race, own: Dataset | None) -> dict[str, Any]:
    """Return a run: its state, and data of one's own, which no link holds."""
    run: dict[str, Any] = {"schema": SCHEMA, "state": race.state.to_json()}
    if race.state.data == OWN and own is not None:
        run["data"] = data.to_json(own)
    return run


def from_json(value: Any) -> tuple[State, Dataset | None]:
    """Read what `to_json` wrote.

    Raises:
        InvalidInput: anything else.
    """
    given = reading.mapping(value, "a run", ("schema", "state", "data"))
    reading.choice(given.get("schema"), "the schema of a run", (SCHEMA,))
    own = None if given.get("data") is None else data.from_json(given["data"])
    return State.from_json(given.get("state", {})), own


def command(race: Race, index: int) -> tuple[str, str]:
    """Return what makes this network again with the same bits, and its kind: "shell", or "python".

    `symbreak compare` does, where it can: not with edits, epsilon, dropout or data of one's own. Its last run is this
    one. Otherwise it is a Python program; with data of one's own, for a folder that holds the saved run.
    """
    entrant, state = race.entrant(index), race.state
    plain = not entrant.epsilon and not entrant.edits and not entrant.dropout
    if plain and state.data != OWN and state.seed <= LAST_COMPARED_SEED:
        settings = Settings(
            data=state.data,
            inits=(entrant.init,),
            layers=state.layers,
            activation=state.activation,
            loss=state.loss,
            seeds=state.seed + 1,
            iterations=max(1, state.t),
            learning_rate=state.rate,
            optimizer=state.optimizer,
            arithmetic=entrant.arithmetic,
        )
        return settings.command, "shell"
    return _program(race, index), "python"


def _program(race: Race, index: int) -> str:
    alone = replace(race.state, networks=(race.entrant(index),))
    own = 'data.from_json(json.load(open("symbreak-run.json"))["data"])' if alone.data == OWN else "None"
    return "\n".join(
        (
            "import json",
            "from symbreak.lab import data",
            "from symbreak.lab.race import Race",
            "from symbreak.lab.state import State",
            f"state = State.from_json(json.loads({json.dumps(alone.to_json())!r}))",
            f"race = Race(state, data.problem(state, {own}))",
            "race.advance(state.t)",
            "print(race.costs[0])",
        )
    )
