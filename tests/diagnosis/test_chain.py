"""Which models are read as plain chains, and with which numbers; everything else is left to other means."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from symbreak.diagnosis import chain as chain_module
from symbreak.diagnosis import values
from symbreak.diagnosis.chain import chain
from symbreak.diagnosis.observation import Observation, Operation, Parameter, Weight
from symbreak.diagnosis.wires import Wires

SIZES = (3, 5, 4, 2)


def parameter(name, array):
    return Parameter((name,), "Linear", array.shape, "float32", True, False, True, values.summary(array), lambda: array)


def numbers():
    rng = np.random.default_rng(0)
    found = {}
    for layer in range(1, len(SIZES)):
        found[f"{layer}.weight"] = rng.standard_normal((SIZES[layer], SIZES[layer - 1])).astype(np.float32)
        found[f"{layer}.bias"] = rng.standard_normal(SIZES[layer]).astype(np.float32)
    return found


def linear(index, layer, *, bias=True):
    weight, offset = f"{layer}.weight", f"{layer}.bias"
    fans = SIZES[layer - 1], SIZES[layer]
    names = (offset, weight) if bias else (weight,)
    return Operation(
        index, "linear", "addmm", str(layer), (index - 1,), names, (8, fans[1]), Weight(weight, *fans, 0, 1),
        offset if bias else None,
    )  # fmt: skip


def activation(index, name="tanh"):
    return Operation(index, "activation", name, "", (index - 1,), (), (8, 5))


def plain():
    """input, linear, tanh, view, linear, tanh, linear."""
    return [
        Operation(0, "input", "input", "", (), (), (8, 3)),
        linear(1, 1),
        activation(2),
        Operation(3, "shape", "view", "", (2,), (), (8, 5)),
        linear(4, 2),
        activation(5),
        linear(6, 3),
    ]


def read(operations, arrays=None, **observed):
    parameters = tuple(parameter(name, array) for name, array in (arrays or numbers()).items())
    return chain(Wires(Observation(parameters, tuple(operations), **observed)))


def test_a_chain_is_read_with_its_numbers_and_names():
    found = read(plain())
    assert found.network.sizes == SIZES
    assert found.network.activation.text == "tanh"
    assert found.names == tuple((f"{layer}.weight", f"{layer}.bias") for layer in (1, 2, 3))
    for array, wanted in zip(found.network.parameters, numbers().values(), strict=True):
        assert np.array_equal(np.asarray(array).reshape(wanted.shape), wanted)
    assert (found.name("W2"), found.name("b3")) == ("2.weight", "3.bias")


def test_a_missing_bias_is_zero():
    operations = plain()
    operations[4] = linear(4, 2, bias=False)
    found = read(operations)
    assert found.names[1] == ("2.weight", None)
    assert not np.asarray(found.network.parameters[3]).any()


def changed(place, **fields):
    def change(operations):
        operations[place] = replace(operations[place], **fields)

    return change


def with_reader(place):
    def change(operations):
        operations.append(Operation(len(operations), "reduce", "mean", "", (place,), (), ()))

    return change


WEIGHT = Weight("2.weight", 5, 4, 0, 1)
NO_CHAINS = {
    "a computed weight": changed(4, attributes={"computed": True}),
    "another layout": changed(4, weight=replace(WEIGHT, out_axis=1, in_axis=0)),
    "a part of a weight": changed(4, weight=replace(WEIGHT, out_axis=None)),
    "a further parameter": changed(4, parameters=("2.bias", "2.weight", "1.bias")),
    "another activation between": changed(5, name="relu"),
    "an activation unknown to the house": lambda operations: [
        changed(i, name="frobnicate")(operations) for i in (2, 5)
    ],
    "a norm between": changed(2, kind="norm"),
    "a permutation between": changed(3, name="permute"),
    "a sum of two": changed(4, inputs=(3, 1)),
    "one weight twice": changed(4, weight=replace(WEIGHT, parameter="1.weight")),
    "two activations in a row": changed(3, kind="activation", name="tanh"),
    "a hidden layer that is read twice": with_reader(2),
    "a hidden product that is read twice": with_reader(4),
}


@pytest.mark.parametrize("what", NO_CHAINS)
def test_it_is_no_chain(what):
    operations = plain()
    NO_CHAINS[what](operations)
    assert read(operations) is None


def test_weights_that_the_loss_does_not_depend_on_are_no_chain():
    assert read(plain(), unused=("1.weight",)) is None


def test_tied_tensors_are_no_chain():
    parameters = [parameter(name, array) for name, array in numbers().items()]
    parameters[0] = replace(parameters[0], names=("1.weight", "again.weight"))
    assert chain(Wires(Observation(tuple(parameters), tuple(plain())))) is None


def test_sizes_that_do_not_fit_are_no_chain():
    arrays = numbers()
    arrays["2.weight"] = arrays["2.weight"][:, :4].copy()
    assert read(plain(), arrays) is None


@pytest.mark.parametrize(
    ("what", "name", "broken"),
    [
        ("a computed weight", "_plain", lambda operation: True),
        ("a permutation between", "KEEPING", frozenset(("view", "permute"))),
    ],
)
def test_mutants_are_rejected(what, name, broken, monkeypatch):
    monkeypatch.setattr(chain_module, name, broken)
    with pytest.raises(AssertionError):
        test_it_is_no_chain(what)


def test_without_counting_readers_too_much_is_a_chain(monkeypatch):
    monkeypatch.setattr(Wires, "count_readers", lambda self, operation: 1)
    with pytest.raises(AssertionError):
        test_it_is_no_chain("a hidden layer that is read twice")
