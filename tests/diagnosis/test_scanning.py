"""The fast path finds what whole numbers find, on networks of every family, and looks at little of random ones."""

from __future__ import annotations

import numpy as np
import pytest

from symbreak.diagnosis.symmetry import fingerprints
from symbreak.diagnosis.symmetry import problem as problems
from symbreak.diagnosis.symmetry.exact import ExactSums
from symbreak.diagnosis.symmetry.refinement import rounds
from symbreak.diagnosis.symmetry.rules import family
from symbreak.diagnosis.symmetry.scanning import ScannedSums
from symbreak.diagnosis.symmetry.space import Mode, Space, from_keys
from symbreak.network import Network


@pytest.fixture(params=[0, 2**60], ids=["compiled", "numpy"], autouse=True)
def either_pass(request, monkeypatch):
    """Both ways to read a matrix are tested on the same networks."""
    monkeypatch.setattr(fingerprints, "COMPILED", request.param)


def equal_rounds(one, other):
    if len(one) != len(other):
        return False
    spaces = [(r.active + r.delta + r.z, s.active + s.delta + s.z) for r, s in zip(one, other, strict=True)]
    dead = [np.array_equal(a, b) for r, s in zip(one, other, strict=True) for a, b in zip(r.dead, s.dead, strict=True)]
    return all(a.equals(b) for low, high in spaces for a, b in zip(low, high, strict=True)) and all(dead)


def both(network, optimizer, sign, monkeypatch):
    found = []
    for limit in (2**60, 0):
        monkeypatch.setattr(problems, "SCANNED", limit)
        found.append(rounds(problems.problem(network, family(optimizer), sign)))
    return found


@pytest.mark.parametrize("block", range(8))
def test_fast_equals_reference_on_small_networks(block, case, monkeypatch):
    for seed in range(block * 50, block * 50 + 50):
        network, optimizer, positive, name = case(seed)
        if seed % 3 == 0:
            network = network.with_parameters([p.astype(np.float32) for p in network.parameters])
        assert equal_rounds(*both(network, optimizer, int(positive), monkeypatch)), (seed, name, network)


@pytest.mark.parametrize("family_name", ["balanced", "clones", "mirrored", "collinear", "twins", "dead", "zero_layers"])
def test_fast_equals_reference_on_wider_networks(family_name, families, monkeypatch):
    rng = np.random.default_rng(5)
    for k, activation in enumerate(("tanh", "relu", "sigmoid", "identity")):
        sizes = (20, *(int(n) for n in rng.integers(17, 40, size=2)), 18)
        weights, biases = families[family_name](rng, sizes)
        network = Network.from_arrays(weights, biases, activation=activation)
        if k % 2:
            network = network.with_parameters([p.astype(np.float32) for p in network.parameters])
        for optimizer in ("gd", "adam_l2"):
            assert equal_rounds(*both(network, optimizer, k % 2, monkeypatch)), (family_name, network)


def matrices():
    rng = np.random.default_rng(8)
    plain = rng.normal(size=(60, 50))
    late = np.ones((40, 300))
    late[7, 299] = np.nextafter(1, 2)
    late[8, 299] = -1
    mirrored = np.vstack([plain, -plain[::2]])
    leading = np.hstack([np.zeros((60, 20)), plain])
    scaled = np.vstack([plain, plain[:5] * 2.0, plain[5:9] * -3.0])
    cancelling = np.hstack([plain, -plain])
    tiny = np.vstack([plain * 1e-300, plain[:3] * 1e-300])
    ordered = np.array([np.roll(np.arange(1.0, 41.0) / 7, k) for k in range(40)])
    return {
        "random": plain, "late difference": late, "mirrored": mirrored, "leading zeros": leading, "scaled": scaled,
        "cancelling": cancelling, "tiny": tiny, "same entries in other orders": ordered,
        "minus zero": np.where(rng.random((50, 40)) < 0.5, 0.0, -0.0),
    }  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("mode", [Mode.MIRRORED, Mode.LINEAR])
@pytest.mark.parametrize("name", matrices())
def test_sums_of_awkward_matrices(name, mode, dtype):
    w = matrices()[name].astype(dtype)
    rng = np.random.default_rng(2)
    m = w.shape[1]
    overs = [
        Space.discrete(m),
        Space.zero(m),
        from_keys((0, 1) for _ in range(m)),
        from_keys((k % 3 or None, 1) for k in range(m)),
        from_keys((int(k), int(s)) for k, s in zip(rng.integers(0, m // 2, m), rng.choice([-1, 1], m), strict=True)),
    ]
    for over in overs:
        for multisets in (False, True):
            fast, slow = ScannedSums(w, mode), ExactSums(w, mode)
            assert fast.rows(over, multisets=multisets).equals(slow.rows(over, multisets=multisets))
            turned = ScannedSums(w.T, mode)
            assert turned.columns(over, multisets=multisets).equals(slow.rows(over, multisets=multisets))
        for sign in (1, -1):
            assert np.array_equal(fast.rows_not_positive(over, sign), slow.rows_not_positive(over, sign))


def test_random_weights_are_hardly_read():
    rng = np.random.default_rng(0)
    network = Network.from_arrays([rng.normal(size=(2000, 2000)) for _ in range(3)], activation="tanh")
    posed = problems.problem(network, family("gd"), 0)
    assert rounds(posed)[-1].active[1].is_discrete
    assert sum(w.read for w in posed.weights) <= 0.02 * sum(w.size for w in network.weights)


def test_no_copy_of_the_weights():
    w = np.ones((200, 200), np.float32)
    assert ScannedSums(w, Mode.MIRRORED).weights is w
