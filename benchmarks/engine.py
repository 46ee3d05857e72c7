"""Training many small networks at once, beside what one would use instead; and what the first call costs.

    python benchmarks/engine.py                   # everything, some minutes
    python benchmarks/engine.py --only lesson     # or digits, blas, linear, compile
    python benchmarks/engine.py --rounds 9

`lesson`: 2-4-1, tanh, 400 points, full batch, float32; 1,000 networks, 1,000 steps. `digits`: 64-64-10 on the digits,
64 networks. Each peer is written the fastest way its library allows and has all cores, but for the loops that train
one network after the other (one thread: so small a step cannot be shared). Peers that take long train fewer networks
or steps and are scaled up, for their cost is proportional. `blas`: unit-alike arithmetic beside `arithmetic="blas"`
from the lesson's layers to large ones, on random data. Rounds are interleaved, medians are compared.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import torch
from sklearn.neural_network import MLPClassifier

from symbreak import datasets
from symbreak.network import Network, stack, train_many
from symbreak.random.sharing import cores

RATE = 1.2


@dataclass(frozen=True)
class Task:
    """What is trained: sizes, data in float32, as many networks and steps as symbreak gets."""

    sizes: tuple[int, int, int]
    X: np.ndarray
    Y: np.ndarray
    networks: int
    steps: int

    @property
    def operations(self) -> float:
        """Multiplications and additions of the products of one step of one network."""
        n_x, n_h, n_y = self.sizes
        return 2.0 * self.X.shape[1] * (2 * n_x * n_h + 3 * n_h * n_y)

    @property
    def elementary(self) -> int:
        """How often tanh or an exponential is computed in one step of one network."""
        return self.X.shape[1] * (self.sizes[1] + self.sizes[2])


def task(name: str) -> Task:
    data = datasets.load({"lesson": "planar", "digits": "digits"}[name])
    X, Y = data.X.astype(np.float32), data.Y.astype(np.float32)
    if name == "lesson":
        return Task((2, 4, 1), X, Y, 1000, 1000)
    return Task((64, 64, 10), X / 16, Y, 64, 40)


@cache
def parameters(sizes: tuple[int, int, int], networks: int) -> list[np.ndarray]:
    """W1, b1, W2, b2 of all networks, stacked."""
    made = [Network.initialize(sizes, "xavier", seed=seed, dtype=np.float32) for seed in range(networks)]
    return list(stack(made).parameters)


def symbreak_engine(asked: Task, networks: int, steps: int) -> None:
    start = stack([Network.initialize(asked.sizes, "zeros", seed=0, dtype=np.float32)])
    many = start.with_parameters(parameters(asked.sizes, networks))
    trained = train_many(many, asked.X, asked.Y, iterations=steps, learning_rate=RATE)
    assert trained.complete


def jax_gradient(p, X, Y):
    """Backward written out: faster here than what `jax.grad` makes, which is also tried (`jax_grad`)."""
    w1, b1, w2, b2 = p
    a = jnp.tanh(w1 @ X + b1)
    z = w2 @ a + b2
    answer = jax.nn.sigmoid(z) if len(Y) == 1 else jax.nn.softmax(z, axis=0)
    dz = (answer - Y) / X.shape[1]
    dz1 = (w2.T @ dz) * (1 - a * a)
    return [dz1 @ X.T, dz1.sum(1, keepdims=True), dz @ a.T, dz.sum(1, keepdims=True)]


def jax_cost(p, X, Y):
    w1, b1, w2, b2 = p
    z = w2 @ jnp.tanh(w1 @ X + b1) + b2
    if len(Y) == 1:
        return jnp.mean(jax.nn.softplus(z) - Y * z)
    return jnp.mean(jax.nn.logsumexp(z, axis=0) - (Y * z).sum(0))


@cache
def jax_program(gradient: Callable, steps: int, mapping: str) -> Callable:
    def train(p, X, Y):
        def step(p, _):
            return [w - RATE * g for w, g in zip(p, gradient(p, X, Y), strict=True)], None

        return jax.lax.scan(step, p, None, length=steps)[0]

    if mapping == "vmap":
        return jax.jit(jax.vmap(train, in_axes=(0, None, None)))
    return jax.jit(lambda p, X, Y: jax.lax.map(lambda one: train(one, X, Y), p))


def jax_engine(gradient: Callable, mapping: str, asked: Task, networks: int, steps: int) -> None:
    program = jax_program(gradient, steps, mapping)
    jax.block_until_ready(program(parameters(asked.sizes, networks), asked.X, asked.Y))


def numpy_batched(asked: Task, networks: int, steps: int) -> None:
    """NumPy with all networks in one array; 50 at a time stay in the cache, which is faster than all at once."""
    X, Y = asked.X, asked.Y
    for first in range(0, networks, 50):
        w1, b1, w2, b2 = (p[first : first + 50] for p in parameters(asked.sizes, networks))
        for _ in range(steps):
            a = np.tanh(w1 @ X + b1)
            dz = (1 / (1 + np.exp(-(w2 @ a + b2))) - Y) / X.shape[1]
            dz1 = (w2.swapaxes(1, 2) @ dz) * (1 - a * a)
            w1, b1 = w1 - RATE * (dz1 @ X.T), b1 - RATE * dz1.sum(2, keepdims=True)
            w2, b2 = w2 - RATE * (dz @ a.swapaxes(1, 2)), b2 - RATE * dz.sum(2, keepdims=True)


def torch_loop(asked: Task, networks: int, steps: int) -> None:
    """PyTorch, one network after the other, backward written out and in place: three times as fast as autograd."""
    torch.set_num_threads(1)
    X, Y = torch.tensor(asked.X), torch.tensor(asked.Y)
    for i in range(networks):
        w1, b1, w2, b2 = (torch.tensor(p[i]) for p in parameters(asked.sizes, networks))
        with torch.inference_mode():
            for _ in range(steps):
                a = torch.addmm(b1, w1, X).tanh_()
                dz = torch.addmm(b2, w2, a).sigmoid_().sub_(Y)
                dz1 = torch.mm(w2.T, dz).mul_(1 - a * a)
                rate = -RATE / X.shape[1]
                w2.addmm_(dz, a.T, alpha=rate)
                b2.add_(dz.sum(1, keepdim=True), alpha=rate)
                w1.addmm_(dz1, X.T, alpha=rate)
                b1.add_(dz1.sum(1, keepdim=True), alpha=rate)


def torch_vmap(asked: Task, networks: int, steps: int) -> None:
    torch.set_num_threads(cores())
    X, Y = torch.tensor(asked.X), torch.tensor(asked.Y)

    def cost(p):
        z = p[2] @ torch.tanh(p[0] @ X + p[1]) + p[3]
        return (torch.logsumexp(z, 0) - (Y * z).sum(0)).mean()

    gradient = torch.func.vmap(torch.func.grad(cost))
    p = [torch.tensor(array) for array in parameters(asked.sizes, networks)]
    for _ in range(steps):
        p = [w - RATE * g for w, g in zip(p, gradient(p), strict=True)]


def sklearn_loop(asked: Task, networks: int, steps: int) -> None:
    options = {"activation": "tanh", "solver": "sgd", "momentum": 0.0, "alpha": 0.0, "tol": 0.0}
    X, labels = asked.X.T.copy(), asked.Y[0].astype(int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for seed in range(networks):
            MLPClassifier(
                (4,), batch_size=len(X), learning_rate_init=RATE, max_iter=steps, n_iter_no_change=10**9,
                random_state=seed, **options,
            ).fit(X, labels)  # fmt: skip


# Who trains, and by how much fewer networks and steps than symbreak.
CONTENDERS: dict[str, dict[str, tuple[Callable, int, int]]] = {
    "lesson": {
        "symbreak": (symbreak_engine, 1, 1),
        "JAX, jit(vmap(scan))": (partial(jax_engine, jax_gradient, "vmap"), 1, 4),
        "JAX, the same with jax.grad": (partial(jax_engine, jax.grad(jax_cost), "vmap"), 1, 8),
        "JAX, jit(map(scan))": (partial(jax_engine, jax_gradient, "map"), 4, 4),
        "NumPy, batched": (numpy_batched, 10, 10),
        "PyTorch, one by one": (torch_loop, 200, 2),
        "scikit-learn, one by one": (sklearn_loop, 200, 5),
    },
    "digits": {
        "symbreak": (symbreak_engine, 1, 1),
        "JAX, jit(vmap(scan))": (partial(jax_engine, jax_gradient, "vmap"), 1, 4),
        "JAX, jit(map(scan))": (partial(jax_engine, jax_gradient, "map"), 1, 2),
        "torch.func.vmap": (torch_vmap, 1, 4),
    },
}


def race(name: str, rounds: int) -> None:
    """Print microseconds per network and step, and how many times symbreak's: the median of each round's ratio."""
    asked = task(name)
    print(f"\n{name}: {asked.networks} networks x {asked.steps} steps, {'-'.join(map(str, asked.sizes))}, float32")
    taken: dict[str, list[float]] = {contender: [] for contender in CONTENDERS[name]}
    for turn in range(rounds + 1):
        for contender, (train, fewer, shorter) in CONTENDERS[name].items():
            networks, steps = asked.networks // fewer, asked.steps // shorter
            begin = time.perf_counter()
            train(asked, networks, steps)
            if turn:  # the first round compiles
                taken[contender].append(1e6 * (time.perf_counter() - begin) / networks / steps)
    for contender, values in taken.items():
        ratios = [value / own for value, own in zip(values, taken["symbreak"], strict=True)]
        print(f"{contender:<30} {statistics.median(values):10.2f} us   {statistics.median(ratios):7.2f} times")
    peak(asked, statistics.median(taken["symbreak"]))


def peak(asked: Task, microseconds: float) -> None:
    """Print what share of the machine's best the engine reaches: products as fast as BLAS's, tanh as a loop's."""
    a = np.ones((1024, 1024), np.float32)
    product = best(lambda: a @ a) / (2 * 1024**3)
    values, out = np.linspace(-3, 3, 2**14, dtype=np.float32), np.empty(2**14, np.float32)
    from symbreak.numerics import kernels_single

    kernels_single.fill_tanh(values, out)
    elementary = best(lambda: [kernels_single.fill_tanh(values, out) for _ in range(64)]) / (64 * values.size) / cores()
    for what, seconds in (("products", asked.operations * product), ("tanh and exp", asked.elementary * elementary)):
        print(f"  {what} alone, at the machine's best: {1e6 * seconds:.3f} us, {1e8 * seconds / microseconds:.0f} %")
    print(f"  best: {1e-9 / product:.0f} GFLOP/s, {1e-9 / elementary:.2f} G tanh/s (BLAS fuses operations)")


def best(call: Callable[[], object]) -> float:
    """Return the least seconds of several calls."""
    seconds = []
    for _ in range(15):
        begin = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - begin)
    return min(seconds)


# From the lesson's layers to large ones: sizes, examples, networks, steps.
LAYERS = (
    ((2, 4, 1), 400, 64, 100),
    ((64, 64, 10), 1000, 8, 20),
    ((784, 256, 10), 1000, 4, 10),
    ((64, 512, 512, 10), 1000, 4, 10),
    ((64, 512, 512, 10), 1000, 1, 10),
    ((64, 2048, 2048, 10), 1000, 2, 5),
    ((64, 2048, 2048, 10), 1000, 1, 5),
)


def blas(rounds: int) -> None:
    """Print microseconds per network and step in both arithmetics, and how many times BLAS's time unit-alike takes."""
    print("\nblas: float32, full batch of 400 to 1,000 examples; both on all cores")
    for sizes, examples, networks, steps in LAYERS:
        start = stack([Network.initialize(sizes, "xavier", seed=seed, dtype=np.float32) for seed in range(networks)])
        draws = np.random.default_rng(0)
        X = draws.normal(size=(sizes[0], examples)).astype(np.float32)
        Y = np.eye(sizes[-1], dtype=np.float32)[:, draws.integers(sizes[-1], size=examples)]
        taken: dict[str, list[float]] = {"unitwise": [], "blas": []}
        for turn in range(rounds + 1):
            for arithmetic, values in taken.items():
                begin = time.perf_counter()
                train_many(start, X, Y, iterations=steps, learning_rate=0.1, arithmetic=arithmetic)
                if turn:  # the first round compiles
                    values.append(1e6 * (time.perf_counter() - begin) / networks / (steps + 1))
        ratio = statistics.median(a / b for a, b in zip(*taken.values(), strict=True))
        unit, by_blas = (statistics.median(values) for values in taken.values())
        shown = "-".join(map(str, sizes))
        print(f"{shown:<16} {networks:>3} at once {unit:11.1f} us, BLAS {by_blas:9.1f} us: {ratio:.2f} times")


def linear() -> None:
    """Print microseconds per network and step from 100 to 100,000 networks, and from 10 to 10,000 steps."""
    asked = task("lesson")
    print("\ncost per network and step")
    for networks, steps in (
        (100, 100),
        (1000, 100),
        (10_000, 100),
        (100_000, 100),
        (1000, 10),
        (1000, 1000),
        (100, 10_000),
    ):
        parameters(asked.sizes, networks)
        begin = time.perf_counter()
        symbreak_engine(asked, networks, steps)
        each = 1e6 * (time.perf_counter() - begin) / networks / (steps + 1)
        print(f"{networks:>8} networks x {steps:>6} steps {each:10.2f} us")


FIRST = """
import time
from symbreak.network import Network, stack, train_many
import numpy as np
many = stack([Network.initialize((2, 4, 1), "normal(1)", seed=0, dtype=np.float32)])
X, Y = np.ones((2, 400)), np.ones((1, 400))
for _ in range(2):
    begin = time.perf_counter()
    train_many(many, X, Y, iterations=10, learning_rate=1.0)
    print(time.perf_counter() - begin)
"""


def first_call() -> None:
    """Print what the first call costs: with nothing compiled yet, with kernels on disk, and in a running process."""
    with tempfile.TemporaryDirectory() as empty:
        for what in ("compiling", "kernels read from disk"):
            environment = {**os.environ, "NUMBA_CACHE_DIR": empty}
            command = [sys.executable, "-c", FIRST]
            printed = subprocess.run(
                command, env=environment, capture_output=True, text=True, check=True
            ).stdout.split()
            print(f"first call, {what:<24} {float(printed[0]):7.2f} s; second call {1e3 * float(printed[1]):.2f} ms")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=["lesson", "digits", "blas", "linear", "compile"])
    asked = parser.parse_args()
    jobs = {
        "lesson": lambda: race("lesson", asked.rounds),
        "digits": lambda: race("digits", asked.rounds),
        "blas": lambda: blas(asked.rounds),
        "linear": linear,
        "compile": first_call,
    }
    for name, job in jobs.items():
        if asked.only in (None, name):
            job()


if __name__ == "__main__":
    main()
