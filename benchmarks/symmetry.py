"""Proving symmetry beside adding up the weights: 10^8 float32 parameters, ten layers, in one run.

Every ratio is the median over rounds in which both sides ran one after the other. Run alone on the machine:

    python benchmarks/symmetry.py            # 3162 x 3162, needs 1 GB
    python benchmarks/symmetry.py --width 500
    python benchmarks/symmetry.py --module 10000000  # any model: passes, overhead beside them, memory
    python benchmarks/symmetry.py --module 100000000
"""

from __future__ import annotations

import argparse
import functools
import itertools
import statistics
import time

import numpy as np

from symbreak.diagnosis.symmetry.problem import problem
from symbreak.diagnosis.symmetry.refinement import rounds
from symbreak.diagnosis.symmetry.rules import family
from symbreak.network import Network
from symbreak.network.losses import get as loss
from symbreak.numerics.activations import get as activation

LAYERS = 10
BOUNDS = {
    "random": 0.8,
    "random, one tied pair": 1.0,
    "zeros": 2.5,
    "constant": 2.5,
    "every unit cloned": 4.5,
    "equal sums, unequal weights": 25.0,
}


def random_weights(rng: np.random.Generator, n: int) -> list[np.ndarray]:
    return [rng.standard_normal((n, n), np.float32) for _ in range(LAYERS)]


def one_tied_pair(rng: np.random.Generator, n: int) -> list[np.ndarray]:
    weights = random_weights(rng, n)
    weights[4][n // 2] = weights[4][1]
    weights[5][:, n // 2] = weights[5][:, 1]
    return weights


def cloned(rng: np.random.Generator, n: int) -> list[np.ndarray]:
    """Units 2k and 2k + 1 are equal, in and out."""
    weights = random_weights(rng, n)
    for below, above in itertools.pairwise(weights):
        below[1::2] = below[0 : n - n % 2 : 2]
        above[:, 1::2] = above[:, 0 : n - n % 2 : 2]
    return weights


def equal_sums(rng: np.random.Generator, n: int) -> list[np.ndarray]:
    """One class in every layer, though no two rows are equal: small whole numbers with all sums alike."""
    weights = []
    for _ in range(LAYERS):
        w = rng.integers(-8, 9, size=(n, n)).astype(np.float32)
        w -= np.roll(w, 1, axis=1)
        w -= np.roll(w, 1, axis=0)
        weights.append((w + 1) / 64)
    weights[0][:] = weights[0][0]
    weights[-1][:] = weights[-1][:, :1]
    return weights


STATES = {
    "random": random_weights,
    "random, one tied pair": one_tied_pair,
    "zeros": lambda rng, n: [np.zeros((n, n), np.float32) for _ in range(LAYERS)],
    "constant": lambda rng, n: [np.full((n, n), 0.5, np.float32) for _ in range(LAYERS)],
    "every unit cloned": cloned,
    "equal sums, unequal weights": equal_sums,
}


def network(weights: list[np.ndarray]) -> Network:
    biases = tuple(np.zeros((w.shape[0], 1), np.float32) for w in weights)
    return Network(tuple(weights), biases, activation("tanh"), loss("cross-entropy"))


def seconds(function) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def measured(weights: list[np.ndarray], repeats: int) -> tuple[float, float, float, list[int]]:
    """Median seconds of the proof and of the sums, median ratio, and the classes of the hidden layers."""
    net, found = network(weights), []

    def prove() -> None:
        found[:] = [rounds(problem(net, family("gd"), 0))]

    prove()
    pairs = [(seconds(prove), seconds(lambda: [w.sum() for w in weights])) for _ in range(repeats)]
    proofs, sums = zip(*pairs, strict=True)
    ratio = statistics.median(a / b for a, b in pairs)
    classes = [space.classes for space in found[0][-1].active[1:]]
    return statistics.median(proofs), statistics.median(sums), ratio, classes


def share_read(weights: list[np.ndarray]) -> float:
    posed = problem(network(weights), family("gd"), 0)
    rounds(posed)
    return sum(getattr(w, "read", 0) for w in posed.weights) / sum(w.size for w in weights)


def module(parameters: int) -> None:
    """Gradient colour refinement of a module: its passes, what it costs beside them, and its memory."""
    import resource

    import torch

    from symbreak.diagnosis.colours import refine
    from symbreak.torch import sight
    from symbreak.torch.observe import parameters as described

    torch.set_num_threads(1)
    small, few = stack(8)
    refine(described(small), sight.Explorer(small, few).look)  # compiles and loads
    libraries = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    model, x = stack(round((parameters / LAYERS) ** 0.5))
    size = sum(p.numel() for p in model.parameters())
    explorer = sight.Explorer(model, x)
    start = time.process_time()
    found = refine(described(model), explorer.look)
    whole = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - libraries
    bare = pass_seconds(model, x)
    print(f"module of {LAYERS} layers, {size:,} parameters in float32, batch of {len(x)}, one thread, process time")
    print(f"passes in float64: {explorer.passes}, at rest: {found.kept} (bound 20, with 5 more: observation, witness)")
    print(f"one pass alone: {bare:.2f} s; refinement: {whole:.2f} s")
    print(f"overhead beyond the passes: {whole / (explorer.passes * bare) - 1:.2f} times their cost (bound 1)")
    print(f"peak memory: {peak / (4 * size):.2f} times the model's, without the libraries (bound 4 at 10^8)")


def stack(width: int):
    """Return ten square layers with tanh between them, and a batch."""
    import torch

    layers: list[torch.nn.Module] = []
    for _ in range(LAYERS):
        layers += [torch.nn.Linear(width, width), torch.nn.Tanh()]
    return torch.nn.Sequential(*layers[:-1]), torch.randn(256, width)


def pass_seconds(model, x) -> float:
    """Seconds of one forward and backward pass in float64, as the refinement runs it, with nothing measured."""
    import copy

    import torch

    twin, wide = copy.deepcopy(model).double(), x.double()
    taken = []
    for _ in range(3):
        start = time.process_time()
        out = twin(wide)
        torch.autograd.grad((out * torch.ones_like(out)).sum(), list(twin.parameters()))
        taken.append(time.process_time() - start)
    return statistics.median(taken)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--module", type=int, help="parameters of a torch module to refine, instead of the proofs")
    parser.add_argument("--width", type=int, default=3162)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    if options.module:
        module(options.module)
        return
    n = options.width
    print(f"{LAYERS} layers of {n} x {n} float32; proof against W.sum(), median of {options.repeats} rounds")
    print(f"{'state':30} {'proof':>9} {'sum':>9} {'ratio':>7} {'bound':>6} {'read':>7}  classes of layer 1, 5, 9")
    for name, make in STATES.items():
        weights = make(np.random.default_rng(0), n)
        proof, total, ratio, classes = measured(weights, options.repeats)
        read = share_read(weights)
        shown = ", ".join(str(classes[layer]) for layer in (0, 4, 8))
        print(f"{name:30} {proof:8.4f}s {total:8.4f}s {ratio:7.2f} {BOUNDS[name]:6.1f} {read:7.4f}  {shown}")
        if name == "random":
            unique = seconds(functools.partial(np.unique, weights[0], axis=0)) * LAYERS
            print(
                f"{'  np.unique(W, axis=0) / proof':30} {unique / proof:.0f} times (one matrix timed, times {LAYERS})"
            )


if __name__ == "__main__":
    main()
