"""Checking in this very process: mistakes are contained, and whoever calls finds everything as it was."""

from __future__ import annotations

import contextlib
import random
import signal
import sys
import threading
import time
import tracemalloc
import types

import numpy as np
import pytest

import symbreak
from symbreak import lesson
from symbreak.errors import InvalidInput
from symbreak.grade import check, inprocess
from symbreak.grade.inprocess import InProcess
from symbreak.grade.names import FUNCTIONS
from symbreak.grade.subject import Call, Foreign


def initialize_parameters(n_x, n_h, n_y):
    return {
        "W1": np.random.randn(n_h, n_x) * 0.01,
        "b1": np.zeros((n_h, 1)),
        "W2": np.random.randn(n_y, n_h) * 0.01,
        "b2": np.zeros((n_y, 1)),
    }


def call(function, *args, seconds=inprocess.SECONDS, seed=None, **kwargs):
    return InProcess({"predict": function}, seconds=seconds).call(Call("predict", args, kwargs, seed))


def test_a_function_is_checked_and_nothing_printed(capfd):
    grade = check(initialize_parameters)
    assert grade.passed
    assert grade.points == grade.worth == 100
    assert {result.function for result in grade.results} == {"initialize_parameters"}
    grade.assert_ok()
    assert capfd.readouterr() == ("", "")


def test_what_fails_is_told_by_an_assertion_error():
    with pytest.raises(AssertionError, match=r"init-runs[\s\S]*still the stub"):
        check(lambda *_: (_ for _ in ()).throw(NotImplementedError)).assert_ok()


def test_our_own_functions_pass():
    grade = check(lesson)
    assert grade.passed, grade.text()
    assert len({result.function for result in grade.results}) == 12


class Network:
    def __init__(self, n_x, n_h, n_y):
        vars(self).update(initialize_parameters(n_x, n_h, n_y))


@pytest.mark.parametrize(
    "code",
    [
        initialize_parameters(3, 4, 1),
        {"initialize_parameters": initialize_parameters, "x": 1},
        types.SimpleNamespace(initialize_parameters=initialize_parameters),
        types.SimpleNamespace(**initialize_parameters(5, 3, 2)),
        type(
            "Net", (), {"__init__": lambda self, n_x, n_h, n_y: vars(self).update(initialize_parameters(n_x, n_h, n_y))}
        ),
    ],
    ids=["parameters", "namespace dict", "namespace", "object", "class"],
)
def test_other_forms_of_code(code):
    grade = check(code)
    assert grade.passed, grade.text()
    assert grade["init-shapes"].status == "pass"


def test_parameters_cannot_be_drawn_again_and_that_costs_nothing():
    grade = check(initialize_parameters(3, 4, 1))
    skipped = [result for result in grade.results if result.status == "skipped"]
    assert "init-random" in [result.id for result in skipped]
    assert all(result.worth == 0 and not result.required for result in skipped)
    assert grade.points == 100


@pytest.mark.parametrize(("key", "shape", "id"), [("W1", (3, 4), "init-shapes"), ("b1", (4,), "init-bias-shape")])
def test_wrong_parameters_are_told_for_the_sizes_that_most_of_them_have(key, shape, id):
    parameters = initialize_parameters(3, 4, 1)
    parameters[key] = parameters[key].reshape(shape)
    grade = check(parameters)
    assert [result.id for result in grade.results if result.status == "fail"] == [id]


@pytest.mark.parametrize("code", [3, "def f(): pass", None, [1]])
def test_what_is_no_code_is_refused(code):
    with pytest.raises(InvalidInput, match="what is checked is a function"):
        check(code)


def test_an_unknown_function_is_refused():
    with pytest.raises(InvalidInput, match="no such function"):
        check(initialize_parameters, function="initialise")


def test_required_makes_all_others_optional():
    def transposed(n_x, n_h, n_y):
        return {key: value.T for key, value in initialize_parameters(n_x, n_h, n_y).items()}

    grade = check(transposed, required=["init-runs", "init-keys"])
    assert grade.passed
    assert grade["init-shapes"].status == "fail"
    with pytest.raises(InvalidInput, match="unknown check"):
        check(initialize_parameters, required=["init-run"])


def test_a_function_is_chosen_also_where_a_configuration_names_others():
    grade = check(lesson, function="predict", hidden={"functions": ["compute_cost"], "points": 7})
    assert {result.function for result in grade.results} == {"predict"}
    assert grade.points == 7


def test_random_states_are_restored():
    np.random.seed(5)
    random.seed(5)
    expected = np.random.get_state()[1].tolist(), random.getstate()
    check(lambda *s: (np.random.seed(1), random.seed(1), initialize_parameters(*s))[2])
    assert (np.random.get_state()[1].tolist(), random.getstate()) == expected


def test_pytorchs_state_is_seeded_and_restored():
    import torch

    def initialize_parameters(n_x, n_h, n_y):
        W1, W2 = 0.01 * torch.randn(n_h, n_x), 0.01 * torch.randn(n_y, n_h)
        return {"W1": W1, "b1": torch.zeros(n_h, 1), "W2": W2, "b2": torch.zeros(n_y, 1)}

    before = torch.get_rng_state()
    first = check(initialize_parameters)
    torch.rand(3)
    between = torch.get_rng_state()
    assert check(initialize_parameters).to_json() == first.to_json()
    assert torch.equal(torch.get_rng_state(), between)
    assert not torch.equal(before, between)
    assert first["init-random"].status == "pass"


def test_something_that_is_named_torch_is_left_alone(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", types.ModuleType("torch"))
    assert check(initialize_parameters(3, 4, 1)).passed


@pytest.mark.parametrize(
    ("change", "id"),
    [({"W2": None, "b2": None}, "init-keys"), ({"W1": None}, "init-dtype")],
)
def test_a_dict_without_a_layer_fails(change, id):
    parameters = {**initialize_parameters(3, 4, 1), **change}
    parameters = {key: value for key, value in parameters.items() if value is not None or key == "W1"}
    grade = check(parameters)
    assert grade[id].status == "fail"
    assert not grade.passed


@pytest.mark.parametrize("points", [-1, float("nan"), "10"])
def test_points_that_are_no_number_are_refused(points):
    with pytest.raises(InvalidInput, match="points"):
        check(initialize_parameters(3, 4, 1), points=points)


def test_a_seed_reaches_both_generators():
    draws = [call(lambda: (np.random.rand(), random.random()), seed=seed).value for seed in (3, 3, 4)]
    assert draws[0] == draws[1] != draws[2]


def test_arguments_are_copied_and_changes_told():
    array, sizes = np.zeros(3), [1, 2]
    outcome = call(lambda a, s, k: (a.fill(1), s.pop()), array, sizes, k={"W": array})
    assert outcome.changed == ("0", "1")
    assert array.tolist() == [0, 0, 0]
    assert sizes == [1, 2]
    assert call(lambda a: a + 1, array).changed == ()


def test_what_is_printed_is_caught():
    def loud():
        print("out")  # noqa: T201
        print("err", file=sys.stderr)  # noqa: T201
        np.array([1.0]) / np.array([0.0])

    outcome = call(loud)
    assert (outcome.stdout, outcome.stderr[:3]) == ("out\n", "err")
    assert "divide by zero" in outcome.stderr


@pytest.mark.parametrize(
    ("function", "stopped", "error"),
    [
        (lambda: exit(3), "exit", ""),
        (lambda: (_ for _ in ()).throw(MemoryError), "memory", ""),
        (lambda: 1 / 0, None, "ZeroDivisionError: division by zero"),
    ],
)
def test_ends_of_calls(function, stopped, error):
    outcome = call(function)
    assert (outcome.value, outcome.stopped, outcome.error) == (None, stopped, error)


def test_an_interrupt_is_the_callers():
    with pytest.raises(KeyboardInterrupt):
        call(lambda: (_ for _ in ()).throw(KeyboardInterrupt))


def endless():
    while True:
        with contextlib.suppress(Exception):
            time.sleep(0.001)


def stubborn():
    for _ in range(2):
        with contextlib.suppress(BaseException):
            while True:
                time.sleep(0.001)
    return "came back"


@pytest.mark.parametrize("function", [endless, stubborn])
def test_the_alarm_ends_what_takes_too_long(function):
    begun = time.monotonic()
    outcome = call(function, seconds=0.2)
    assert time.monotonic() - begun < 5
    assert outcome.stopped == ("time" if function is endless else None)


def test_the_alarm_leaves_the_callers_own_alone():
    before = signal.getsignal(signal.SIGALRM)
    call(endless, seconds=0.1)
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_other_threads_have_no_alarm_and_work():
    found = []
    thread = threading.Thread(target=lambda: found.append(check(initialize_parameters).passed))
    thread.start()
    thread.join()
    assert found == [True]


def test_a_function_that_takes_too_long_is_not_called_for_every_check():
    calls = []

    def slow(*_):
        calls.append(1)
        while True:
            time.sleep(0.001)

    from symbreak.grade.grading import grade
    from symbreak.grade.plan import Plan

    found = grade(InProcess({"initialize_parameters": slow}, seconds=0.1), Plan(), "slow")
    assert found["init-runs"].status == "fail"
    assert len(calls) == 2


def test_foreign_values_are_named_not_kept():
    assert call(lambda: object()).value == Foreign("object")
    assert call(lambda: np.matrix([1])).value == Foreign("matrix")


KEYS = ("W1", "b1", "W2", "b2", "dW1", "db1", "dW2", "db2", "Z1", "A1", "Z2", "A2")


class Trap:
    """A value that raises whatever it is asked."""

    def __array__(self, *_, **__):
        raise RuntimeError("no")

    def __eq__(self, other):
        raise RuntimeError("no")

    __hash__ = None


@pytest.mark.parametrize("name", symbreak.grade.inprocess.KNOWN)
@pytest.mark.parametrize(
    "value",
    [
        None,
        3,
        "text",
        [],
        (),
        {},
        [1, "a"],
        [[1], [2, 3]],
        np.zeros((0, 0)),
        np.array("text"),
        np.zeros(3) * 1j,
        (np.zeros(2), np.zeros(2)),
        (None, None),
        {"W1": None, "dW1": "x", "A1": Trap()},
        dict.fromkeys(KEYS, np.full((2, 2), np.nan)),
        dict.fromkeys(KEYS, 0),
        dict.fromkeys(KEYS, np.zeros((2, 2, 2))),
        Trap(),
        np.float64("nan"),
        10**400,
    ],
    ids=lambda v: type(v).__name__,
)
def test_no_value_breaks_a_check(name, value):
    grade = check(lambda *_, **__: value, function=name)
    assert not grade.passed
    assert [result for result in grade.results if result.status == "error"] == []


@pytest.mark.parametrize("name", ["\x1b[2J", "x" * 10**6, "a\nb\u202e"])
def test_names_that_code_returns_are_told_in_short_and_without_escapes(name):
    told = check(lambda *_: {name: 1.0}).text() + check(lambda *_: type(name, (), {})()).text()
    assert len(told) < 20_000
    assert all(character.isprintable() or character == "\n" for character in told)
    assert "a\nb" not in told


@pytest.mark.parametrize("shape", [(8_000, 16), (10**5, 1, 1), (1, 10**5), (10**5,)])
def test_arrays_that_are_far_too_large_cost_no_memory(shape):
    """Products and pairs of their rows would take gigabytes of the grader's."""
    large = np.random.RandomState(0).randn(*shape)

    def backward_propagation(parameters, cache, X, Y):
        return dict.fromkeys(("dW1", "db1", "dW2", "db2"), large)

    def initialize(n_x, n_h, n_y):
        return dict.fromkeys(("W1", "b1", "W2", "b2"), large * 0.01)

    tracemalloc.start()
    grades = check(backward_propagation), check(initialize)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert not any(grade.passed for grade in grades)
    assert not any(result.status == "error" for grade in grades for result in grade.results)
    assert most < 48 * large.nbytes  # the calls' own copies, and nothing that grows with their square


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("value", [{}, (), "text", {"W1": "text"}, 3j], ids=repr)
def test_what_is_not_there_earns_nothing(function, value):
    """A property of parts that are missing does not hold: points are for being called and for good manners."""
    grade = check(lambda *_, **__: value, function=function)
    earning = {result.id.rpartition("-")[2] for result in grade.results if result.points}
    assert not grade.passed
    assert earning <= {"runs", "arguments", "quiet"}


def test_what_is_no_number_earns_nothing_for_being_unlike_all():
    def initialize_parameters_of(weight):
        return lambda n_x, n_h, n_y: {
            "W1": np.full((n_h, n_x), weight), "b1": np.zeros((n_h, 1)),
            "W2": np.full((n_y, n_h), weight), "b2": np.zeros((n_y, 1)),
        }  # fmt: skip

    zeros, nans = (check(initialize_parameters_of(weight)) for weight in (0.0, np.nan))
    earned = {result.id for result in nans.results if result.points} - {r.id for r in zeros.results if r.points}
    assert earned == set()
    assert nans["init-dtype"].status == "fail"
    assert nans["init-random"].status == "skipped"


def test_a_model_that_is_no_number_trains_nothing():
    def nn_model(X, Y, n_h, num_iterations=10):
        return {"W1": np.full((n_h, 2), np.nan), "b1": np.full((n_h, 1), np.nan),
                "W2": np.full((1, n_h), np.nan), "b2": np.full((1, 1), np.nan)}  # fmt: skip

    assert check(nn_model)["model-all"].points == 0
