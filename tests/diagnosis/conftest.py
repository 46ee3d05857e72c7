"""Networks of every family that the proofs speak of, and their training in 60 digits, written out once more."""

from __future__ import annotations

import itertools

import mpmath
import numpy as np
import pytest

from symbreak.network import Network, optimizers

DIGITS = 60
# A run that diverges multiplies its rounding as well; beyond this it proves nothing.
LARGEST = mpmath.mpf(10) ** 4
ACTIVATIONS = (
    "identity", "sigmoid", "tanh", "relu", "leaky_relu(0.25)", "elu", "selu", "gelu", "silu", "softplus", "mish",
    "relu(0.5)", "elu(0)", "elu(0.5)", "leaky_relu(1)", "leaky_relu(-1)",
)  # fmt: skip
OPTIMIZERS = ("gd", "gd_l2(0.25)", "momentum", "adam", "adamw(0.25)", "adam_l2(0.25)")
LOSSES = ("cross-entropy", "squared-error", "squared-error(sigmoid)")


def dyadic(rng, *shape, low=-60, high=61):
    """Multiples of 1/32 that are never 0."""
    values = rng.integers(low, high, size=shape)
    return np.where(values == 0, 1, values) / 32


def rigid_block(rng, rows, columns):
    """Equal row sums and equal column sums, unequal weights: a constant plus a matrix whose sums are all 0."""
    noise = rng.integers(-20, 21, size=(rows, columns))
    centred = noise * rows * columns - noise.sum(1, keepdims=True) * rows - noise.sum(0) * columns + noise.sum()
    return (centred + rng.integers(-9, 10) * 8) / 32


def random_sizes(rng, *, most=4):
    hidden = [int(rng.integers(2, most + 1)) for _ in range(rng.choice([1, 1, 2, 2, 3]))]
    return (int(rng.integers(1, 4)), *hidden, int(rng.integers(1, 4)))


def random_arrays(rng, sizes):
    weights = [dyadic(rng, n, m) for m, n in itertools.pairwise(sizes)]
    biases = [dyadic(rng, n) * rng.integers(0, 2) for n in sizes[1:]]
    return weights, biases


def partitions(rng, sizes):
    """A random grouping of each hidden layer, discrete at the ends."""
    inner = [np.sort(rng.integers(0, max(1, n // 2), size=n)) for n in sizes[1:-1]]
    return [np.arange(sizes[0]), *inner, np.arange(sizes[-1])]


def blockwise(rng, sizes, groups, make):
    weights, biases = [], []
    for low, high in itertools.pairwise(groups):
        w = np.zeros((high.size, low.size))
        for c in np.unique(high):
            for d in np.unique(low):
                where = np.ix_(high == c, low == d)
                w[where] = make(rng, *w[where].shape)
        weights.append(w)
        biases.append(dyadic(rng, high.max() + 1)[high] * rng.integers(0, 2))
    return weights, biases


def constant_block(rng, rows, columns):
    return np.full((rows, columns), dyadic(rng))


def circulant_block(rng, rows, columns):
    if rows != columns:
        return constant_block(rng, rows, columns)
    first = dyadic(rng, rows)
    return np.array([np.roll(first, k) for k in range(rows)])


def forward_only_block(rng, rows, columns):
    block = rng.integers(-20, 21, size=(rows, columns)).astype(float)
    block[:, -1] += 40 - block.sum(1)
    return block / 32


def balanced(rng, sizes):
    return blockwise(rng, sizes, partitions(rng, sizes), rigid_block)


def clones(rng, sizes):
    return blockwise(rng, sizes, partitions(rng, sizes), constant_block)


def circulants(rng, sizes):
    n = int(rng.integers(2, 5))
    sizes = (sizes[0], *(n for _ in sizes[1:-1]), sizes[-1])
    groups = [np.arange(sizes[0]), *(np.zeros(n, int) for _ in sizes[1:-1]), np.arange(sizes[-1])]
    return blockwise(rng, sizes, groups, circulant_block)


def one_sided(rng, sizes):
    weights, biases = blockwise(rng, sizes, partitions(rng, sizes), forward_only_block)
    return (
        ([w.T.copy() for w in weights[::-1]], [dyadic(rng, w.shape[1]) for w in weights[::-1]])
        if (rng.integers(0, 2))
        else (weights, biases)
    )


def zeros(rng, sizes):
    weights, biases = random_arrays(rng, sizes)
    return [0 * w for w in weights], [0 * b for b in biases]


def constants(rng, sizes):
    value = dyadic(rng)
    return [np.full((n, m), value) for m, n in itertools.pairwise(sizes)], [
        np.full(n, value * rng.integers(0, 2)) for n in sizes[1:]
    ]


def per_layer_constants(rng, sizes):
    weights, biases = constants(rng, sizes)
    return [np.full_like(w, dyadic(rng)) for w in weights], biases


def constant_layer(rng, sizes):
    weights, biases = random_arrays(rng, sizes)
    for layer in rng.choice(len(weights), size=int(rng.integers(1, len(weights) + 1)), replace=False):
        weights[layer] = np.full_like(weights[layer], dyadic(rng))
        biases[layer] = np.full_like(biases[layer], biases[layer][0])
    return weights, biases


def zero_layers(rng, sizes):
    weights, biases = random_arrays(rng, sizes) if rng.integers(0, 2) else clones(rng, sizes)
    for layer in rng.choice(len(weights), size=int(rng.integers(1, 3)), replace=False):
        weights[layer] = 0 * weights[layer]
        biases[layer] = biases[layer] * rng.integers(0, 2)
    return weights, biases


def zero_random_biases(rng, sizes):
    weights, biases = zeros(rng, sizes)
    return weights, [dyadic(rng, b.size) for b in biases]


def twins(rng, sizes):
    """Two copies of a network side by side, reading and serving the same ends."""
    weights, biases = random_arrays(rng, sizes)
    crossed = [np.kron(1 - np.eye(2), dyadic(rng, *w.shape) * rng.integers(0, 2)) for w in weights[1:-1]]
    inner = [np.kron(np.eye(2), w) + cross for w, cross in zip(weights[1:-1], crossed, strict=True)]
    doubled = [np.vstack([weights[0], weights[0]]), *inner, np.hstack([weights[-1], weights[-1]])]
    return doubled, [*(np.tile(b, 2) for b in biases[:-1]), biases[-1]]


def mirrored(rng, sizes):
    weights, biases = (balanced if rng.integers(0, 2) else clones)(rng, sizes)
    for layer in range(len(weights) - 1):
        signs = rng.choice([-1, 1], size=weights[layer].shape[0])
        weights[layer] *= signs[:, None]
        biases[layer] = biases[layer] * signs
        weights[layer + 1] *= signs
    return weights, biases


def collinear(rng, sizes):
    """Incoming and outgoing weights times one factor; whether the next layers keep it depends on their sums."""
    weights, biases = clones(rng, sizes)
    for layer in range(len(weights) - 1):
        factors = rng.choice([0.5, 1, 2, 3, 0.75], size=weights[layer].shape[0])
        weights[layer] *= factors[:, None]
        biases[layer] = biases[layer] * factors
        weights[layer + 1] *= factors
    return weights, biases


def dead(rng, sizes):
    weights, biases = random_arrays(rng, sizes)
    layer = int(rng.integers(0, len(weights) - 1))
    which = rng.integers(0, 2, size=weights[layer].shape[0]).astype(bool)
    weights[layer][which] = -np.abs(weights[layer][which])
    biases[layer][which] = -np.abs(biases[layer][which])
    return weights, biases


def near_ties(rng, sizes):
    weights, biases = clones(rng, sizes)
    layer = int(rng.integers(0, len(weights)))
    weights[layer][0, 0] = np.nextafter(weights[layer][0, 0], np.inf)
    return weights, biases


def random(rng, sizes):
    return random_arrays(rng, sizes)


FAMILIES = {
    make.__name__: make
    for make in (
        zeros, constants, per_layer_constants, constant_layer, clones, balanced, one_sided, twins, circulants, mirrored,
        collinear, zero_layers, zero_random_biases, dead, near_ties, random,
    )
}  # fmt: skip


def draw_case(seed):
    """A network, an optimizer and whether its inputs are never negative; the seed runs through all families."""
    rng = np.random.default_rng([4, seed])
    name = list(FAMILIES)[seed % len(FAMILIES)]
    weights, biases = FAMILIES[name](rng, random_sizes(rng, most=3 if name == "twins" else 5))
    # Only these can be dead.
    pool = ("relu", "relu", "elu(0)", "relu(0.5)") if name == "dead" and rng.integers(0, 4) else ACTIVATIONS
    network = Network.from_arrays(weights, biases, activation=str(rng.choice(pool)), loss=str(rng.choice(LOSSES)))
    return network, str(rng.choice(OPTIMIZERS)), bool(rng.integers(0, 2)), name


@pytest.fixture
def families():
    return FAMILIES


@pytest.fixture
def case():
    return draw_case


def exact_activation(text):
    """g and g' of mpmath numbers, from the formulas in the literature."""
    m, name, _, rest = mpmath, *text.partition("(")
    c = mpmath.mpf(rest.rstrip(")")) if rest else None
    sigmoid = lambda z: 1 / (1 + m.exp(-z))  # noqa: E731
    softplus = lambda z: m.log(1 + m.exp(z))  # noqa: E731

    def elu(scale, alpha):
        return (
            lambda z: scale * (z if z > 0 else alpha * m.expm1(z)),
            lambda z: scale * (1 if z > 0 else alpha * m.exp(z)),
        )

    def mish_slope(z):
        t = m.tanh(softplus(z))
        return t + z * sigmoid(z) * (1 - t * t)

    step = c if c is not None else 0
    leak = c if c is not None else mpmath.mpf(0.01)
    table = {
        "identity": (lambda z: z, lambda z: m.mpf(1)),
        "sigmoid": (sigmoid, lambda z: sigmoid(z) * (1 - sigmoid(z))),
        "tanh": (m.tanh, lambda z: 1 - m.tanh(z) ** 2),
        "relu": (lambda z: max(z, m.mpf(0)), lambda z: m.mpf(1) if z > 0 else m.mpf(step) if z == 0 else m.mpf(0)),
        "leaky_relu": (lambda z: z if z > 0 else leak * z, lambda z: m.mpf(1) if z > 0 else leak),
        "elu": elu(1, c if c is not None else 1),
        "selu": elu(m.mpf(1.0507009873554804934193349852946), m.mpf(1.6732632423543772848170429916717)),
        "gelu": (lambda z: z * m.ncdf(z), lambda z: m.ncdf(z) + z * m.npdf(z)),
        "silu": (lambda z: z * sigmoid(z), lambda z: sigmoid(z) * (1 + z * (1 - sigmoid(z)))),
        "softplus": (softplus, sigmoid),
        "mish": (lambda z: z * m.tanh(softplus(z)), mish_slope),
    }
    return table[name]


def exact_delta(loss, z, y):
    if loss == "squared-error":
        return z - y
    if loss == "squared-error(sigmoid)" or z.shape[0] == 1:
        a = np.vectorize(lambda v: 1 / (1 + mpmath.exp(-v)), otypes=[object])(z)
        return a - y if loss == "cross-entropy" else (a - y) * a * (1 - a)
    e = np.vectorize(mpmath.exp, otypes=[object])(z)
    return e / e.sum(0) - y


def exact_forward(parameters, g, x):
    activations, z_all = [x], []
    for layer in range(0, len(parameters), 2):
        z = parameters[layer].dot(activations[-1]) + parameters[layer + 1]
        z_all.append(z)
        activations.append(g(z))
    return z_all, activations


def exact_gradient(parameters, text, loss, x, y):
    g, slope = (np.vectorize(f, otypes=[object]) for f in exact_activation(text))
    z_all, activations = exact_forward(parameters, g, x)
    delta, gradients = exact_delta(loss, z_all[-1], y), []
    for layer in reversed(range(len(z_all))):
        gradients += [delta.sum(1, keepdims=True), delta.dot(activations[layer].T)]
        if layer:
            delta = parameters[2 * layer].T.dot(delta) * slope(z_all[layer - 1])
    return gradients[::-1]


def to_exact(array):
    return np.vectorize(lambda v: mpmath.mpf(float(v)), otypes=[object])(np.asarray(array))


def draw_targets(rng, loss, outputs, m):
    if loss != "cross-entropy":
        return to_exact(dyadic(rng, outputs, m))
    if outputs == 1:
        return to_exact(rng.integers(0, 2, size=(1, m)))
    # Softmax allows any targets; these do not sum to 1, so that the deltas are free of that tie.
    return to_exact(np.abs(dyadic(rng, outputs, m)))


def exact_run(network, optimizer, *, steps, seed, positive=False, scale=1.0):
    """Yield after 0, 1, ..., steps updates the activations of all hidden layers on a probe, as lists of arrays.

    Every step sees new data and another learning rate.
    """
    rng = np.random.default_rng([60, seed])
    rule, text, loss = optimizers.get(optimizer), network.activation.text, network.loss.text
    g = np.vectorize(exact_activation(text)[0], otypes=[object])

    def shaped(values):
        return scale * (np.abs(values) if positive else values)

    probe = to_exact(shaped(dyadic(rng, network.sizes[0], 8)))
    parameters = [to_exact(p) for p in network.parameters]
    state = rule.start(parameters)
    for step in range(steps + 1):
        yield exact_forward(parameters, g, probe)[1][1:-1]
        if step < steps:
            x = to_exact(shaped(dyadic(rng, network.sizes[0], 4)))
            y = draw_targets(rng, loss, network.sizes[-1], 4)
            gradients = exact_gradient(parameters, text, loss, x, y)
            rate = mpmath.mpf(int(rng.integers(4, 30))) / 256
            parameters, state = rule.update(parameters, gradients, state, rate)
            if max(abs(v) for p in parameters for v in p.flat) > LARGEST:
                return


def first_partings(network, optimizer, *, steps, seed, positive=False, factors=None, digits=DIGITS, scale=1.0):
    """For each hidden layer, the matrix of the first step at which unit i is not factor[i] / factor[j] times unit j.

    -1 where that never happened, and the last step of the run. Without factors they are all 1.
    """
    with mpmath.workdps(digits):
        zero = mpmath.mpf(10) ** (-2 * digits // 3)
        parted = [np.full((n, n), -1) for n in network.sizes[1:-1]]
        for step, layers in enumerate(
            exact_run(network, optimizer, steps=steps, seed=seed, positive=positive, scale=scale)
        ):
            for layer, a in enumerate(layers):
                scaled = a if factors is None else a / to_exact(factors[layer])[:, None]
                gaps = np.abs(scaled[:, None] - scaled[None]).max(-1)
                new = (gaps > zero) & (parted[layer] < 0)
                parted[layer][new] = step
    return parted, step


@pytest.fixture
def partings():
    return first_partings


@pytest.fixture
def exact_steps():
    def steps(network, optimizer, **options):
        with mpmath.workdps(DIGITS):
            yield from exact_run(network, optimizer, **options)

    return steps


@pytest.fixture
def exact_functions():
    return exact_activation
