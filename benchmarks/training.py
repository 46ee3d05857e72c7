"""Training the lesson's network many times, beside what one would use instead.

    python benchmarks/training.py [--networks 140] [--iterations 200]

The peers train the same network (2-4-1, tanh, 400 points, full batch, gradient descent) one after the other, each as
fast as its library allows: NumPy in float64, PyTorch with autograd on one thread, scikit-learn's MLPClassifier. They
train fewer networks and are scaled up, for their cost is proportional; rounds are interleaved, medians are compared.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Callable

import numpy as np
import torch
from sklearn.neural_network import MLPClassifier

from symbreak import datasets
from symbreak.experiments import Settings, compare
from symbreak.network import Network, descend, stack

ROUNDS = 5
DATA = datasets.load("planar")


def start(seed: int) -> Network:
    """The lesson's network under one seed."""
    return Network.initialize((2, 4, 1), "normal(1)", seed=seed)


def symbreak_compare(networks: int, iterations: int) -> None:
    """Everything: training on all cores and measuring, as the command does."""
    compare(Settings(inits=("normal(1)",), seeds=networks, iterations=iterations))


def stacked(arithmetic: str) -> Callable[[int, int], None]:
    """A stack on one thread, without measurements."""

    def train(networks: int, iterations: int) -> None:
        many = stack([start(seed) for seed in range(networks)])
        for _ in descend(many, DATA.X, DATA.Y, iterations=iterations, learning_rate=1.2, arithmetic=arithmetic):
            pass

    return train


def numpy_loop(networks: int, iterations: int) -> None:
    """NumPy, one network after the other."""
    X, Y = DATA.X, DATA.Y
    for seed in range(networks):
        w1, b1, w2, b2 = start(seed).parameters
        for _ in range(iterations):
            a1 = np.tanh(w1 @ X + b1)
            dz2 = (1 / (1 + np.exp(-(w2 @ a1 + b2))) - Y) / X.shape[1]
            dz1 = (w2.T @ dz2) * (1 - a1 * a1)
            w1, b1 = w1 - 1.2 * dz1 @ X.T, b1 - 1.2 * dz1.sum(1, keepdims=True)
            w2, b2 = w2 - 1.2 * dz2 @ a1.T, b2 - 1.2 * dz2.sum(1, keepdims=True)


def torch_loop(networks: int, iterations: int) -> None:
    """PyTorch with autograd, one network after the other."""
    torch.set_num_threads(1)
    X, Y = torch.tensor(DATA.X.T.copy()), torch.tensor(DATA.Y.T.copy())
    for _ in range(networks):
        model = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1)).double()
        optimizer = torch.optim.SGD(model.parameters(), lr=1.2)
        for _ in range(iterations):
            optimizer.zero_grad()
            torch.nn.functional.binary_cross_entropy_with_logits(model(X), Y).backward()
            optimizer.step()


def sklearn_loop(networks: int, iterations: int) -> None:
    """scikit-learn, one network after the other."""
    options = {"activation": "tanh", "solver": "sgd", "momentum": 0.0, "alpha": 0.0, "tol": 0.0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for seed in range(networks):
            MLPClassifier(
                (4,), batch_size=400, learning_rate_init=1.2, max_iter=iterations, n_iter_no_change=10**9,
                random_state=seed, **options,
            ).fit(DATA.X.T, DATA.labels())  # fmt: skip


CONTENDERS = {
    "symbreak compare (all cores, measured)": (symbreak_compare, 1),
    "symbreak unit-alike stack, 1 thread": (stacked("unitwise"), 1),
    "symbreak blas stack, 1 thread": (stacked("blas"), 1),
    "NumPy, one by one": (numpy_loop, 10),
    "PyTorch, one by one": (torch_loop, 20),
    "scikit-learn, one by one": (sklearn_loop, 20),
}


def main() -> None:
    """Print microseconds per network and step, and the ratio to symbreak's comparison."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--networks", type=int, default=140)
    parser.add_argument("--iterations", type=int, default=200)
    asked = parser.parse_args()
    symbreak_compare(2, 2)
    rates: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    for _ in range(ROUNDS):
        for name, (train, share) in CONTENDERS.items():
            networks = max(1, asked.networks // share)
            begin = time.perf_counter()
            train(networks, asked.iterations)
            rates[name].append((time.perf_counter() - begin) / networks / asked.iterations)
    own = statistics.median(rates["symbreak compare (all cores, measured)"])
    for name, values in rates.items():
        middle = statistics.median(values)
        print(f"{name:<40} {1e6 * middle:8.2f} us a network and step   {middle / own:6.1f} times")


if __name__ == "__main__":
    main()
