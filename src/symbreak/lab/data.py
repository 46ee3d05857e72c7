"""What is learned on the page: a built-in set, points of one's own, or a table that was dropped on it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from symbreak import datasets
from symbreak.datasets import Dataset
from symbreak.errors import InvalidData, InvalidInput, SymbreakError
from symbreak.experiments import Settings, prepare
from symbreak.experiments.running import Problem
from symbreak.lab import reading
from symbreak.lab.state import MOST_INPUTS, MOST_UNITS, OWN, State

MOST_SAMPLES = 2000
# A coordinate beyond this is of no use on a page, and its square still is a number.
LARGEST = 1e6
# The file name under which errors speak of a dropped table.
DROPPED = "dropped.csv"


def problem(state: State, own: Dataset | None) -> Problem:
    """Return the data as the networks see it: as `compare` prepares it.

    Raises:
        InvalidInput: the state asks for data of one's own and there is none; data and loss that do not fit.
    """
    if state.data == OWN and own is None:
        raise InvalidInput(
            "a link does not hold data of one's own",
            got=OWN,
            allowed="points or a table given on this page, or a saved run",
            hint="load the run that was saved with it",
        )
    settings = Settings(data=state.data, inits=("zeros",), layers=state.layers, loss=state.loss)
    return prepare(settings, own if state.data == OWN else None)[0]


def from_points(X: Any, Y: Any) -> Dataset:
    """Return clicked points: X [[x1, ...], [x2, ...]], Y the class of each, 0 or 1 (or 0, 1, 2, ...).

    Raises `InvalidInput` for anything else.
    """
    points = reading.matrix(X, "X", rows=2, columns=MOST_SAMPLES, largest=LARGEST)
    labels = [reading.whole(y, "a class", 0, 9) for y in reading.listed(Y, "Y", least=1, most=MOST_SAMPLES)]
    if len(points) != 2 or points.shape[1] != len(labels):
        raise reading.refused(
            "points have two coordinates and a class each",
            f"X of shape {points.shape}, {len(labels)} classes",
            "X [[x1, ...], [x2, ...]], Y [class, ...]",
            "X [[0, 1], [0, 1]], Y [0, 1]",
        )
    if len(set(labels)) < 2:
        raise reading.refused(
            "there must be something to tell apart", "points of one class", "two classes or more", "Y [0, 1]"
        )
    made = datasets.from_rows(points.T, np.array(labels), name="points", task="classification")
    return as_drawn(made)


def as_drawn(data: Dataset) -> Dataset:
    """Return data that is neither split nor standardized, as that made by formula."""
    return Dataset(data.name, data.X, data.Y, data.features, data.classes, data.task, made_by_formula=True)


def from_csv(content: Any, target: Any) -> Dataset:
    """Read the text of a dropped table; it is then split and standardized, as `compare` does.

    Raises `InvalidInput` for what is no such table, or too large for the page.
    """
    written = reading.text(content, "the table", most=2**20)
    column = None if target is None else reading.text(target, "the target", most=200)
    try:
        coded = written.encode()
    except UnicodeEncodeError:
        raise reading.refused("the table is text", "half a character", "UTF-8", "save it again as UTF-8") from None
    with tempfile.TemporaryDirectory(prefix="symbreak-lab-") as folder:
        path = Path(folder) / DROPPED
        path.write_bytes(coded)
        try:
            found = datasets.load(path, target=column)
        except SymbreakError as error:
            # The page knows nothing of the place where the text was put down.
            raise _without(folder, error) from None
    _check_size(found)
    return found


def _without(folder: str, error: SymbreakError) -> InvalidInput:
    if not isinstance(error, InvalidInput):
        return InvalidInput(str(error), got=DROPPED, allowed="a table", hint="a CSV file with a header")
    parts = [part.replace(f"{folder}/", "") for part in (error.rule, error.got, error.allowed, error.hint)]
    return InvalidData(parts[0], got=parts[1], allowed=parts[2], hint=parts[3])


def _check_size(data: Dataset) -> None:
    limits = (
        ("samples", data.samples, MOST_SAMPLES),
        ("features", data.n_x, MOST_INPUTS),
        ("targets", data.n_y, MOST_UNITS),
    )
    for what, count, most in limits:
        if count > most:
            raise reading.refused(
                f"the page takes tables of at most {most} {what}", str(count), f"{most}", "symbreak compare"
            )
    if np.abs(data.X).max() > LARGEST or np.abs(data.Y).max() > LARGEST:
        raise reading.refused(
            "the numbers of a table are of a usual size", "larger ones", f"up to {LARGEST:g}", "other units"
        )


def to_json(data: Dataset) -> dict[str, Any]:
    """Return a data set as a saved run holds it."""
    return {
        "name": data.name,
        "X": data.X.tolist(),
        "Y": data.Y.tolist(),
        "features": list(data.features),
        "classes": list(data.classes),
        "task": data.task,
        "as_drawn": data.made_by_formula,
    }


def from_json(value: Any) -> Dataset:
    """Read what `to_json` wrote.

    Raises `InvalidInput` for anything else.
    """
    given = reading.mapping(value, "the data of a run", list(_FIELDS))
    if set(given) != set(_FIELDS):
        raise reading.refused(
            "the data of a run is whole", ", ".join(given), ", ".join(_FIELDS), "a run that was saved here"
        )
    data = Dataset(
        reading.text(given["name"], "a name", most=200),
        reading.matrix(given["X"], "X", rows=MOST_INPUTS, columns=MOST_SAMPLES, largest=LARGEST),
        reading.matrix(given["Y"], "Y", rows=MOST_UNITS, columns=MOST_SAMPLES, largest=LARGEST),
        _names(given["features"]),
        _names(given["classes"]),
        reading.choice(given["task"], "the task", ("binary", "multi-class", "regression")),  # type: ignore[arg-type]
        made_by_formula=reading.flag(given["as_drawn"], "as_drawn"),
    )
    _check_size(data)
    if data.samples < 2:
        raise reading.refused("there must be something to learn from", "a single sample", "two or more", "more samples")
    return data


_FIELDS = ("name", "X", "Y", "features", "classes", "task", "as_drawn")


def _names(value: Any) -> tuple[str, ...]:
    return tuple(reading.text(name, "a name", most=200) for name in reading.listed(value, "names", most=MOST_INPUTS))
