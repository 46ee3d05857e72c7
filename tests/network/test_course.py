"""The names that learners know: their shapes, both argument orders, published draws, and traps."""

from __future__ import annotations

import numpy as np
import pytest

from symbreak import datasets, lesson
from symbreak.errors import InvalidInput, InvalidShape


def textbook(X, Y, n_h, iterations, rng, rate=1.2):
    """The course's network, written out once more with its own formulas."""
    w1, b1 = rng.randn(n_h, len(X)) * 0.01, np.zeros((n_h, 1))
    w2, b2 = rng.randn(1, n_h) * 0.01, np.zeros((1, 1))
    m, costs = X.shape[1], []
    for i in range(iterations):
        a1 = np.tanh(np.dot(w1, X) + b1)
        a2 = 1 / (1 + np.exp(-(np.dot(w2, a1) + b2)))
        if i % 1000 == 0:
            costs.append(float(-(Y * np.log(a2) + (1 - Y) * np.log(1 - a2)).sum() / m))
        dz2 = a2 - Y
        dz1 = np.dot(w2.T, dz2) * (1 - a1**2)
        w1, b1 = w1 - rate * np.dot(dz1, X.T) / m, b1 - rate * dz1.sum(axis=1, keepdims=True) / m
        w2, b2 = w2 - rate * np.dot(dz2, a1.T) / m, b2 - rate * dz2.sum(axis=1, keepdims=True) / m
    return {"W1": w1, "b1": b1, "W2": w2, "b2": b2}, costs


def test_nn_model_is_the_textbooks():
    data = datasets.load("planar")
    mine, costs = lesson.nn_model(data.X, data.Y, 4, 1500, rng=np.random.RandomState(2), return_costs=True)
    theirs, expected = textbook(data.X, data.Y, 4, 1500, np.random.RandomState(2))
    # Rounding grows along a training run; these 1500 steps multiply it by less than a million.
    assert costs == pytest.approx(expected, rel=1e-9)
    for key, value in theirs.items():
        np.testing.assert_allclose(mine[key], value, rtol=1e-8, atol=1e-10)


def test_a_generator_draws_w1_then_w2_in_the_lessons_order():
    rng = np.random.RandomState(7)
    w1, w2 = rng.randn(4, 3) * 0.01, rng.randn(1, 4) * 0.01
    parameters = lesson.initialize_parameters(3, 4, 1, rng=np.random.RandomState(7))
    assert np.array_equal(parameters["W1"], w1)
    assert np.array_equal(parameters["W2"], w2)
    he = lesson.initialize_parameters_he([3, 4, 1], rng=np.random.RandomState(7))
    np.testing.assert_allclose(he["W1"], w1 * 100 * np.sqrt(2 / 3), rtol=1e-15)


def test_shapes_of_the_lesson():
    parameters = lesson.initialize_parameters(3, 4, 1, seed=0)
    assert {k: v.shape for k, v in parameters.items()} == {"W1": (4, 3), "b1": (4, 1), "W2": (1, 4), "b2": (1, 1)}
    assert not parameters["b1"].any()
    assert not parameters["b2"].any()
    assert lesson.layer_sizes(np.zeros((3, 10)), np.zeros((1, 10))) == (3, 4, 1)


def test_seeds_repeat_and_no_seed_does_not():
    draw = lesson.initialize_parameters
    assert np.array_equal(draw(2, 4, 1, seed=1)["W1"], draw(2, 4, 1, seed=1)["W1"])
    assert not np.array_equal(draw(2, 4, 1, seed=1)["W1"], draw(2, 4, 1, seed="1")["W1"])
    assert not np.array_equal(draw(2, 4, 1)["W1"], draw(2, 4, 1)["W1"])


@pytest.mark.parametrize("dims", [[2, 4, 1], [3, 5, 4, 2]])
def test_schemes_of_the_assignment(dims):
    zeros = lesson.initialize_parameters_zeros(dims)
    assert all(not value.any() for value in zeros.values())
    large = lesson.initialize_parameters_random([200, 100, 1], seed=0)
    assert large["W1"].std() == pytest.approx(10, rel=5 / np.sqrt(2 * 20_000))


def parts():
    rng = np.random.default_rng(0)
    parameters = lesson.initialize_parameters(3, 4, 1, scheme="normal(1)", seed=0)
    X, Y = rng.normal(size=(3, 9)), rng.integers(0, 2, (1, 9))
    A2, cache = lesson.forward_propagation(X, parameters)
    return parameters, X, Y, A2, cache


def test_both_argument_orders_of_backward_and_predict():
    parameters, X, Y, A2, cache = parts()
    site = lesson.backward_propagation(X, Y, parameters, cache)
    assignment = lesson.backward_propagation(parameters, cache, X, Y)
    assert set(site) == {"dW1", "db1", "dW2", "db2"}
    for key in site:
        assert np.array_equal(site[key], assignment[key])
    dz2 = A2 - Y
    np.testing.assert_allclose(site["dW2"], dz2 @ cache["A1"].T / 9, rtol=1e-12)
    assert np.array_equal(lesson.predict(parameters, X), lesson.predict(X, parameters))
    assert np.array_equal(lesson.predict(parameters, X), A2 > 0.5)
    assert set(cache) == {"Z1", "A1", "Z2", "A2"}


def test_four_arguments_of_the_wrong_kind_are_told():
    parameters, X, Y, _, _ = parts()
    with pytest.raises(InvalidInput, match="each once"):
        lesson.backward_propagation(X, Y, X, parameters)


def test_unsigned_labels_do_not_underflow():
    parameters, X, Y, A2, cache = parts()
    plain = lesson.backward_propagation(X, Y, parameters, cache)
    for kind in (np.uint8, bool, np.float32):
        other = lesson.backward_propagation(X, Y.astype(kind), parameters, cache)
        assert np.array_equal(plain["dW1"], other["dW1"])
        assert lesson.compute_cost(A2, Y.astype(kind)) == lesson.compute_cost(A2, Y)


SPELLINGS = {
    "uint8": lambda Y: Y.astype(np.uint8),
    "bool": lambda Y: Y.astype(bool),
    "objects": lambda Y: Y.astype(bool).astype(object),
    "column": lambda Y: Y.T,
    "vector": lambda Y: Y[0],
    "texts of digits": lambda Y: Y.astype(str),
    "names in a column": lambda Y: np.where(Y == 1, "red", "blue").T,
    "names as objects": lambda Y: np.where(Y == 1, "red", "blue").astype(object)[0],
    "numbers by size": lambda Y: np.where(Y == 1, "10", "2"),
}


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
def test_labels_mean_the_same_however_they_are_given(spell):
    parameters, X, Y, A2, cache = parts()
    given = spell(Y)
    assert lesson.layer_sizes(X, given) == (3, 4, 1)
    assert lesson.compute_cost(A2, given) == lesson.compute_cost(A2, Y)
    plain, other = (lesson.backward_propagation(X, y, parameters, cache) for y in (Y, given))
    assert all(np.array_equal(plain[key], other[key]) for key in plain)
    plain, other = (lesson.nn_model(X, y, 3, 5, seed=0) for y in (Y, given))
    assert all(np.array_equal(plain[key], other[key]) for key in plain)


def test_texts_of_one_class_are_numbers_or_refused():
    A2 = [[0.2, 0.4]]
    assert lesson.compute_cost(A2, ["1", "1"]) == lesson.compute_cost(A2, [1, 1])
    with pytest.raises(InvalidInput, match=r"1 different: yes"):
        lesson.compute_cost(A2, ["yes", "yes"])
    with pytest.raises(InvalidInput, match=r"3 different: a, b, c"):
        lesson.layer_sizes(np.zeros((2, 3)), ["a", "b", "c"])
    with pytest.raises(InvalidInput, match="finite"):
        lesson.compute_cost(A2, ["nan", "1"])


def test_answers_as_a_column_are_not_classes():
    _, _, Y, A2, _ = parts()
    for labels in (Y, Y.T, Y[0]):
        with pytest.raises(InvalidShape, match="columns of A2 are examples"):
            lesson.compute_cost(A2.T, labels)
    with pytest.raises(InvalidShape, match=r"X\.T"):
        lesson.nn_model(np.zeros((9, 3)), Y.T, 2, 1, seed=0)


def refusing_calls(X, Y, A2, parameters):
    return {
        "nn_model": lambda: lesson.nn_model(X, Y, 2, 1, seed=0),
        "compute_cost": lambda: lesson.compute_cost(A2, Y),
        "forward": lambda: lesson.forward_propagation(X, parameters),
    }


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_refused_where_it_enters(bad):
    parameters, X, Y, A2, _ = parts()
    X, A2 = X.copy(), A2.copy()
    X[1, 4] = A2[0, 4] = bad
    for call in refusing_calls(X, Y, A2, parameters).values():
        with pytest.raises(InvalidInput, match=rf"must be finite\n  got: {bad} at \([01], 4\)"):
            call()


@pytest.mark.parametrize("bad", [-0.1, 2, np.nan, np.inf])
def test_labels_that_are_no_probabilities_are_refused(bad):
    parameters, X, Y, A2, _ = parts()
    Y = Y.astype(float)
    Y[0, 3] = bad
    calls = refusing_calls(X, Y, A2, parameters)
    for name in ("nn_model", "compute_cost"):
        with pytest.raises(InvalidInput, match=r"Y must [\s\S]* at \(0, 3\)"):
            calls[name]()


@pytest.mark.parametrize("shape", [(3, 0), (0, 3), (0,)])
def test_empty_arrays_are_refused(shape):
    parameters, empty = parts()[0], np.zeros(shape)
    for call in refusing_calls(empty, empty, empty, parameters).values():
        with pytest.raises(InvalidShape):
            call()
    with pytest.raises(InvalidShape, match="X is a matrix"):
        lesson.layer_sizes(empty, np.zeros((1, 3)))


def named_calls(p, c, X, Y):
    back = lesson.backward_propagation
    return {
        "all named": lambda: back(parameters=p, cache=c, X=X, Y=Y),
        "dicts first": lambda: back(p, c, X=X, Y=Y),
        "dicts first, one named": lambda: back(p, c, X, Y=Y),
        "data first": lambda: back(X, Y, parameters=p, cache=c),
        "one dict first": lambda: back(p, X=X, Y=Y, cache=c),
    }


def test_backward_takes_its_arguments_by_name():
    parameters, X, Y, _, cache = parts()
    expected = lesson.backward_propagation(X, Y, parameters, cache)
    for name, call in named_calls(parameters, cache, X, Y).items():
        grads = call()
        assert all(np.array_equal(grads[key], expected[key]) for key in expected), name


def wrong_calls(p, c, X, Y):
    back = lesson.backward_propagation
    return {
        "nothing": back,
        "missing": lambda: back(p, c, X),
        "missing by name": lambda: back(parameters=p, cache=c, X=X),
        "twice": lambda: back(p, c, X, parameters=p),
        "twice and complete": lambda: back(p, c, X, X=X, Y=Y),
        "unknown": lambda: back(p, c, X, y=Y),
        "five": lambda: back(p, c, X, Y, Y),
        "crosswise": lambda: back(X, p, Y, c),
        "data for dicts": lambda: back(parameters=X, cache=Y, X=p, Y=c),
    }


@pytest.mark.parametrize("name", wrong_calls(*[None] * 4))
def test_backward_tells_wrong_arguments_in_one_way(name):
    parameters, X, Y, _, cache = parts()
    with pytest.raises(InvalidInput, match="each once") as told:
        wrong_calls(parameters, cache, X, Y)[name]()
    assert len(str(told.value)) < 500


def test_forward_takes_both_orders_and_no_dict_is_told_shortly():
    parameters, X, _, A2, cache = parts()
    answer, other = lesson.forward_propagation(parameters, X)
    assert np.array_equal(answer, A2)
    assert other.keys() == cache.keys()
    with pytest.raises(InvalidInput, match="must be a dict") as told:
        lesson.forward_propagation(X, X)
    assert len(str(told.value)) < 200


def test_backward_refuses_labels_of_another_width():
    parameters, X, Y, _, cache = parts()
    for wrong in (Y[:, :1], Y[:, :5], np.vstack([Y, Y])):
        with pytest.raises(InvalidShape):
            lesson.backward_propagation(parameters, cache, X, wrong)


def test_update_leaves_its_input_alone():
    parameters, X, Y, _, cache = parts()
    grads = lesson.backward_propagation(X, Y, parameters, cache)
    before = {key: value.copy() for key, value in parameters.items()}
    after = lesson.update_parameters(parameters, grads, learning_rate=0.5)
    for key in parameters:
        assert np.array_equal(parameters[key], before[key])
        np.testing.assert_array_equal(after[key], before[key] - 0.5 * grads[f"d{key}"])


def test_costs_of_certainty():
    assert str(lesson.compute_cost([[1.0, 0.0]], [[1, 0]])) == "0.0", "a perfect answer costs -0.0"
    with pytest.warns(RuntimeWarning, match=r"exactly 0 or 1 against the label on 1 of 2 examples"):
        assert lesson.compute_cost([[1.0, 0.5]], [[0, 1]]) == np.inf
    with pytest.raises(InvalidInput, match="probabilities"):
        lesson.compute_cost([[1.5]], [[1]])
    assert lesson.compute_cost([[0.2, 0.7], [0.8, 0.3]], [[0, 1], [1, 0]]) == pytest.approx(
        -(np.log(0.8) + np.log(0.7)) / 2
    )


def test_print_cost_prints_as_the_course_does(capsys):
    data = datasets.load("planar")
    lesson.nn_model(data.X, data.Y, 2, 1001, print_cost=True, seed=0)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["Cost after iteration 0", "Cost after iteration 1000"]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: lesson.initialize_parameters(0, 4, 1), "whole numbers >= 1"),
        (lambda: lesson.initialize_parameters(2, 4, 1, seed=1, rng=np.random.RandomState(1)), "from a seed or"),
        (lambda: lesson.initialize_parameters(2, 4, 1, scheme="orthogonal", rng=np.random.RandomState(1)), "seed=0"),
        (lambda: lesson.nn_model(np.zeros((2, 3)), np.zeros((1, 3)), 0), "n_h"),
        (lambda: lesson.initialize_parameters(2, 4, 1, rng=3), "seed=3"),
        (lambda: lesson.initialize_parameters(2, 10**14, 1, seed=0), "too large"),
        (lambda: lesson.nn_model(np.zeros((2, 3)), np.zeros((1, 3)), 2, 10**23), "from 0 to"),
        (lambda: lesson.forward_propagation(np.zeros((2, 3)), {"W1": np.zeros((1, 2))}), "lacks b1"),
        (lambda: lesson.forward_propagation(np.zeros(2), {"W1": np.zeros((1, 2)), "b1": [0]}), "columns are examples"),
        (lambda: lesson.forward_propagation(np.zeros((2, 3)), {"W1": [[0, 0]], "b2": [0]}), "lacks b1"),
    ],
)
def test_bad_input_is_told(call, words):
    with pytest.raises(InvalidInput, match=words):
        call()
