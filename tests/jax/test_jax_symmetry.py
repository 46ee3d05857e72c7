"""symmetry(function, params, x): the same answers from JAX as from torch, and what it leaves alone."""

from __future__ import annotations

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import symbreak
from symbreak.diagnosis import colours
from symbreak.errors import InvalidInput


def network(params, x):
    for layer in params["layers"][:-1]:
        x = jnp.tanh(x @ layer["w"] + layer["b"])
    return x @ params["layers"][-1]["w"]


def drawn(*sizes, seed=0):
    rng = np.random.default_rng(seed)
    pairs = itertools.pairwise(sizes)
    layers = [{"w": rng.normal(size=(a, b)).astype("f4"), "b": rng.normal(size=b).astype("f4")} for a, b in pairs]
    return {"layers": layers}


def batch(features=3):
    return np.random.default_rng(1).normal(size=(32, features)).astype("f4")


def ties(found, parameter, axis):
    return [(t.units, t.relation) for s in found.slices if (s.parameter, s.axis) == (parameter, axis) for t in s.ties]


def tie(params, units, sign=1):
    first, second = params["layers"][:2]
    a, b = units
    first["w"][:, b], first["b"][b] = sign * first["w"][:, a], sign * first["b"][a]
    second["w"][b] = sign * second["w"][a]
    return params


@pytest.mark.parametrize(("sign", "relation"), [(1, "same"), (-1, "mirrored")])
def test_tied_units(sign, relation):
    found = symbreak.symmetry(network, tie(drawn(3, 5, 2), (1, 3), sign), batch())
    assert found.kept
    assert ties(found, "layers.0.w", 1) == [((1, 3), relation)]
    assert ties(found, "layers.1.w", 0) == [((1, 3), relation)]
    assert found.witness.held
    assert found.passes <= 20
    assert found.waste.wasted_parameters == 3 + 1 + 2 + 2  # a column, a bias, a row, and the bias that nothing reads


def test_a_sound_start_has_no_ties_and_the_unread_bias_is_harmless():
    found = symbreak.symmetry(network, drawn(3, 5, 2), batch())
    assert not [t for s in found.slices for t in s.ties if s.parameter != "layers.1.b"]
    assert [(f.parameter, f.kind) for f in found.frozen] == [("layers.1.b", "harmless")]


def test_zeros_are_lost():
    zeros = jax.tree.map(np.zeros_like, drawn(3, 5, 2))
    found = symbreak.symmetry(network, zeros, batch())
    assert {f.parameter for f in found.frozen if f.kind == "lost"} == {"layers.0.w", "layers.0.b", "layers.1.w"}


def soft_mixture(params, x):
    weights = jax.nn.softmax(x @ params["router"])
    return sum(weights[:, i, None] * jnp.tanh(x @ e["up"]) @ e["down"] for i, e in enumerate(params["experts"]))


def experts(*, copied):
    rng = np.random.default_rng(0)
    first = {"up": rng.normal(size=(3, 4)), "down": rng.normal(size=(4, 2))}
    other = first if copied else {k: rng.normal(size=v.shape) for k, v in first.items()}
    return {"router": np.zeros((3, 2)), "experts": [first, {k: v.copy() for k, v in other.items()}]}


def test_copied_experts_are_tied_across_tensors():
    found = symbreak.symmetry(soft_mixture, experts(copied=True), batch())
    assert ("experts.0.up", "experts.1.up") in [t.names for t in found.tensors if t.equal]
    assert [f.parameter for f in found.frozen] == ["router"]
    assert not symbreak.symmetry(soft_mixture, experts(copied=False), batch()).tensors


def test_nothing_is_changed():
    params, x = tie(drawn(3, 5, 2), (0, 1)), batch()
    before = jax.tree.map(np.copy, params)
    symbreak.symmetry(network, params, x)
    assert all(jax.tree.leaves(jax.tree.map(np.array_equal, before, params)))
    assert jnp.ones(1).dtype == jnp.float32


def test_a_tree_without_arrays_is_refused():
    with pytest.raises(InvalidInput, match="parameters"):
        symbreak.symmetry(network, {"layers": []}, batch())
    with pytest.raises(InvalidInput, match="symmetry takes"):
        symbreak.symmetry(network, {})


def test_ignored_signs_miss_mirrors(monkeypatch):
    monkeypatch.setattr(colours, "signs", lambda projections: np.ones(len(projections)))
    found = symbreak.symmetry(network, tie(drawn(3, 5, 2), (1, 3), -1), batch())
    assert not ties(found, "layers.0.w", 1)
