"""What several claims measure in the same way: networks trained from one start, and what became of them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbreak import datasets
from symbreak.datasets import Dataset
from symbreak.experiments import measures
from symbreak.experiments.verdict import PLATEAU
from symbreak.network import Network, Step, descend, stack
from symbreak.network.blas_threads import one_thread

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Course:
    """A descent: its first and last step, the cost of every network before each update, and what guessing costs.

    `costs` is (iterations + 1, networks); `base_rate` the cost of the best model that ignores the inputs.
    """

    data: Dataset
    first: Step
    last: Step
    costs: Array
    base_rate: float

    @property
    def learned(self) -> NDArray[np.bool_]:
        """Which networks ended below the plateau on which only the classes' frequencies are known."""
        return np.asarray(self.costs[-1] <= PLATEAU * self.base_rate)

    @property
    def final_cost(self) -> float:
        """The median over the networks."""
        return float(np.median(self.costs[-1]))

    @property
    def accuracy(self) -> float:
        """The median over the networks of the share of right answers on the training data."""
        return float(np.median(measures.accuracy(self.last.network, self.last.forward, self.data.Y, regression=False)))

    def units(self, step: Step) -> NDArray[np.int64]:
        """How many units of the first hidden layer are different to the last bit, for each network."""
        return measures.effective_units(step.network, step.forward, step.gradient)[:, 0]


@functools.cache
def data(name: str) -> Dataset:
    """Return the data as it is trained on: sets of points as they are, real data standardized (its training part).

    "name, unbalanced" leaves out every second example of class 1.
    """
    first, _, rest = name.partition(", ")
    whole = datasets.load(first)
    if not whole.made_by_formula:
        whole, _ = datasets.standardize(*datasets.split(whole))
    return without_half_of_class_1(whole) if rest == "unbalanced" else whole


def without_half_of_class_1(whole: Dataset) -> Dataset:
    """Return the data with every second example of class 1 left out."""
    ones = np.flatnonzero(whole.labels() == 1)[::2]
    kept = np.setdiff1d(np.arange(whole.samples), ones)
    return replace(whole, name=f"{whole.name}, unbalanced", X=whole.X[:, kept], Y=whole.Y[:, kept])


def train(
    networks: Sequence[Network], on: Dataset, *, iterations: int, rate: float, arithmetic: str = "blas"
) -> Course:
    """Train networks of one shape side by side on all examples."""
    costs = []
    steps = descend(stack(networks), on.X, on.Y, iterations=iterations, learning_rate=rate, arithmetic=arithmetic)
    with one_thread():
        first = last = next(steps)
        costs.append(first.cost)
        for last in steps:
            costs.append(last.cost)
    return Course(on, first, last, np.array(costs), measures.base_rate(on.Y, loss=networks[0].loss.text))


@functools.cache
def trained(
    name: str = "planar",
    init: str | tuple[str, ...] = "normal(0.01)",
    *,
    hidden: tuple[int, ...] = (4,),
    activation: str = "tanh",
    seeds: int = 5,
    iterations: int = 2000,
    rate: float = 1.2,
    arithmetic: str = "blas",
) -> Course:
    """Train from one kind of start under the seeds 0, 1, ...; the defaults are the course's network, data and rate.

    `init` names one initializer for all layers or one for each; "unitwise" arithmetic is for units that are tied.
    """
    on = data(name)
    sizes = (on.n_x, *hidden, on.n_y)
    networks = [Network.initialize(sizes, init, seed=seed, activation=activation) for seed in range(seeds)]
    return train(networks, on, iterations=iterations, rate=rate, arithmetic=arithmetic)
