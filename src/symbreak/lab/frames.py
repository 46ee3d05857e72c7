"""What is drawn of a race at one step: everything measured by the rooms that define it."""

from __future__ import annotations

import base64
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak.datasets import Dataset
from symbreak.diagnosis.symmetry.forecast import PARTED
from symbreak.experiments import measures, pictures
from symbreak.experiments.running import Problem
from symbreak.lab import lemmas, merging
from symbreak.lab.lanes import passes
from symbreak.lab.pieces import Lane, Track
from symbreak.lab.race import Race
from symbreak.network import Backward, Forward, Network, backward, cost, forward

Array = NDArray[np.floating[Any]]

# Points of the decision picture along each side.
GRID = 48
# A frame of more numbers would be too much for a browser, thirty times a second: then only the first layer is sent.
MOST_WEIGHTS = 2048
# Answers of the decision picture that differ by no more differ by rounding.
ROUNDING = 1e-12


def number(value: Any) -> float | None:
    """Return a number as JSON has it: none for inf and nan."""
    return float(value) if math.isfinite(value) else None


def nested(array: Array) -> Any:
    """Return lists of numbers; what overflowed is none."""
    if np.isfinite(array).all():
        return array.tolist()
    return [nested(row) if row.ndim else number(row) for row in array]


def described(data: Problem) -> dict[str, Any]:
    """Return the data as the page draws it; names are plain text, never markup."""
    train = data.train
    low, high = ranges(train)
    return {
        "name": train.name,
        "X": train.X.tolist(),
        "Y": (train.Y[0] if train.task == "regression" else train.labels()).tolist(),
        "features": list(train.features),
        "labels": list(train.classes),
        "task": train.task,
        "x_range": [low[0], high[0]],
        "y_range": [low[1], high[1]] if train.n_x > 1 else None,
        "base_rate": data.base_rate_cost,
        "score": "r2" if train.task == "regression" else "accuracy",
    }


def ranges(train: Dataset) -> tuple[list[float], list[float]]:
    """Return the corners of the decision picture: the data and a margin."""
    low, high = train.X.min(axis=1), train.X.max(axis=1)
    margin = pictures.MARGIN * np.maximum(high - low, 1e-9)
    return (low - margin).tolist(), (high + margin).tolist()


def drawn(race: Race) -> list[dict[str, Any]]:
    """Return what a frame tells of every network."""
    return [_network(race, index, lane) for index, lane in enumerate(race.moment.lanes)]


def _network(race: Race, index: int, lane: Lane) -> dict[str, Any]:
    track, network = race.track, lane.network
    with np.errstate(all="ignore"):
        passed, gradient = whole_passes(track, index, network)
        value = float(cost(network, passed, track.problem.train.Y, arithmetic=track.state.networks[index].arithmetic))
        return {
            "cost": number(value),
            "diverged": not math.isfinite(value),
            "accuracy": number(_accuracy(track.problem, network, passed)),
            **_units(network, passed, gradient),
            "saturated": measures.saturated_share(network, passed)[0].tolist(),
            "dead": measures.dead_share(network, passed)[0].tolist(),
            **_weights(network),
            "boundary": boundary(track.problem, network),
            **_lemmas(race, index, lane, (passed, gradient)),
            "merged": _merged(race, index, lane, passed),
        }


def whole_passes(track: Track, index: int, network: Network) -> tuple[Forward, Backward]:
    """Return the passes over all training examples, nothing dropped, in the network's own arithmetic."""
    arithmetic, train = track.state.networks[index].arithmetic, track.problem.train
    passed = forward(network, train.X, arithmetic=arithmetic)
    return passed, backward(network, passed, train.Y, arithmetic=arithmetic)


def _lemmas(race: Race, index: int, lane: Lane, whole: tuple[Forward, Backward]) -> dict[str, Any]:
    """Return the proof's lemmas as they stand; of a network none of whose units were tied there are none.

    `whole` are the passes without dropout.
    """
    track, network = race.track, lane.network
    entrant, tied, train = track.state.networks[index], track.tied[index], track.problem.train
    if not lemmas.any_tied(tied, network.sizes):
        return {"hypothesis": None, "lemmas": []}
    thinned = entrant.dropout > 0
    passed, gradient = passes(network, train.X, train.Y, entrant, track.state.seed, race.t) if thinned else whole
    now = lemmas.holding(network, tied, passed, gradient)
    return {
        "hypothesis": now[0],
        "lemmas": lemmas.told(entrant, tied, lane.parted, now, network.sizes, race.t),
    }


def _accuracy(problem: Problem, network: Network, passed: Forward) -> float:
    if problem.scored is not problem.train:
        passed = forward(network, problem.scored.X, arithmetic="unitwise")
    regression = problem.train.task == "regression"
    return float(measures.accuracy(network, passed, problem.scored.Y, regression=regression)[0])


def _units(network: Network, passed: Forward, gradient: Backward) -> dict[str, Any]:
    """Return which units are one now, and how many there really are: see `measures.effective_units`."""
    layers = zip(passed.activations[1:-1], gradient.deltas[:-1], strict=True)
    return {
        "units": [same_rows(np.hstack(pair), signed=network.activation.odd) for pair in layers],
        "effective": measures.effective_units(network, passed, gradient)[0].tolist(),
    }


def same_rows(rows: Array, *, signed: bool) -> list[int]:
    """Return a class for every row, counted from 0: rows of a class are equal to the last bit, or up to sign."""
    found: dict[bytes, int] = {}
    classes = []
    for row in rows + 0.0:
        nonzero = np.flatnonzero(row)
        mirrored = signed and nonzero.size and row[nonzero[0]] < 0
        classes.append(found.setdefault((-row + 0.0 if mirrored else row).tobytes(), len(found)))
    return classes


def _weights(network: Network) -> dict[str, Any]:
    shown = len(network.weights) if sum(p.size for p in network.parameters) <= MOST_WEIGHTS else 1
    if network.weights[0].size > MOST_WEIGHTS:
        shown = 0
    return {
        "weights": [nested(w) for w in network.weights[:shown]],
        "biases": [nested(b[:, 0]) for b in network.biases],
    }


def boundary(problem: Problem, network: Network) -> dict[str, Any] | None:
    """Return the answers over the plane; none if the data is not plane.

    `shades` are bytes, base64, row 0 at the lowest x2. Of several outputs they are the number of the largest. A single
    output is a probability (for a regression, its place between the least and the largest target): 128 + 127 times its
    distance from 1/2 over `span`, the largest there is, so that a border is sharp however near to 1/2 all answers are.
    `same` tells that the answer is the same everywhere.
    """
    train = problem.train
    if train.n_x != 2:
        return None
    low, high = ranges(train)
    axes = np.meshgrid(*(np.linspace(low[i], high[i], GRID) for i in (0, 1)))
    # A picture of 256 shades needs no arithmetic that keeps ties.
    answer = forward(network, np.stack([axis.ravel() for axis in axes]), arithmetic="blas").answer
    if len(answer) > 1:
        span, shades = 0.5, answer.argmax(axis=0)
    else:
        least, largest = (0.0, 1.0) if train.task == "binary" else (float(train.Y.min()), float(train.Y.max()))
        places = np.nan_to_num((answer[0] - least) / max(largest - least, 1e-300), nan=0.5, posinf=1.0, neginf=0.0)
        away = np.clip(places - 0.5, -0.5, 0.5)
        span = float(np.abs(away).max())
        shades = 128 + np.rint(127 * away / span) if span > ROUNDING else np.full(away.shape, 128)
    return {
        "shades": base64.b64encode(shades.astype(np.uint8).tobytes()).decode(),
        "span": span,
        "same": bool(np.ptp(answer, axis=1).max() <= ROUNDING),
    }


def _merged(race: Race, index: int, lane: Lane, passed: Forward) -> dict[str, Any] | None:
    """Return the smaller network beside this one, drawn by the same rules, and whether the two are still one."""
    if lane.merged is None:
        return None
    track, small = race.track, lane.merged.network
    train = track.problem.train
    answers = forward(small, train.X, arithmetic="unitwise")
    difference = float(np.abs(answers.answer - passed.answer).max())
    apart = lane.apart if lane.apart >= 0 else race.t if difference > PARTED else None
    return {
        "sizes": list(small.sizes),
        "groups": [[list(units) for units in layer] for layer in lane.merged.groups],
        "difference": number(difference),
        "threshold": PARTED,
        "apart_at": apart,
        "names": "" if apart is None else merging.cause(track.state.networks[index], apart),
        "cost": number(cost(small, answers, train.Y, arithmetic="unitwise")),
        **_weights(small),
        "boundary": boundary(track.problem, small),
    }
