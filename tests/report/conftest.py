"""Results to draw: small networks trained here by a few lines of NumPy, and the rare cases made by hand."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from symbreak.experiments.result import (
    Boundary,
    CompareResult,
    DataSummary,
    Detail,
    Ends,
    Histogram,
    NetworkSummary,
    Row,
    Run,
    Spread,
)

Weights = list[np.ndarray]
HOSTILE = "<script>alert(1)</script>"
TRAPS = f"{HOSTILE}\"'&<b>%{{x}}</b>$\\frac{{1}}$</script><img src=x onerror=alert(2)>"
LAWS = {
    "zeros": "w = 0",
    "constant(0.5)": "w = 0.5",
    "normal(0.01)": "w ~ N(0, 0.01²)",
    "normal(1)": "w ~ N(0, 1²)",
    "normal(100)": "w ~ N(0, 100²)",
    "xavier": "w ~ N(0, 1/fan_in)",
    "he": "w ~ N(0, 2/fan_in)",
}


def flower() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    t = np.concatenate([np.linspace(3.12 * j, 3.12 * (j + 1), 100) for j in range(2)]) + rng.normal(0, 0.2, 200)
    r = 4 * np.sin(4 * t) + rng.normal(0, 0.2, 200)
    return np.stack([r * np.sin(t), r * np.cos(t)]), np.repeat([0.0, 1.0], 100)[None]


def start(init: str, sizes: Sequence[int], seed: int) -> Weights:
    rng = np.random.default_rng(seed)
    scale = {"zeros": 0.0, "constant(0.5)": 0.5, "normal(0.01)": 0.01, "normal(1)": 1.0, "normal(100)": 100.0}
    gain = {"xavier": 1.0, "he": 2.0}
    shapes = list(zip(sizes[1:], sizes[:-1], strict=True))
    if init.startswith("constant"):
        return [np.full(shape, 0.5) for shape in shapes]
    return [rng.normal(size=shape) * scale.get(init, (gain.get(init, 1) / shape[1]) ** 0.5) for shape in shapes]


def forward(weights: Weights, biases: Weights, X: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    values = [X]
    for W, b in zip(weights[:-1], biases[:-1], strict=True):
        values.append(np.tanh(W @ values[-1] + b))
    return values, weights[-1] @ values[-1] + biases[-1]


def gradients(weights: Weights, values: list[np.ndarray], z: np.ndarray, Y: np.ndarray) -> list[np.ndarray]:
    with np.errstate(over="ignore"):
        delta = (1 / (1 + np.exp(-z)) - Y) / Y.shape[1]
    found = []
    for layer in reversed(range(len(weights))):
        found.append((delta @ values[layer].T, delta.sum(1, keepdims=True)))
        delta = weights[layer].T @ delta * (1 - values[layer] ** 2)
    return found[::-1]


def effective(W: np.ndarray) -> int:
    return len(np.unique(W.round(6), axis=0))


def ends_of(function: Callable[[np.ndarray], float], first: list[np.ndarray], last: list[np.ndarray]) -> Ends:
    return Ends(tuple(float(function(a)) for a in first), tuple(float(function(a)) for a in last))


def train(init: str, sizes: Sequence[int], seed: int, iterations: int) -> tuple[Run, Detail]:
    X, Y = flower()
    if sizes[0] != 2:
        X = np.random.default_rng(0).normal(size=(sizes[0], 2)) @ X / 3
    weights, biases = start(init, sizes, seed), [np.zeros((n, 1)) for n in sizes[1:]]
    first, costs, way = [w.copy() for w in weights], [], []
    first_values, z = forward(weights, biases, X)
    first_gradients = gradients(weights, first_values, z, Y)
    for iteration in range(iterations + 1):
        values, z = forward(weights, biases, X)
        found = gradients(weights, values, z, Y)
        if iteration % 5 == 0:
            costs.append((iteration, float(np.mean(np.logaddexp(0, z) - Y * z))))
            way.append((iteration, tuple(map(tuple, weights[0][:, :2].tolist()))))
        if iteration < iterations:
            weights = [w - 1.2 * g for w, (g, _) in zip(weights, found, strict=True)]
            biases = [b - 1.2 * g for b, (_, g) in zip(biases, found, strict=True)]
    half = next((i for i, cost in costs if cost <= np.log(2) / 2), None)
    norm = float(np.sqrt(sum((g**2).sum() for g, _ in first_gradients)))
    run = Run(
        seed=seed,
        cost=tuple(costs),
        final_cost=costs[-1][1],
        accuracy=float(np.mean((z > 0) == Y)),
        iterations_to_half_base_rate=half,
        gradient_norm=norm,
        effective_units=ends_of(effective, first[:-1], weights[:-1]),
        saturated=ends_of(lambda a: np.mean(np.abs(a) > 0.98), first_values[1:], values[1:]),
        dead=ends_of(lambda a: 0.0, first_values[1:], values[1:]),
        overflowed_at=None,
    )
    detail = Detail(
        seed=seed,
        trajectory_iterations=tuple(i for i, _ in way),
        trajectory_weights=tuple(w for _, w in way),
        activations=histograms(first_values[1:], values[1:]),
        gradients=histograms([g for g, _ in first_gradients], [g for g, _ in found]),
        boundary=boundary(weights, biases) if sizes[0] == 2 else None,
    )
    return run, detail


def histograms(first: list[np.ndarray], last: list[np.ndarray]) -> tuple[Histogram, ...]:
    return tuple(histogram(i + 1, a, b) for i, (a, b) in enumerate(zip(first, last, strict=True)))


def histogram(layer: int, first: np.ndarray, last: np.ndarray) -> Histogram:
    edges = np.histogram_bin_edges(np.concatenate([first.ravel(), last.ravel()]), 30)
    counts = [tuple(np.histogram(values, edges)[0].tolist()) for values in (first, last)]
    return Histogram(layer, tuple(edges.tolist()), *counts)


def boundary(weights: Weights, biases: Weights) -> Boundary:
    axis = np.linspace(-4.6, 4.6, 41)
    plane = np.stack([a.ravel() for a in np.meshgrid(axis, axis)])
    with np.errstate(over="ignore"):
        answer = 1 / (1 + np.exp(-forward(weights, biases, plane)[1].reshape(41, 41)))
    return Boundary(tuple(axis.tolist()), tuple(axis.tolist()), tuple(map(tuple, answer.tolist())))


def spread_of(values: Sequence[float | None]) -> Spread:
    known = sorted(np.inf if value is None else value for value in values)
    return Spread(*(None if v == np.inf else v for v in (statistics.median(known), known[0], known[-1])))


def middle(ends: Sequence[Ends]) -> Ends:
    sides = ([getattr(end, side) for end in ends] for side in ("start", "end"))
    return Ends(*(tuple(float(statistics.median(layer)) for layer in zip(*side, strict=True)) for side in sides))


def row(init: str, sizes: Sequence[int], seeds: int, iterations: int) -> Row:
    found = [train(init, sizes, seed, iterations) for seed in range(seeds)]
    return row_of(init, tuple(run for run, _ in found), found[0][1])


def row_of(init: str, runs: tuple[Run, ...], detail: Detail | None) -> Row:
    spreads = {
        name: spread_of([getattr(run, name) for run in runs])
        for name in ("final_cost", "accuracy", "iterations_to_half_base_rate", "gradient_norm")
    }
    sides = {name: middle([getattr(run, name) for run in runs]) for name in ("effective_units", "saturated", "dead")}
    tied = max(sides["effective_units"].end) <= 1
    return Row(
        init=init,
        law=LAWS.get(init, "w ~ ?"),
        **spreads,
        **sides,
        overflowed=sum(run.overflowed_at is not None for run in runs),
        verdict="4 units are one unit: identical in every forward and backward pass" if tied else "the units differ",
        status="proved" if tied else "measured",
        runs=runs,
        detail=detail,
    )


def result_of(inits: Sequence[str], sizes: Sequence[int] = (2, 4, 1), *, seeds: int = 4, iterations: int = 200):
    X, Y = flower()
    plane = sizes[0] == 2
    return CompareResult(
        command="symbreak compare " + " ".join(f"--init '{init}'" for init in inits),
        version="0.1.0",
        data=DataSummary(
            name="planar" if plane else "measurements.csv",
            features=tuple(f"x{i + 1}" for i in range(sizes[0])),
            classes=("0", "1"),
            training_samples=200,
            held_out_samples=0 if plane else 50,
            standardized=not plane,
            score="accuracy",
            base_rate_cost=float(np.log(2)),
            base_rate_score=0.5,
            notes=() if plane else ("2 missing values were imputed",),
            points=tuple(map(tuple, X.T.tolist())) if plane else (),
            labels=tuple(Y[0].tolist()) if plane else (),
        ),
        network=NetworkSummary(
            tuple(sizes), "tanh", "cross-entropy", "gradient descent", 1.2, iterations, None, seeds, "unitwise"
        ),
        rows=tuple(row(init, sizes, seeds, iterations) for init in inits),
    )


def overflowed(whole: Row) -> Row:
    """The same row, had its last two seeds overflowed at iteration 20, and shown no picture."""
    lost = {"final_cost": None, "accuracy": None, "iterations_to_half_base_rate": None, "overflowed_at": 20}
    runs = [
        replace(run, **lost, cost=tuple((i, cost if i < 20 else None) for i, cost in run.cost if i <= 20))
        for run in whole.runs[1:]
    ]
    return replace(row_of(whole.init, (whole.runs[0], *runs), None), verdict="diverges")


@pytest.fixture(scope="session")
def planar() -> CompareResult:
    return result_of(list(LAWS))


@pytest.fixture(scope="session")
def deep() -> CompareResult:
    """Many features, two hidden layers, data held out, and one row that overflowed."""
    found = result_of(["zeros", "normal(0.01)", "xavier", "normal(100)"], (6, 16, 8, 1), iterations=100)
    return replace(found, rows=(*found.rows[:-1], overflowed(found.rows[-1])))


@pytest.fixture(scope="session")
def hostile(planar: CompareResult) -> CompareResult:
    """Every text is an attempt to become part of the page."""
    rows = tuple(replace(each, init=f"{i}{TRAPS}", law=TRAPS, verdict=TRAPS) for i, each in enumerate(planar.rows[:3]))
    data = replace(planar.data, name=TRAPS, features=(TRAPS, f"2{TRAPS}"), classes=(TRAPS, f"2{TRAPS}"), notes=(TRAPS,))
    network = replace(planar.network, activation=TRAPS, optimizer=TRAPS)
    return replace(planar, command=TRAPS, version=TRAPS, data=data, network=network, rows=rows, interrupted=True)


@pytest.fixture(scope="session")
def single() -> CompareResult:
    """One initialization, one seed."""
    return result_of(["he"], seeds=1, iterations=50)


@pytest.fixture(scope="session")
def multiclass(planar: CompareResult) -> CompareResult:
    """Three classes over the plane; the answer is the index of a class."""

    def three(each: Row) -> Row:
        edge = each.detail.boundary
        classes = tuple(tuple(float(int(value * 2.999)) for value in line) for line in edge.answer)
        return replace(each, detail=replace(each.detail, boundary=replace(edge, answer=classes)))

    labels = tuple(float(i % 3) for i in range(len(planar.data.labels)))
    data = replace(planar.data, classes=("setosa", "versicolor", "virginica"), labels=labels)
    return replace(planar, data=data, rows=tuple(three(each) for each in planar.rows[:3]))


@pytest.fixture(scope="session")
def regression(planar: CompareResult) -> CompareResult:
    """A number to predict, scored by R2 that may be negative."""
    data = replace(planar.data, classes=(), score="r2", base_rate_score=0.0, held_out_samples=20)
    scored = replace(planar.rows[0], accuracy=Spread(-0.25, -1.5, 0.1))
    return replace(planar, data=data, rows=(scored, planar.rows[1]))


@pytest.fixture(scope="session")
def no_hidden_layer(planar: CompareResult) -> CompareResult:
    """Logistic regression: no hidden layer has units, activations or ways."""
    nothing = Ends((), ())

    def flat(each: Row) -> Row:
        detail = replace(each.detail, trajectory_iterations=(), trajectory_weights=(), activations=())
        sides = {"effective_units": nothing, "saturated": nothing, "dead": nothing}
        runs = tuple(replace(run, **sides) for run in each.runs)
        return replace(each, **sides, runs=runs, detail=detail)

    network = replace(planar.network, sizes=(2, 1))
    return replace(planar, network=network, rows=tuple(flat(each) for each in planar.rows[:2]))


@pytest.fixture(scope="session")
def all_lost(planar: CompareResult) -> CompareResult:
    """Every run overflowed at once."""

    def lost(each: Row) -> Row:
        nothing = {"final_cost": None, "accuracy": None, "iterations_to_half_base_rate": None, "gradient_norm": None}
        runs = tuple(replace(run, **nothing, cost=((0, None),), overflowed_at=0) for run in each.runs)
        return row_of(each.init, runs, None)

    return replace(planar, rows=tuple(lost(each) for each in planar.rows[:2]))


@pytest.fixture(scope="session")
def diverging(planar: CompareResult) -> CompareResult:
    """Costs that grow to the largest numbers there are; half of the runs overflow, the others come back."""

    def grown(run: Run, lost: bool) -> Run:
        cost = [(i, 10.0 ** min(3 * i, 300) if i < 150 else 0.7) for i, _ in run.cost]
        ended = {"final_cost": None, "overflowed_at": 100} if lost else {"final_cost": 0.7}
        return replace(run, cost=tuple((i, None if lost and i >= 100 else value) for i, value in cost), **ended)

    wild = planar.rows[3]
    runs = tuple(grown(run, run.seed < 2) for run in wild.runs)
    return replace(planar, rows=(planar.rows[0], row_of(wild.init, runs, wild.detail)))


@pytest.fixture(scope="session")
def users_model(planar: CompareResult) -> CompareResult:
    """A model with hostile names, no features, no plane, no score but its cost, and no known base rate."""

    def costed(each: Row) -> Row:
        runs = tuple(replace(run, accuracy=run.final_cost) for run in each.runs)
        detail = each.detail and replace(each.detail, boundary=None)
        return replace(each, accuracy=each.final_cost, runs=runs, detail=detail)

    none = {"features": (), "classes": (), "points": (), "labels": ()}
    data = replace(planar.data, **none, score="cost", base="starting", base_rate_score=planar.data.base_rate_cost)
    network = replace(planar.network, model=TRAPS, layers=(TRAPS,), parameters=17)
    return replace(planar, data=data, network=network, rows=tuple(map(costed, planar.rows[:3])))


@pytest.fixture(
    params=[
        "users_model",
        "planar",
        "deep",
        "hostile",
        "single",
        "multiclass",
        "regression",
        "no_hidden_layer",
        "all_lost",
        "diverging",
    ]
)
def any_result(request: pytest.FixtureRequest) -> CompareResult:
    """Each of the cases in turn."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def nowhere(tmp_path: Path) -> Path:
    return tmp_path / "missing"
