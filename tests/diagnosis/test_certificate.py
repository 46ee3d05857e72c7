"""The certificate is checked by other code than found it, survives JSON, and fails where the network was changed."""

from __future__ import annotations

import ast
import copy
import json
from pathlib import Path

import numpy as np
import pytest

from symbreak.diagnosis.symmetry import Certificate, checker, symmetry
from symbreak.errors import InvalidInput
from symbreak.network import Network

SIGMOID = Network.from_arrays([np.zeros((4, 2)), np.zeros((1, 4))], activation="sigmoid")


def test_the_checker_imports_nothing_of_the_search():
    tree = ast.parse(Path(checker.__file__).read_text())
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {m for m in modules if m.startswith("symbreak")} == {"symbreak.network"}


def test_it_survives_json():
    certificate = symmetry(SIGMOID).certificate
    again = Certificate.from_json(json.dumps(certificate.to_json()))
    assert again.verify(SIGMOID)
    assert str(again) == str(certificate)
    assert certificate.document["format"] == "symbreak/certificate/1"


def test_a_changed_weight_fails():
    certificate = symmetry(SIGMOID).certificate
    for layer, entry in ((0, (1, 0)), (2, (0, 2)), (1, (3, 0))):
        changed = [p.copy() for p in SIGMOID.parameters]
        changed[layer][entry] = np.nextafter(0, 1)
        verdict = certificate.verify(SIGMOID.with_parameters(changed))
        assert not verdict
        assert "differ" in str(verdict) or "bias" in str(verdict)


def test_another_network_fails():
    certificate = symmetry(SIGMOID).certificate
    tanh = Network.from_arrays(SIGMOID.weights, activation="tanh")
    assert "activation" in str(certificate.verify(tanh))
    wider = Network.from_arrays([np.zeros((5, 2)), np.zeros((1, 5))], activation="sigmoid")
    assert "sizes" in str(certificate.verify(wider))


FORGERIES = {
    "joins units that differ": lambda d: d["layers"][0].update(
        classes=[{**d["layers"][0]["classes"][0], "units": [0, 1, 2], "factors": ["1", "1", "1"]}]
    ),
    "forgets a unit": lambda d: d["layers"][0]["classes"].pop(),
    "claims zero": lambda d: d["layers"][0]["classes"][0].update(zero=True, frozen="W2^T"),
    "claims frozen": lambda d: d["layers"][0]["classes"][0].update(frozen="dZ2"),
    "claims dead": lambda d: d["layers"][0]["classes"][0].update(zero=True, dead=True, frozen="g'(Z1)"),
    "claims a mirror": lambda d: d["layers"][0]["classes"][0].update(factors=["1", "-1"]),
    "claims a factor": lambda d: d["layers"][0]["classes"][0].update(factors=["1", "2"]),
    "claims a factor of 0": lambda d: d["layers"][0]["classes"][0].update(factors=["1", "0"]),
    "claims an unknown update": lambda d: d["update"].update(kind="any"),
    "is of another format": lambda d: d.update(format="symbreak/certificate/2"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_forgeries_fail(name):
    network = Network.from_arrays([[[1, 2], [1, 2], [3, 4]], [[1, 1, 2]]], activation="sigmoid")
    honest = symmetry(network).certificate
    assert honest.verify(network)
    forged = copy.deepcopy(honest.document)
    FORGERIES[name](forged)
    assert not Certificate(forged).verify(network)


def test_a_forged_counterexample_fails():
    network = Network.from_arrays([np.ones((3, 2)), [[1, 2, 3]]], activation="tanh")
    certificate = symmetry(network).certificate
    assert certificate.status == "refuted"
    assert certificate.verify(network)
    tied = Network.from_arrays([np.ones((3, 2)), [[1, 1, 1]]], activation="tanh")
    assert "counterexample" in str(certificate.verify(tied))


def test_the_text_holds_base_case_lemmas_and_conclusion():
    text = str(symmetry(SIGMOID).certificate)
    for part in ("Base case", "Lemma 1", "Lemma 2", "Lemma 3", "Lemma 4", "Conclusion", "exact arithmetic"):
        assert part in text


def test_what_is_no_certificate_is_refused():
    with pytest.raises(InvalidInput, match="not a certificate"):
        Certificate.from_json("[]")
