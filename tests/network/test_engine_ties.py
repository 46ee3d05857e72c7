"""The engine tells at which update units that should be one differ, in which quantity: as the reference sees it."""

from __future__ import annotations

import numpy as np
import pytest

from symbreak.errors import InvalidInput, InvalidShape
from symbreak.network import Network, descend, stack, train_many

X = np.array([[0.0, 1.0, 0.0, 1.0, 0.5], [0.0, 0.0, 1.0, 1.0, 0.25]])
Y = (X[:1] != X[1:]).astype(float)
STEPS, RATE = 40, 0.7


def tied_start(**changes: float) -> Network:
    """Two hidden layers of 3 and 2 units, each layer tied; `changes` add to one entry of an array."""
    network = Network.initialize((2, 3, 2, 1), "constant(0.5)", seed=0)
    names = ["W1", "b1", "W2", "b2", "W3", "b3"]
    arrays = [array.copy() for array in network.parameters]
    for name, amount in changes.items():
        arrays[names.index(name)].flat[-1] += amount
    return network.with_parameters(arrays)


def parted(network: Network, tied=(0, 0, 0, 0, 0), **how):
    options = {"iterations": STEPS, "learning_rate": RATE, "threads": 1, **how}
    return train_many(stack([network]), X, Y, tied=[list(tied)], **options).parted[0].tolist()


def by_reference(network: Network) -> list[int]:
    """The first step at which rows differ, in NumPy."""
    first = [-1] * 4
    for step in descend(network, X, Y, iterations=STEPS - 1, learning_rate=RATE, arithmetic="unitwise"):
        looked = [[], [], [], []]
        for layer in (0, 1):
            looked[0].append(step.forward.pre_activations[layer])
            looked[1].append(step.forward.activations[layer + 1])
            looked[2].append(step.gradient.deltas[layer])
            incoming, bias = step.gradient.weights[layer], step.gradient.biases[layer]
            looked[3] += [np.hstack([incoming, bias]), step.gradient.weights[layer + 1].T]
        for k, arrays in enumerate(looked):
            if first[k] < 0 and any((rows != rows[0]).any() for rows in arrays):
                first[k] = step.iteration
    return first


def test_tied_units_never_part():
    assert parted(tied_start()) == [-1, -1, -1, -1]


@pytest.mark.parametrize("changes", [{"W1": 2.0**-53}, {"b1": 0.1}, {"W3": 0.1}, {"b2": 2.0**-40}, {"W2": 1e-3}])
def test_what_parts_them_is_seen_when_and_where_the_reference_sees_it(changes):
    network = tied_start(**changes)
    found = parted(network)
    assert found == by_reference(network)
    assert min(found) >= 0


def test_a_change_that_concerns_no_tie_parts_nothing():
    assert parted(tied_start(b3=0.3)) == [-1, -1, -1, -1]


def test_units_that_nobody_named_are_not_looked_at():
    assert parted(tied_start(W1=0.1), tied=(0, 0, 2, 0, 1)) == [-1, -1, -1, -1]


def test_mirror_images():
    network = tied_start()
    flipped = [array.copy() for array in network.parameters]
    flipped[0][2] *= -1
    flipped[1][2] *= -1
    flipped[2][:, 2] *= -1
    mirrored = network.with_parameters(flipped)
    assert parted(mirrored, tied=(0, 0, ~0, 0, 0)) == [-1, -1, -1, -1]
    assert min(parted(mirrored)) == 0


def test_ties_change_no_bit():
    start = stack([tied_start(W1=0.1)])
    one = train_many(start, X, Y, iterations=STEPS, learning_rate=RATE)
    other = train_many(start, X, Y, iterations=STEPS, learning_rate=RATE, tied=[[0, 0, 0, 0, 0]])
    assert all((a == b).all() for a, b in zip(one.network.parameters, other.network.parameters, strict=True))
    assert one.parted.tolist() == [[-1] * 4]


def test_mini_batches_are_looked_at_too():
    assert parted(tied_start(), batch_size=2) == [-1] * 4
    assert min(parted(tied_start(b1=0.1), batch_size=2)) == 0


def test_ties_that_make_no_sense_are_refused():
    with pytest.raises(InvalidShape, match="every hidden unit"):
        parted(tied_start(), tied=(0, 0))
    with pytest.raises(InvalidInput, match="unit of its layer"):
        parted(tied_start(), tied=(0, 0, 0, 0, 2))
