"""Three published experiments, run again: hidden layers of the flower, three starts on circles, 30 ReLU layers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symbreak.datasets import Dataset
from symbreak.experiments import measures
from symbreak.lesson.claim import Case, Claim, Evidence, Finding, Number, verdict
from symbreak.lesson.figures import Bars, Chart, Figure, Series, Table, still
from symbreak.lesson.measuring import Course, data, train
from symbreak.network import Network, course, forward

Progress = Callable[[int, int, str], None]

PLANAR = (
    'the course\'s assignment "Planar data classification with one hidden layer" (Neural Networks and Deep Learning, '
    'week 3), the output of "Tuning hidden layer size" in its notebook'
)
CIRCLES = (
    'the course\'s assignment "Initialization" (Improving Deep Neural Networks, week 1), the outputs of its notebook '
    "and the table of its conclusions"
)
RECTIFIERS = (
    'He, Zhang, Ren, Sun: "Delving Deep into Rectifiers", arXiv:1502.01852, figure 3: a 30-layer ReLU network that '
    "converges from their start and stalls from Xavier's"
)

HIDDEN = (1, 2, 3, 4, 5, 20, 50)
PUBLISHED_ACCURACY = (0.675, 0.6725, 0.9075, 0.905, 0.9125, 0.90, 0.9025)
"""Source: `PLANAR`."""

STARTS = ("zeros", "large", "he")
PUBLISHED_TRAIN = {"zeros": 0.5, "large": 0.83, "he": 0.9933}
"""On the training data. Source: `CIRCLES`, as are the accuracies on the test data."""
PUBLISHED_TEST = {"zeros": 0.5, "large": 0.86, "he": 0.96}

LAYERS, WIDTH, ITERATIONS = 30, 50, 120


@dataclass(frozen=True)
class Assignment(Finding):
    """A published experiment after we ran it: a finding with a title and the publication.

    Attributes:
        title: what was done.
        source: the publication that published numbers come from.
    """

    title: str
    source: str

    @property
    def id(self) -> str:
        """A1, A2 or A3."""
        return self.claim.id

    @property
    def measured(self) -> Mapping[str, Number]:
        """Numbers by name; those of the publication are called `published_...`."""
        return self.evidence.measured

    @property
    def explanation(self) -> str:
        """What was seen, in a few sentences."""
        return self.evidence.explanation

    @property
    def figure(self) -> Figure | None:
        """What to look at."""
        return self.evidence.figure

    @property
    def command(self) -> str:
        """The command that runs the experiments again."""
        return "symbreak lesson assignments"

    def to_json(self) -> dict[str, Any]:
        """Return one entry of the schema symbreak/lesson/1, with the title and the source."""
        return {**super().to_json(), "title": self.title, "source": self.source}


def assignments(progress: Progress | None = None) -> tuple[Assignment, ...]:
    """Run the three experiments; `progress` is called with (done, in all, id of the next)."""
    found = []
    for done, (title, claim, source) in enumerate(EXPERIMENTS):
        if progress:
            progress(done, len(EXPERIMENTS), claim.id)
        started = time.perf_counter()
        evidence = claim.experiment()
        seconds = time.perf_counter() - started
        found.append(Assignment(claim, *verdict(claim, evidence.cases), evidence, seconds, title, source))
    if progress:
        progress(len(EXPERIMENTS), len(EXPERIMENTS), "")
    return tuple(found)


def hidden_layers() -> Evidence:
    """A1: the flower with 1 to 50 hidden units; tanh, rate 1.2, 5000 iterations, weights of the course's seed 2."""
    runs = {n: _flower(n) for n in HIDDEN}
    accuracy = {n: c.accuracy for n, c in runs.items()}
    published = dict(zip(HIDDEN, PUBLISHED_ACCURACY, strict=True))
    measured: dict[str, Number] = {
        **{f"accuracy_{n}": value for n, value in accuracy.items()},
        **{f"cost_{n}": c.final_cost for n, c in runs.items()},
        **{f"published_accuracy_{n}": value for n, value in published.items()},
        # Half of one of the 400 examples: what is closer is the same count.
        "reproduced": sum(abs(accuracy[n] - published[n]) < 0.5 / data("planar").samples for n in HIDDEN),
    }
    cases = (
        Case("the layer grows from two units to three", accuracy[3] > accuracy[2]),
        Case("it grows from one to two", accuracy[2] > accuracy[1]),
        Case("it grows from five to fifty", accuracy[50] > accuracy[5]),
    )
    explanation = (
        f"{measured['reproduced']} of the {len(HIDDEN)} published accuracies come out the same. One "
        f"unit is right on {accuracy[1]:.2%}, two on {accuracy[2]:.2%}, three on {accuracy[3]:.2%}: three lines can "
        f"cut the flower's petals, two cannot. Beyond that there is little to gain: {accuracy[5]:.2%} with five, "
        f"{accuracy[50]:.2%} with fifty, although the cost still falls from {measured['cost_5']:.3f} to "
        f"{measured['cost_50']:.3f}. These are the training data, so the numbers alone do not show the overfitting "
        "that the assignment speaks of."
    )
    names = tuple(str(n) for n in HIDDEN)
    heights = np.array([[accuracy[n] for n in HIDDEN], PUBLISHED_ACCURACY])
    bars = Bars("Accuracy by hidden units", "accuracy", names, heights, ("ours", "published"))
    curves = tuple(Series(f"{n} units", np.arange(len(c.costs), dtype=float), c.costs[:, 0]) for n, c in runs.items())
    chart = Chart("Cost by hidden units", "iteration", "cost", curves)
    figure = still("The flower with 1 to 50 hidden units", "Accuracy jumps from two units to three.", bars, chart)
    return Evidence(cases, measured, explanation, figure)


def _flower(n_h: int) -> Course:
    start = course.initialize_parameters(2, n_h, 1, rng=np.random.RandomState(2))
    return train([course.to_network(start)], data("planar"), iterations=5000, rate=1.2)


def three_starts() -> Evidence:
    """A2: circles, 2-10-5-1 ReLU, rate 0.01, 15000 iterations, weights of the course's seed 3."""
    training, test = _circles(300, 1), _circles(100, 2)
    sizes, rng = (2, 10, 5, 1), np.random.RandomState
    starts = {
        "zeros": course.initialize_parameters_zeros(sizes),
        "large": course.initialize_parameters_random(sizes, scale=10.0, rng=rng(3)),
        "he": course.initialize_parameters_he(sizes, rng=rng(3)),
    }
    networks = [course.to_network(start, "relu") for start in starts.values()]
    run = train(networks, training, iterations=15_000, rate=0.01)
    scores = measures.accuracy(run.last.network, run.last.forward, training.Y, regression=False)
    measured: dict[str, Number] = {}
    for place, name in enumerate(STARTS):
        measured |= {
            f"first_cost_{name}": float(run.costs[0, place]),
            f"cost_{name}": float(run.costs[-1, place]),
            f"accuracy_{name}": float(scores[place]),
            f"test_accuracy_{name}": _score(run.last.network[place], test),
            f"published_accuracy_{name}": PUBLISHED_TRAIN[name],
            f"published_test_accuracy_{name}": PUBLISHED_TEST[name],
        }
    learns = {name: bool(learned) for name, learned in zip(STARTS, run.learned, strict=True)}
    slower = bool(measured["cost_large"] > 2 * measured["cost_he"])
    cases = (
        Case("it is compared with zeros", learns["he"] and not learns["zeros"]),
        Case("it is compared with randn * 10", learns["he"] and slower),
    )
    explanation = (
        f"Zeros stay at {measured['cost_zeros']:.4f}, the cost of guessing. randn * 10 starts at a cost of "
        f"{measured['first_cost_large']:.0f} (the notebook prints inf, for it takes the logarithm of rounded "
        f"probabilities) and ends at {measured['cost_large']:.3f}; He's start ends at {measured['cost_he']:.3f}. They "
        f"are right on {measured['accuracy_large']:.2%} and {measured['accuracy_he']:.2%} of the training data and on "
        f"{measured['test_accuracy_large']:.0%} and {measured['test_accuracy_he']:.0%} of the test data; the "
        f"assignment prints {PUBLISHED_TRAIN['large']:.0%} and {PUBLISHED_TRAIN['he']:.2%}, "
        f"{PUBLISHED_TEST['large']:.0%} and {PUBLISHED_TEST['he']:.0%}."
    )
    return Evidence(cases, measured, explanation, _starts_figure(run, measured))


def _circles(samples: int, seed: int) -> Dataset:
    """Draw the circles of that assignment: closer and less noisy than those of the planar one."""
    from sklearn.datasets import make_circles  # type: ignore[import-untyped]

    points, labels = make_circles(n_samples=samples, noise=0.05, random_state=seed)
    names = ("x1", "x2"), ("0", "1")
    return Dataset("circles of the assignment", points.T, labels.reshape(1, -1), *names, "binary", made_by_formula=True)


def _score(network: Network, on: Dataset) -> float:
    return float(measures.accuracy(network, forward(network, on.X), on.Y, regression=False)[0])


def _starts_figure(run: Course, measured: Mapping[str, Number]) -> Figure:
    # Every tenth cost makes as smooth a curve.
    iterations = np.arange(0.0, len(run.costs), 10)
    curves = tuple(Series(name, iterations, run.costs[::10, place]) for place, name in enumerate(STARTS))
    chart = Chart("Cost while training", "iteration", "cost", curves, y_scale="log")
    columns = ("start", "training accuracy", "published", "test accuracy", "published")
    keys = ("accuracy", "published_accuracy", "test_accuracy", "published_test_accuracy")
    rows = tuple((name, *(f"{measured[f'{key}_{name}']:.2%}" for key in keys)) for name in STARTS)
    table = Table("Accuracy", columns, rows)
    return still("Three starts on circles", "Zeros stay, large weights learn slowly, He's start learns.", chart, table)


def thirty_layers() -> Evidence:
    """A3: 30 ReLU layers of 50 units on every other digit; rate 0.02, 120 iterations of gradient descent."""
    on = _half_of_digits()
    runs = {start: _deep(start, on) for start in ("xavier", "he")}
    measured: dict[str, Number] = {"base_rate": runs["he"].base_rate}
    for start, run in runs.items():
        deltas = run.first.gradient.deltas
        measured |= {
            f"cost_{start}": float(run.costs[-1, 0]),
            f"lowest_cost_{start}": float(run.costs.min()),
            f"accuracy_{start}": run.accuracy,
            f"gradient_kept_{start}": float(deltas[0].std() / deltas[-2].std()),
        }
    stalls = not runs["xavier"].learned.any()
    cases = (Case("the network is plain, 30 layers deep, and ReLU", bool(runs["he"].learned.all()) and stalls),)
    explanation = (
        f"Guessing costs {measured['base_rate']:.3f}. After {ITERATIONS} iterations Xavier's start is still at "
        f"{measured['cost_xavier']:.3f}; He's is at {measured['cost_he']:.2f}, with {measured['accuracy_he']:.0%} "
        "right. The reason is visible before the first step: from the last hidden layer to the first dZ keeps "
        f"{measured['gradient_kept_xavier']:.1g} of its size under Xavier and {measured['gradient_kept_he']:.2g} "
        "under He. The paper trained a convolutional network on ImageNet; this is a small plain one on digits, and "
        "it shows the same."
    )
    return Evidence(cases, measured, explanation, _depth_figure(runs))


def _half_of_digits() -> Dataset:
    whole = data("digits")
    return replace(whole, name="digits, every other", X=whole.X[:, ::2], Y=whole.Y[:, ::2])


def _deep(start: str, on: Dataset) -> Course:
    network = Network.initialize((on.n_x, *[WIDTH] * LAYERS, on.n_y), start, seed=0, activation="relu")
    return train([network], on, iterations=ITERATIONS, rate=0.02)


def _depth_figure(runs: Mapping[str, Course]) -> Figure:
    layers = np.arange(1.0, LAYERS + 1)
    cost = tuple(Series(name, np.arange(len(c.costs), dtype=float), c.costs[:, 0]) for name, c in runs.items())
    spread = tuple(
        Series(name, layers, np.array([delta.std() for delta in c.first.gradient.deltas[:-1]]))
        for name, c in runs.items()
    )
    return still(
        "30 ReLU layers under Xavier and He", "Xavier's cost stays level, He's falls; Xavier's dZ vanishes.",
        Chart("Cost while training", "iteration", "cost", cost),
        Chart("dZ before the first step", "layer", "standard deviation", spread, y_scale="log"),
    )  # fmt: skip


EXPERIMENTS: tuple[tuple[str, Claim, str], ...] = (
    (
        "The flower with one hidden layer of 1 to 50 units",
        Claim("A1", "assignments", "The flower is fitted better the more hidden units there are.", hidden_layers),
        PLANAR,
    ),
    (
        "Zeros, large random weights and He's start on circles",
        Claim("A2", "assignments", "He's start beats the others on a ReLU network.", three_starts),
        CIRCLES,
    ),
    (
        "A plain ReLU network of 30 layers",
        Claim("A3", "assignments", "30 ReLU layers stall under Xavier's start and learn under He's.", thirty_layers),
        RECTIFIERS,
    ),
)
