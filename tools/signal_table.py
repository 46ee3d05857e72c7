"""Print what theory says of a deep network's signal, beside what wide networks do.

    python tools/signal_table.py

For each activation and weights N(0, gain^2 / fan_in), theory and measurement of: the mean square of the last layer's
pre-activations, for inputs of mean square 1; and chi, the factor by which the squared distance of two nearby inputs
(and the squared gradient on its way back) changes in one layer. Last the cosine to which two inputs of cosine 0.5 come.
"""

from __future__ import annotations

import math

import numpy as np

from symbreak.network import Network, forward
from symbreak.numerics import activations, expectation

WIDTH, DEPTH, SEEDS, ALIKE = 400, 20, 5, 0.5
# Chi is read here: later a small distance may have shrunk to rounding.
NEAR, NUDGE = 6, 1e-4
ROWS = [
    ("sigmoid", "xavier", 1.0),
    ("tanh", "xavier", 1.0),
    ("tanh", "gain 3", 3.0),
    ("relu", "xavier", 1.0),
    ("relu", "he", math.sqrt(2.0)),
    ("gelu", "he", math.sqrt(2.0)),
    ("selu", "lecun", 1.0),
]


def squares(name: str, gain: float) -> list[float]:
    """Return the mean squares of the pre-activations, layer by layer."""
    g, q = activations.get(name), [gain**2]
    while len(q) < DEPTH:
        q.append(gain**2 * expectation(lambda z: g(math.sqrt(q[-1]) * z) ** 2))
    return q


def chi(name: str, gain: float, q: float) -> float:
    """Return gain^2 E g'(sqrt(q) z)^2."""
    g = activations.get(name)
    return gain**2 * expectation(lambda z: g.derivative(math.sqrt(q) * z) ** 2)


def measured(name: str, gain: float, seed: int) -> tuple[float, float, float]:
    """Return mean square, chi and cosine of one network."""
    sizes = (WIDTH,) * (DEPTH + 1) + (1,)
    network = Network.initialize(sizes, f"normal({gain / math.sqrt(WIDTH)!r})", seed=seed, activation=name)
    first, other, nudge = np.random.default_rng(seed).standard_normal((3, WIDTH))
    second = ALIKE * first + math.sqrt(1 - ALIKE**2) * other
    z = forward(
        network, np.stack([first, second, first + NUDGE * nudge], axis=1), arithmetic="unitwise"
    ).pre_activations[:DEPTH]
    apart = [float(np.square(layer[:, 2] - layer[:, 0]).sum()) for layer in z[NEAR - 1 : NEAR + 1]]
    a, b = z[-1][:, 0], z[-1][:, 1]
    return float(np.square(a).mean()), apart[1] / apart[0], float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


if __name__ == "__main__":
    print(f"{'':16}{'mean z^2':>12}{'':>10}{'chi':>9}{'':>10}{'cosine':>10}")
    print(f"{'':16}{'theory':>12}{'measured':>10}{'theory':>9}{'measured':>10}{'measured':>10}")
    for name, start, gain in ROWS:
        q = squares(name, gain)
        seen = np.median([measured(name, gain, seed) for seed in range(SEEDS)], axis=0)
        near = chi(name, gain, q[NEAR - 1])
        print(f"{f'{name}, {start}':16}{q[-1]:12.2g}{seen[0]:10.2g}{near:9.3f}{seen[1]:10.3f}{seen[2]:10.3f}")
    print(f"\n{DEPTH} layers of {WIDTH} units, medians of {SEEDS} seeds; chi from layer {NEAR} to {NEAR + 1}")
