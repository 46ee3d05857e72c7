"""What `compare` found, as data: it goes to JSON and back, and neither prints nor draws itself."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

SCHEMA = "symbreak/compare/1"


@dataclass(frozen=True)
class Spread:
    """Median and range over seeds; `None` stands for "never" or "overflowed"."""

    median: float | None
    min: float | None
    max: float | None


@dataclass(frozen=True)
class Ends:
    """One number per hidden layer, before the first step and after the last; `None` once a run has overflowed."""

    start: tuple[float, ...]
    end: tuple[float | None, ...]


@dataclass(frozen=True)
class Run:
    """One network: one initialization under one seed.

    `cost` holds (iteration, training cost) pairs; a cost is `None` once the run has overflowed. `overflowed_at` is
    the iteration at which the first number that is not finite appeared.
    """

    seed: int
    cost: tuple[tuple[int, float | None], ...]
    final_cost: float | None
    accuracy: float | None
    iterations_to_half_base_rate: int | None
    gradient_norm: float | None
    effective_units: Ends
    saturated: Ends
    dead: Ends
    overflowed_at: int | None


@dataclass(frozen=True)
class Histogram:
    """Counts of one quantity of one layer, before the first step and after the last, over shared bin edges.

    `edges` has one entry more than `start` and `end`; `layer` counts from 1, the last is the output layer.
    """

    layer: int
    edges: tuple[float, ...]
    start: tuple[int, ...]
    end: tuple[int, ...]


@dataclass(frozen=True)
class Boundary:
    """The network's answer over the plane: `answer[i][j]` at (`x1[j]`, `x2[i]`).

    For two classes the answer is the probability of class 1, for more the index of the likeliest class, for a
    regression the predicted value.
    """

    x1: tuple[float, ...]
    x2: tuple[float, ...]
    answer: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Detail:
    """What the pictures of one run are drawn from (the run of the first seed).

    `trajectory_weights[t][unit]` holds the incoming weights of a unit of the first hidden layer at iteration
    `trajectory_iterations[t]`; for more than two features, only its first two weights. `boundary` is `None` unless
    the data has two features. Histograms are those of the hidden activations and of the weight gradients.
    """

    seed: int
    trajectory_iterations: tuple[int, ...]
    trajectory_weights: tuple[tuple[tuple[float, ...], ...], ...]
    activations: tuple[Histogram, ...]
    gradients: tuple[Histogram, ...]
    boundary: Boundary | None


@dataclass(frozen=True)
class Row:
    """One initialization over all seeds; lists are per hidden layer, medians over seeds."""

    init: str
    law: str
    final_cost: Spread
    accuracy: Spread
    iterations_to_half_base_rate: Spread
    gradient_norm: Spread
    effective_units: Ends
    saturated: Ends
    dead: Ends
    overflowed: int
    verdict: str
    status: str
    runs: tuple[Run, ...]
    detail: Detail | None


@dataclass(frozen=True)
class DataSummary:
    """The data as the networks saw it.

    `base_rate_cost` is the training cost of a model that knows only how frequent the classes are (or the targets'
    mean); `base_rate_score` its score on the scored split. `score` names what `accuracy` holds: "accuracy", "r2" for
    a regression, or "cost" (the final cost) where there is no score. Where the loss has no base rate that is known,
    `base` is "starting", and the lowest cost at step 0 stands for it. Batches of a user's own have no names of features
    or classes. `points` and `labels` (training split) are kept for the picture when there are two features.
    """

    name: str
    features: tuple[str, ...]
    classes: tuple[str, ...]
    training_samples: int
    held_out_samples: int
    standardized: bool
    score: str
    base_rate_cost: float
    base_rate_score: float
    notes: tuple[str, ...]
    points: tuple[tuple[float, ...], ...]
    labels: tuple[float, ...]
    base: str = "base-rate"


@dataclass(frozen=True)
class NetworkSummary:
    """The network and how it was trained; `sizes` runs from the inputs over the hidden layers to the outputs.

    For a user's model `model` names it, `parameters` counts its numbers, and `layers` names the weights of its hidden
    layers, in the order in which they run.
    """

    sizes: tuple[int, ...]
    activation: str
    loss: str
    optimizer: str
    learning_rate: float
    iterations: int
    batch_size: int | None
    seeds: int
    arithmetic: str
    model: str = ""
    parameters: int = 0
    layers: tuple[str, ...] = ()

    @property
    def hidden(self) -> tuple[int, ...]:
        """Sizes of the hidden layers."""
        return self.sizes[1:-1]


@dataclass(frozen=True)
class CompareResult:
    """Everything that one `compare` found.

    >>> CompareResult.from_json(result.to_json()) == result  # doctest: +SKIP
    True
    """

    command: str
    version: str
    data: DataSummary
    network: NetworkSummary
    rows: tuple[Row, ...]
    interrupted: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return plain lists, dicts and finite numbers, ready for `json.dump(..., allow_nan=False)`."""
        return {"schema": SCHEMA, **_plain(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> CompareResult:
        """Read back what `to_json` wrote."""
        return cls(
            command=data["command"],
            version=data["version"],
            data=DataSummary(**_tuples(data["data"])),
            network=NetworkSummary(**_tuples(data["network"])),
            rows=tuple(_row(row) for row in data["rows"]),
            interrupted=data["interrupted"],
        )


def _plain(value: Any) -> Any:
    if hasattr(value, "__dataclass_fields__"):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _tuple(value: Any) -> Any:
    return (
        tuple(_tuple(item) for item in value) if isinstance(value, Sequence) and not isinstance(value, str) else value
    )


def _tuples(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _tuple(value) for key, value in data.items()}


_ENDS = ("effective_units", "saturated", "dead")
_SPREADS = ("final_cost", "accuracy", "iterations_to_half_base_rate", "gradient_norm")


def _row(data: Mapping[str, Any]) -> Row:
    spreads = {name: Spread(**data[name]) for name in _SPREADS}
    ends = {name: Ends(**_tuples(data[name])) for name in _ENDS}
    special = {"runs": tuple(_run(run) for run in data["runs"]), "detail": _detail(data["detail"])}
    return Row(**{**data, **spreads, **ends, **special})


def _run(data: Mapping[str, Any]) -> Run:
    return Run(**{**_tuples(data), **{name: Ends(**_tuples(data[name])) for name in _ENDS}})


def _detail(data: Mapping[str, Any] | None) -> Detail | None:
    if data is None:
        return None
    special = {
        "activations": tuple(Histogram(**_tuples(histogram)) for histogram in data["activations"]),
        "gradients": tuple(Histogram(**_tuples(histogram)) for histogram in data["gradients"]),
        "boundary": data["boundary"] and Boundary(**_tuples(data["boundary"])),
    }
    return Detail(**{**_tuples(data), **special})
