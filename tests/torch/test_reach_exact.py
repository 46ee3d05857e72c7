"""What gradients at several points say of multilayer perceptrons, held to the exact proof; and what it costs."""

from __future__ import annotations

import importlib.util
import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from symbreak.diagnosis import reach
from symbreak.diagnosis.symmetry import symmetry
from symbreak.network import Network
from symbreak.torch.observe import observe

NETWORKS = 320
ACTIVATIONS = {
    "identity": lambda z: z, "sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": F.relu, "elu": F.elu, "selu": F.selu,
    "leaky_relu(0.25)": lambda z: F.leaky_relu(z, 0.25), "gelu": F.gelu, "silu": F.silu, "softplus": F.softplus,
    "mish": F.mish,
}  # fmt: skip


def families():
    """The families of networks with planted ties of the battery on the exact proof."""
    path = Path(__file__).parents[1] / "diagnosis" / "conftest.py"
    spec = importlib.util.spec_from_file_location("families_of_networks", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Perceptron(nn.Module):
    def __init__(self, weights, biases, activation):
        super().__init__()
        self.activation = activation
        self.layers = nn.ModuleList(nn.Linear(*w.shape[::-1]).double() for w in weights)
        with torch.no_grad():
            for layer, w, b in zip(self.layers, weights, biases, strict=True):
                layer.weight.copy_(torch.tensor(w))
                layer.bias.copy_(torch.tensor(b).reshape(-1))

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = self.activation(layer(x))
        return self.layers[-1](x)


class Both:
    """One network, read by the proof and by gradients."""

    def __init__(self, seed, made=families()):  # noqa: B008 - loaded once
        rng = np.random.default_rng([9, seed])
        self.family = list(made.FAMILIES)[seed % len(made.FAMILIES)]
        sizes = made.random_sizes(rng, most=3 if self.family == "twins" else 5)
        self.weights, self.biases = made.FAMILIES[self.family](rng, sizes)
        self.activation = str(rng.choice(list(ACTIVATIONS)))
        network = Network.from_arrays(self.weights, self.biases, activation=self.activation, loss="squared-error")
        self.exact = symmetry(network)
        generator = torch.Generator().manual_seed(seed)
        draw = lambda columns: torch.randn(40, columns, generator=generator, dtype=torch.float64)  # noqa: E731
        model = Perceptron(self.weights, self.biases, ACTIVATIONS[self.activation])
        x, y = draw(self.weights[0].shape[1]), 2 * draw(self.weights[-1].shape[0])
        self.observation = observe(model, x, y, F.mse_loss)
        self.found = reach.reach(self.observation)

    def proved(self, layer):
        return pairs(c.units for c in layer.classes if not c.dead and c.status == "proved")

    def dead(self, layer):
        return pairs(c.units for c in layer.classes if c.dead)

    def measured(self, layer):
        """Pairs of units whose weights and biases coming in stay tied."""
        weight, bias = (self._pairs(f"layers.{layer.index - 1}.{kind}", 0) for kind in ("weight", "bias"))
        return weight & bias

    def _pairs(self, name, axis):
        found = self.found.classes.get((name, axis))
        return pairs(found.groups) if found is not None else set()

    def slices_are_tied(self, layer, pair):
        """Whether two units start with equal slices coming in and going out, or with mirrored ones."""
        i, j = pair
        into = np.column_stack([self.weights[layer.index - 1], self.biases[layer.index - 1].reshape(-1)])
        out = self.weights[layer.index]
        return any((into[i] == s * into[j]).all() and (out[:, i] == s * out[:, j]).all() for s in (1, -1))

    @property
    def moving(self):
        return {f"layers.{int(t[1:]) - 1}.{'weight' if t[0] == 'W' else 'bias'}" for t in self.exact.moving}

    @property
    def every(self):
        return {f"layers.{place}.{kind}" for place in range(len(self.weights)) for kind in ("weight", "bias")}


def pairs(groups):
    return {pair for group in groups for pair in itertools.combinations(group, 2)}


@pytest.fixture(scope="module")
def networks():
    return [Both(seed) for seed in range(NETWORKS)]


def sound(networks):
    """No pair of units is said to stay one that the proof does not call one, or dead."""
    wrong = [
        (both.family, both.activation, layer.index, pair)
        for both in networks
        for layer in both.exact.layers
        for pair in both.measured(layer) - both.proved(layer) - both.dead(layer)
    ]
    assert not wrong, wrong[:3]


def complete(networks):
    """Where all that is proved rests on equal slices, gradients find all of it; ties of sums are the proof's alone."""
    plain = 0
    for both in networks:
        proved = {(layer.index, pair) for layer in both.exact.layers for pair in both.proved(layer)}
        tied = all(both.slices_are_tied(both.exact.layers[index - 1], pair) for index, pair in proved)
        if proved and tied:
            plain += len(proved)
            measured = {(layer.index, pair) for layer in both.exact.layers for pair in both.measured(layer)}
            assert proved <= measured, (both.family, both.activation, sorted(proved - measured)[:3])
    assert plain > NETWORKS / 2


def stuck(networks):
    """What never moves is what the proof says; behind a ReLU that is off on the batch it may be more."""
    for both in networks:
        never = both.every - both.moving
        assert never <= set(both.found.stuck), (both.family, both.activation)
        assert both.activation == "relu" or never == set(both.found.stuck), (both.family, both.activation)


def test_ties_that_gradients_keep_are_proved(networks):
    sound(networks)


def test_ties_of_slices_are_all_found(networks):
    complete(networks)


def test_what_is_stuck_is_what_never_moves(networks):
    stuck(networks)


def test_few_further_points_are_enough(networks):
    assert max(both.found.probes for both in networks) <= reach.MOST_PROBES
    untied = [both for both in networks if both.family == "random"]
    assert {both.found.probes for both in untied} == {0}


def loose(parameter, classes, rng):
    """Move all entries on their own, ties or not."""
    start = parameter.values()
    return np.asarray(start + 0.1 * rng.standard_normal(start.shape), start.dtype)


def still(parameter, classes, rng):
    """Do not move at all."""
    return parameter.values()


MUTANTS = {
    "gradients do not part": ("_split", lambda found, gradient, axis: False, sound),
    "ties are not kept while moving": ("_moved", loose, complete),
    "further points are the start again": ("_moved", still, stuck),
    "one probe only": ("MOST_PROBES", 0, stuck),
    "everything is the same": ("SAME", 10.0, sound),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_mutants_are_rejected(mutant, monkeypatch):
    name, broken, claim = MUTANTS[mutant]
    monkeypatch.setattr(reach, name, broken)
    if name == "SAME":
        monkeypatch.setattr(reach, "CELL", 8 * broken)
    with pytest.raises(AssertionError):
        claim([Both(seed) for seed in range(NETWORKS // 4)])
