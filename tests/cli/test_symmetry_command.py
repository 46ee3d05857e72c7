"""`symbreak symmetry`: the lesson's proof, its answers told apart, and a start where it fails."""

from __future__ import annotations

import json

import pytest

from symbreak.cli import run


@pytest.fixture(scope="module")
def tour(tmp_path_factory):
    path = tmp_path_factory.mktemp("tour") / "tour.json"
    assert run(["symmetry", "--steps", "50", "--json", str(path)]) == 0
    return {(tuple(case["start"]), case["symmetry"]["activation"]): case for case in json.loads(path.read_text())}


def test_the_answers_are_told_apart(tour):
    sigmoid, tanh, relu = (tour[(("zeros",), name)]["symmetry"] for name in ("sigmoid", "tanh", "relu"))
    assert sigmoid["layers"][0]["effective_units"] == 1
    assert sigmoid["moving"] == ["W1", "b1", "W2", "b2"]
    for dead in (tanh, relu, tour[(("zeros", "normal(1)"), "relu")]["symmetry"]):
        assert dead["layers"][0]["effective_units"] == 0
        assert dead["moving"] == ["b2"]


def test_every_proof_is_verified_and_replayed_without_a_difference(tour):
    proved = [case for case in tour.values() if case["certificate"]["status"] == "proved"]
    assert len(proved) == 4
    for case in proved:
        assert case["verified"]
        assert case["replay"]["alike"] == 0


def test_equal_rows_with_random_outgoing_weights_are_refuted(tour):
    case = tour[(("constant(0.5)", "normal(1)"), "tanh")]
    assert case["certificate"]["status"] == "refuted"
    assert case["symmetry"]["partings"]


def test_the_terminal_shows_the_proof(capsys):
    assert run(["symmetry", "--activation", "sigmoid", "--steps", "10"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    for words in (
        "4 units, doing the work of 1",
        "Base case, t = 0",
        "Lemma 4 (same update)",
        "verified",
        "differ by 0",
    ):
        assert words in out


def test_json_alone(capsys):
    assert run(["symmetry", "--init", "he", "--steps", "0", "--json", "-"]) == 0
    case = json.loads(capsys.readouterr().out)
    assert case["symmetry"]["layers"][0]["effective_units"] == 4
    assert case["replay"] is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--init", "zeros", "--init", "he", "--init", "he"], "one initializer, or one for each layer"),
        (["--activation", "thanh"], "tanh"),
        (["--optimizer", "sgdd"], "gd"),
        (["--data", "nothing"], "planar"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(arguments, words, capsys):
    assert run(["symmetry", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert words in err
