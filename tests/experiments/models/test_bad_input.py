"""What cannot be compared is one clear error, before any training."""

from __future__ import annotations

import pytest
import torch
from experiments.models.nets import mlp
from torch import nn

import symbreak
from symbreak.errors import InvalidInput

X, Y = torch.randn(4, 6), torch.tensor([0, 1, 2, 0])


def failing():
    yield X, Y
    raise RuntimeError("the disk is gone")


def raising():
    raise ValueError("no such width")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"build": raising}, "ValueError: no such width"),
        ({"build": lambda: 3}, "returns a model"),
        ({"build": mlp()}, "built anew for every run"),
        ({"build": 3}, "built anew for every run"),
        ({"batches": 3}, "int"),
        ({"batches": []}, "no batch"),
        ({"batches": X}, "Tensor"),
        ({"batches": [X]}, "Tensor as number 0"),
        ({"batches": [(X, Y, Y)]}, "tuple of length 3 as number 0"),
        ({"batches": iter([(X, Y)] * 7)}, "7 batches; 20 were asked for"),
        ({"batches": failing}, "RuntimeError: the disk is gone"),
        ({"batches": [(X[:, :2], Y)]}, "must run on the input"),
        ({"batches": [(X, None)]}, "training needs a loss"),
        ({"inits": []}, "something to compare"),
        ({"inits": ["plam"]}, "plan"),
        ({"inits": ["normal(-1)"]}, ">= 0"),
        ({"inits": ["dirac"]}, "the start dirac"),
        ({"steps": 0}, "steps"),
        ({"seeds": 0}, "seeds"),
        ({"optimizer": "adamm"}, "adam"),
        ({"optimizer": "sgd", "learning_rate": 0}, "above 0"),
        ({"learning_rate": 0.1}, "sets its learning rate"),
        ({"optimizer": lambda parameters: None}, "NoneType"),
        ({"optimizer": lambda parameters: 1 / 0}, "ZeroDivisionError"),
        ({"loss_fn": lambda output, y: output}, "0"),
    ],
)
def test_it_is_refused_before_any_training(quick, changes, words):
    steps = []
    if "loss_fn" in changes:
        changes = {"loss_fn": lambda output, y: output.sum().item()}
        words = "without a gradient"
    with pytest.raises(InvalidInput) as caught:
        quick(**changes, progress=lambda done, total: steps.append(done))
    assert words in str(caught.value)
    assert not steps
    assert all(line in str(caught.value) for line in ("got:", "allowed:", "try:"))


def test_a_batch_that_fails_later_is_told(quick):
    with pytest.raises(InvalidInput, match="must run on the input"):
        quick(batches=[(X, Y)] * 6 + [(X[:, :2], Y)])


def test_a_model_without_batches_is_asked_for_them():
    with pytest.raises(InvalidInput, match="batches of its own"):
        symbreak.compare(mlp)


def test_a_list_is_gone_through_again_and_a_function_is_called(quick):
    assert quick(batches=[(X, Y)] * 3).network.batch_size == 4
    assert quick(batches=lambda: [(X, Y)]).network.batch_size is None


def test_a_shuffling_loader_gives_the_same_batches_every_time(quick):
    loader = torch.utils.data.DataLoader(list(zip(X.repeat(5, 1), Y.repeat(5), strict=True)), 4, shuffle=True)
    assert quick(batches=loader) == quick(batches=loader)


def test_a_frozen_part_stays_as_it_was_built(quick):
    def frozen():
        model = mlp()
        model[0].requires_grad_(False)
        return model

    tied, free = (quick(frozen, inits=[init], steps=1, seeds=1) for init in ("zeros", "as-built"))
    assert tied.rows[0].effective_units.start == (8,) == free.rows[0].effective_units.start


def test_a_model_with_nothing_to_train_is_refused(quick):
    with pytest.raises(InvalidInput):
        quick(lambda: mlp().requires_grad_(False))


def test_builders_may_be_classes(quick):
    class Net(nn.Sequential):
        def __init__(self):
            super().__init__(nn.Linear(6, 3))

    assert quick(Net).network.model == "Net"
