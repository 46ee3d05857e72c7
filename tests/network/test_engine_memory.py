"""A training in pieces has the bits of one training, whatever the update rule remembers."""

from __future__ import annotations

import numpy as np
import pytest

from symbreak.errors import InvalidInput, InvalidShape
from symbreak.network import Memory, Network, optimizers, stack, train_many

X = np.array([[0.0, 1.0, 0.0, 1.0], [0.0, 0.0, 1.0, 1.0]])
Y = (X[:1] != X[1:]).astype(float)
RULES = list(optimizers.CATALOGUE)


def networks() -> Network:
    return stack([Network.initialize((2, 3, 1), "normal(1)", seed=seed) for seed in range(len(RULES))])


def in_pieces(pieces, *, carried=True):
    network, memory = networks(), None
    for piece in pieces:
        trained = train_many(
            network, X, Y, iterations=piece, learning_rate=0.1, optimizer=RULES, memory=memory, threads=1
        )
        network, memory = trained.network, trained.memory if carried else None
    return trained


def differing(one, other):
    pairs = list(zip(one.network.parameters, other.network.parameters, strict=True))
    return {rule for i, rule in enumerate(RULES) if any((a[i] != b[i]).any() for a, b in pairs)}


@pytest.mark.parametrize("pieces", [(1, 1, 28), (13, 0, 17), (29, 1)])
def test_pieces_are_one_training(pieces):
    whole, parts = in_pieces((30,)), in_pieces(pieces)
    assert differing(whole, parts) == set()
    assert (whole.memory.powers == parts.memory.powers).all()
    assert (whole.memory.second == parts.memory.second).all()


def test_what_is_forgotten_would_be_noticed():
    forgetful = differing(in_pieces((30,)), in_pieces((13, 17), carried=False))
    assert forgetful == set(RULES) - {"gd", "gd_l2"}


def test_a_memory_is_not_changed():
    first = train_many(networks(), X, Y, iterations=3, learning_rate=0.1, optimizer="adam", threads=1)
    before = first.memory.first.copy()
    train_many(first.network, X, Y, iterations=3, learning_rate=0.1, optimizer="adam", memory=first.memory, threads=1)
    assert (first.memory.first == before).all()


def test_a_memory_of_other_networks_is_refused():
    memory = in_pieces((2,)).memory
    with pytest.raises(InvalidShape, match="same kind and number"):
        train_many(networks(), X, Y, iterations=1, learning_rate=0.1, memory=memory[:2])
    single = Memory(memory.first.astype(np.float32), memory.second.astype(np.float32), memory.powers)
    with pytest.raises(InvalidShape, match="same kind and number"):
        train_many(networks(), X, Y, iterations=1, learning_rate=0.1, memory=single)


def test_mini_batches_are_not_gone_on_with():
    with pytest.raises(InvalidInput, match="mini-batches"):
        train_many(networks(), X, Y, iterations=1, learning_rate=0.1, batch_size=2, memory=in_pieces((2,)).memory)
