"""Reading a graph of operations: what follows what, heads, the trunk, sizes past rescaling."""

from __future__ import annotations

import math
import random

import pytest

from symbreak.diagnosis import wires as wires_module
from symbreak.diagnosis.observation import Loss, Observation, Operation, Signal, Weight
from symbreak.diagnosis.wires import Wires, passes


def signal(rms=1.0):
    return Signal(0.0, rms, rms, 0, None, 4)


def graph(*lines, output=None):
    """Build operations from (kind, inputs) or (kind, inputs, name or attributes)."""
    operations = []
    for index, (kind, inputs, *more) in enumerate(lines):
        extra = more[0] if more else ""
        weighted = kind in ("linear", "conv", "recurrent")
        operations.append(
            Operation(
                index,
                kind,
                extra if isinstance(extra, str) and extra else kind,
                "",
                inputs,
                (f"w{index}",) if weighted else (),
                (2, 4),
                weight=Weight(f"w{index}", 4, 4, 0, 1) if weighted else None,
                attributes=extra if isinstance(extra, dict) else {},
                signal=signal(0.5**index),
            )
        )
    loss = None if output is None else Loss("other", 0.0, 0.0, output, output, None, None, (), ())
    return Wires(Observation((), tuple(operations), loss))


SCALAR = {"scalar": True}
CHAIN = graph(
    ("input", ()), ("linear", (0,)), ("shape", (1,)), ("multiply", (2,), SCALAR), ("activation", (3,), "relu"),
    ("noise", (4,)), ("linear", (5,)),
)  # fmt: skip
RESIDUAL = graph(
    ("input", ()), ("linear", (0,)), ("linear", (1,)), ("activation", (2,), "tanh"), ("linear", (3,)), ("add", (1, 4)),
    ("linear", (5,)),
)  # fmt: skip


def indices(operations):
    return [operation.index for operation in operations]


def test_readers_and_sources_skip_what_only_moves_or_rescales():
    assert indices(CHAIN.readers(CHAIN.operations[1])) == [4]
    assert indices(CHAIN.sources(CHAIN.operations[6])) == [4]
    assert indices(CHAIN.sources(CHAIN.operations[4])) == [1]
    assert CHAIN.followed_by(CHAIN.operations[1], "activation")
    assert not CHAIN.followed_by(CHAIN.operations[4], "activation")


def test_one_reader_is_counted_once_however_often_it_reads():
    squared = graph(("input", ()), ("linear", (0,)), ("multiply", (1, 1)), ("linear", (2,)))
    assert squared.count_readers(squared.operations[1]) == 1
    assert RESIDUAL.count_readers(RESIDUAL.operations[1]) == 2
    assert RESIDUAL.count_readers(RESIDUAL.operations[6]) == 0


@pytest.mark.parametrize(
    ("kind", "attributes", "inputs", "expected"),
    [
        ("shape", {}, (0,), True),
        ("noise", {}, (0, 1), True),
        ("multiply", SCALAR, (0,), True),
        ("add", SCALAR, (0,), True),
        ("multiply", {}, (0,), False),
        ("multiply", SCALAR, (0, 1), False),
        ("activation", SCALAR, (0,), False),
    ],
)
def test_what_passes(kind, attributes, inputs, expected):
    assert passes(Operation(2, kind, kind, "", inputs, (), (2,), attributes=attributes)) is expected


def test_a_parameter_that_multiplies_does_not_pass():
    assert not passes(Operation(2, "multiply", "mul", "", (0,), ("gain",), (2,), attributes=SCALAR))


def test_heads_are_weights_after_which_none_comes():
    assert CHAIN.outputs == {6}
    assert RESIDUAL.outputs == {6}
    two = graph(("input", ()), ("linear", (0,)), ("linear", (1,)), ("linear", (1,)))
    assert two.outputs == {2, 3}
    assert two.leads_on(two.operations[1])
    assert not two.leads_on(two.operations[2])


def test_a_sum_leads_around_its_branch():
    assert indices(RESIDUAL.trunk) == [0, 1, 5, 6]
    assert indices(RESIDUAL.hidden) == [1]
    assert indices(CHAIN.trunk) == list(range(7))


def test_products_need_both_factors():
    gated = graph(("input", ()), ("linear", (0,)), ("linear", (0,)), ("multiply", (1, 2)), ("linear", (3,)))
    assert indices(gated.trunk) == [0, 1, 2, 3, 4]


def test_the_trunk_ends_at_the_prediction():
    side = graph(("input", ()), ("linear", (0,)), ("linear", (1,)), ("linear", (1,)), output=2)
    assert indices(side.trunk) == [0, 1, 2]


def test_sizes_are_read_past_rescaling():
    assert math.isclose(CHAIN.delivered(CHAIN.operations[1]), 0.5**3)
    assert math.isclose(CHAIN.received(CHAIN.operations[6]), 0.5**4)
    assert CHAIN.received(CHAIN.operations[0]) is None


@pytest.mark.parametrize(("through", "expected"), [("pool", "relu"), ("shape", "relu"), ("norm", "identity")])
def test_the_activation_before_is_seen_through_pools_only(through, expected):
    found = graph(("input", ()), ("linear", (0,)), ("activation", (1,), "relu"), (through, (2,)), ("linear", (3,)))
    assert found.activation_before(found.operations[4]) == expected


def test_nothing_was_observed():
    empty = Wires(Observation(()))
    assert (empty.trunk, empty.hidden, empty.weighted, empty.outputs) == ((), (), (), frozenset())


def test_a_thousand_layers_are_read_in_no_time():
    lines = [("input", ())] + [("linear", (place,)) for place in range(1000)]
    deep = graph(*lines)
    assert len(deep.hidden) == 999
    assert deep.outputs == {1000}


def test_mutants_are_rejected(monkeypatch):
    monkeypatch.setattr(wires_module, "passes", lambda operation: False)
    with pytest.raises(AssertionError):
        test_readers_and_sources_skip_what_only_moves_or_rescales()
    with pytest.raises(AssertionError):
        test_sizes_are_read_past_rescaling()
    monkeypatch.undo()
    monkeypatch.setattr(wires_module, "_deadened", lambda operation, inputs: max(inputs, default=0))
    with pytest.raises(AssertionError):
        test_products_need_both_factors()


def by_hand(wires):
    """The trunk by its definition: each operation in turn is put to zero, and followed through all later ones."""
    end = max(operation.index for operation in wires.operations)
    found = []
    for operation in wires.operations:
        state = {operation.index: wires_module.ZERO}
        for later in wires.operations[operation.index + 1 :]:
            dead = wires_module._deadened(later, [state.get(i, wires_module.ALIVE) for i in later.inputs])
            if dead != wires_module.ALIVE:
                state[later.index] = dead
        if end in state:
            found.append(operation.index)
    return found


def random_graph(seed):
    draw = random.Random(seed)
    kinds = ("linear", "activation", "multiply", "add", "matmul", "softmax", "norm", "shape", "concat", "attention")
    lines = [("input", ())]
    for index in range(1, 30):
        kind = draw.choice(kinds)
        count = {"attention": 3, "matmul": 2, "multiply": 2, "add": 2, "concat": 2}.get(kind, 1)
        near = [max(0, index - 1 - draw.randrange(4)) for _ in range(count)]
        lines.append((kind, tuple(near), draw.choice(("relu", "sigmoid")) if kind == "activation" else ""))
    return graph(*lines)


@pytest.mark.parametrize("seed", range(60))
def test_the_trunk_is_what_its_definition_says(seed):
    wires = random_graph(seed)
    assert indices(wires.trunk) == by_hand(wires)


def test_a_long_chain_is_followed_once():
    steps = 3000
    wires = graph(("input", ()), *(("activation", (index,), "tanh") for index in range(steps)))
    counted = 0

    class Counting(list):
        def __getitem__(self, index):
            nonlocal counted
            counted += 1
            return super().__getitem__(index)

    wires.__dict__["_readers"] = Counting(wires._readers)
    assert len(wires.trunk) == steps + 1
    assert counted <= 2 * steps
